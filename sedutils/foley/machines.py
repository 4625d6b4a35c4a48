"""Engines and motors: bus, motorcycle, kitchen mixer."""

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp


def _cycle_table(rng: Generator, firings: np.ndarray, uneven: float, width: float) -> np.ndarray:
    """One engine cycle: a pressure pulse at each firing (fractions of the cycle), all unequal."""
    k = np.arange(1, 600)
    height = np.exp(rng.normal(0, uneven, firings.size))
    at = firings + rng.normal(0, 0.004 * (1 + uneven), firings.size)
    train = (height[:, None] * np.exp(-2j * np.pi * k[None, :] * at[:, None])).sum(axis=0)
    spectrum = train / (1 + (k * width) ** 2) ** 0.75
    return dsp.harmonic_table(np.abs(spectrum), np.angle(spectrum))


def engine(
    rng: Generator, n: int, cycle_hz: np.ndarray, firings: np.ndarray, *, uneven: float, rasp: float
) -> np.ndarray:
    """Exhaust of a four-stroke engine: pulses at the firings, gas noise that flows with them.

    ``cycle_hz`` is a control (crankshaft turns / 2); ``uneven`` the spread between cylinders,
    ``rasp`` the noise beside unit pulses.
    """
    moved = cycle_hz * (1 + 0.006 * dsp.wander(rng, n, 12) + 0.01 * dsp.wander(rng, n, 1.5))
    cycles = dsp.phase(moved, n, rng.uniform())
    pulse = dsp.look_up(
        _cycle_table(rng, firings, uneven, dsp.log_uniform(rng, 0.01, 0.05)), cycles
    )
    stroke = np.exp(0.15 * dsp.wander(rng, n, float(np.mean(cycle_hz))))  # no two cycles burn alike
    flow = dsp.noise(rng, n) * np.abs(pulse)
    return (pulse + rasp * flow) * dsp.spread(stroke, n)


def drive(rng: Generator, n: int, duration_s: float, idle: float, top: float, odds: float):
    """Engine speed: idle, or pulling away through gears, or coasting; a control."""
    if rng.random() < odds:
        return np.full(dsp.controls(n), idle * rng.uniform(1, 1.15))
    times, values, now = [0.0], [rng.uniform(idle, top)], 0.0
    while now < duration_s:
        pull = dsp.log_uniform(rng, 0.6, 4.0)
        high = rng.uniform(0.55, 1.0) * top
        low = rng.uniform(idle, max(0.65 * high, idle))
        now += pull
        times += [now, now + rng.uniform(0.15, 0.5)]
        values += [high, low]
        now = times[-1]
    return dsp.contour(times, values, n)


def passing(
    rng: Generator, n: int, duration_s: float, odds: float
) -> tuple[np.ndarray, np.ndarray]:
    """Level and pitch factor of a vehicle that drives past (or, ``1 - odds``, stays)."""
    t = dsp.control_times(n)
    if rng.random() >= odds:
        return np.exp(0.1 * dsp.wander(rng, n, 0.5)), np.ones(t.size)
    speed, aside = rng.uniform(5, 20), rng.uniform(4, 12)
    along = speed * (t - rng.uniform(0.25, 0.75) * duration_s)
    distance = np.sqrt(along**2 + aside**2)
    return aside / distance, 343 / (343 + speed * along / distance)


def bus(rng: Generator, duration_s: float) -> np.ndarray:
    """Bus: a slow diesel (four or six cylinders, firing 20-90 Hz), body rattle, air brakes, doors.

    Heavy low harmonics, the clatter of diesel knock at 1-4 kHz in time with the firings, road noise
    and a whining gear; heard from the kerb, passing, or from inside.
    """
    n = dsp.length(duration_s)
    cylinders = int(rng.choice([4, 6, 6, 8]))
    level, doppler = passing(rng, n, duration_s, 0.45)
    cycle = drive(rng, n, duration_s, rng.uniform(4.5, 6.5), rng.uniform(11, 17), 0.35) * doppler
    firings = np.arange(cylinders) / cylinders
    out = engine(rng, n, cycle, firings, uneven=rng.uniform(0.08, 0.35), rasp=rng.uniform(0.2, 0.7))
    body = dsp.log_uniform(rng, 60, 350, 4)
    out = dsp.unit(out) + rng.uniform(0.4, 1.2) * dsp.unit(
        dsp.resonators(out, body, [0.08] * 4, [1, 1, 0.7, 0.7])
    )
    knock = dsp.shaped(out * np.abs(out), [200, 1000, 3000, 12000], [-40, 0, 0, -14])
    out = dsp.shaped(out, [20, 60, 500, 4000, 18000], [-6, 0, -6, rng.uniform(-24, -14), -50])
    out = dsp.unit(out) + rng.uniform(0.05, 0.4) * dsp.unit(knock)
    road = dsp.coloured(rng, n, [20, 100, 900, 4000, 18000], [-6, 0, -4, -16, -36])
    out += rng.uniform(0.1, 0.7) * road * dsp.spread(np.clip(cycle / 12, 0.2, 1.5), n)
    whine = dsp.look_up(dsp.harmonic_table([1, 0.3]), dsp.phase(cycle * rng.uniform(35, 90), n))
    out += rng.uniform(0, 0.12) * whine
    if rng.random() < 0.4:
        out += _air_brake(rng, n, duration_s)
    return out * dsp.spread(level, n)


def _air_brake(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """The hiss of a brake or door valve, sometimes with the squeal of the brake before it."""
    at, hiss_s = rng.uniform(0, duration_s), rng.uniform(0.2, 1.2)
    hiss = dsp.coloured(rng, n, [300, 3000, 8000, 18000], [-30, 0, 0, -10])
    out = (
        rng.uniform(0.3, 1.0)
        * hiss
        * dsp.spread(dsp.pulses(n, [at], [hiss_s], attack=0.04, release=0.8), n)
    )
    if rng.random() < 0.5:
        squeal = dsp.look_up(
            dsp.harmonic_table([1, 0.4, 0.2]),
            dsp.phase(rng.uniform(900, 2800) * (1 + 0.01 * dsp.wander(rng, n, 6)), n),
        )
        level = dsp.pulses(n, [max(at - 1.2, 0)], [rng.uniform(0.4, 1.4)])
        out = out + rng.uniform(0.1, 0.5) * squeal * dsp.spread(level, n)
    return out


def motorcycle(rng: Generator, duration_s: float) -> np.ndarray:
    """Motorcycle: one to four cylinders, hardly muffled, revved up and down or riding past.

    Pulses of a big single or V-twin (uneven spacing, 0 and 315/720) are heard one by one at idle;
    the pipe (0.6-1.4 m) rings at its odd quarter-wave modes; the mufflers let the highs through.
    """
    n = dsp.length(duration_s)
    kind = rng.random()
    firings = np.arange(int(rng.integers(1, 5)))
    firings = firings / firings.size if kind > 0.35 else np.array([0.0, rng.uniform(0.38, 0.46)])
    idle, top = rng.uniform(6.5, 11), dsp.log_uniform(rng, 22, 60)
    level, doppler = passing(rng, n, duration_s, 0.4)
    cycle = drive(rng, n, duration_s, idle, top, 0.25) * doppler
    out = engine(rng, n, cycle, firings, uneven=rng.uniform(0.03, 0.25), rasp=rng.uniform(0.4, 1.6))
    quarter = 343 / (4 * rng.uniform(0.6, 1.4))
    pipe = quarter * np.array([1, 3, 5, 7]) * rng.uniform(0.96, 1.04, 4)
    ring = dsp.resonators(out, pipe, [0.05, 0.035, 0.025, 0.02], [1, 0.8, 0.6, 0.5])
    out = 0.5 * dsp.unit(out) + rng.uniform(0.5, 1.5) * dsp.unit(ring)
    load = np.clip(cycle / np.mean(cycle), 0.4, 2.0) ** rng.uniform(0.3, 1.2)
    bright = rng.uniform(-10, 2)
    out = dsp.shaped(
        out, [20, 80, 400, 3000, 18000], [-12, 0, 2, bright, bright - rng.uniform(6, 18)]
    )
    valves = dsp.coloured(rng, n, [200, 2000, 6000, 18000], [-30, 0, -3, -20])
    click = np.clip(0.5 + dsp.wander(rng, n, 80), 0.1, None)
    out = dsp.unit(out) + rng.uniform(0.03, 0.2) * valves * dsp.spread(click, n)
    return out * dsp.spread(level * load, n)


def mixer(rng: Generator, duration_s: float) -> np.ndarray:
    """Kitchen mixer: a universal motor (100-350 turns/s), its gear, fan and brushes, and the bowl.

    A brushed motor whines at commutator-bar multiples of its turns, the fan adds broad noise, the
    gear beats in the beaters' rhythm; speed sags under load and jumps with the switch.
    """
    n = dsp.length(duration_s)
    turns = dsp.log_uniform(rng, 90, 350)
    steps = np.sort(rng.uniform(0, duration_s, int(rng.poisson(0.15 * duration_s))))
    speed = np.exp(rng.normal(0, 0.2, steps.size + 1))[np.searchsorted(steps, dsp.control_times(n))]
    smooth = np.ones(90) / 90  # the rotor needs a tenth of a second
    speed = np.convolve(np.pad(speed, 90, mode="edge"), smooth, mode="same")[90:-90]
    if rng.random() < 0.5:
        speed = speed * np.minimum(1, 0.15 + dsp.control_times(n) / rng.uniform(0.15, 0.8))
    beater_hz = rng.uniform(5, 16)
    churn = np.sin(2 * np.pi * dsp.phase(beater_hz * speed, n)[:: dsp.HOP])
    churn = np.interp(np.arange(dsp.controls(n)), np.arange(churn.size), churn)
    load = rng.uniform(0.002, 0.02) * churn + 0.012 * dsp.wander(rng, n, 2)
    hz = turns * speed * (1 - load)
    k = np.arange(1, int(16000 / turns) + 1)
    bars = int(rng.integers(10, 26))
    level = k ** -rng.uniform(0.6, 1.3) * np.exp(rng.normal(0, 0.7, k.size))
    for multiple in (bars, 2 * bars):
        if multiple <= k.size:
            level[multiple - 1] += rng.uniform(0.2, 1.2) / (multiple // bars)
    cycles = dsp.phase(hz, n)
    motor = dsp.look_up(dsp.harmonic_table(level, rng.uniform(0, 2 * np.pi, k.size)), cycles)
    fan_hz = dsp.log_uniform(rng, 600, 3500)
    fan = dsp.coloured(rng, n, [40, 200, fan_hz, 4 * fan_hz, 20000], [-30, -14, 0, -5, -18])
    tone = 1 + dsp.spread(rng.uniform(0.05, 0.4) * churn + 0.1 * dsp.wander(rng, n, 9), n)
    out = (dsp.unit(motor) + rng.uniform(0.3, 1.4) * fan) * tone
    hits = dsp.poisson_times(rng, dsp.log_uniform(rng, 0.3, 12), duration_s)
    bowl = dsp.impulses(n, hits, rng.exponential(1.0, hits.size))
    rings = dsp.resonators(
        bowl, dsp.log_uniform(rng, 400, 5000, 4), [0.15, 0.1, 0.08, 0.05], [1, 0.8, 0.7, 0.5]
    )
    body = dsp.resonators(out, dsp.log_uniform(rng, 150, 3000, 3), [0.02] * 3, [1] * 3)
    out = dsp.unit(out) + 0.8 * dsp.unit(body) + rng.uniform(0, 1.2) * 0.3 * dsp.unit(rings)
    return out * dsp.spread(np.clip(speed, 0, 1.5) ** 1.5, n)
