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


def combustion(
    rng: Generator,
    n: int,
    cycle_hz: np.ndarray,
    firings: np.ndarray,
    *,
    modes_hz: tuple[float, float],
    uneven: float,
    gas: float,
) -> np.ndarray:
    """Engine of many parts: every firing rings pipe, block and panels, and lets gas out.

    ``cycle_hz`` is a control (crankshaft turns / 2), ``firings`` fractions of a cycle. Combustion
    varies from one cycle to the next by ``uneven`` (natural log of strength; Heywood 1988), so
    that an engine is no organ pipe. Ten modes in ``modes_hz`` fall by 60 dB in 20-60 ms; ``gas``
    is noise in bursts, beside unit RMS.
    """
    turned = dsp.phase(cycle_hz * (1 + 0.01 * dsp.wander(rng, n, 3)), n, rng.uniform())[:: dsp.HOP]
    cycles = np.arange(int(turned[-1]) + 1)[:, None]
    at = cycles + firings + rng.normal(0, 0.003 + 0.02 * uneven**2, (cycles.size, firings.size))
    ends = {"left": -1.0, "right": -1.0}
    times = np.interp(at.ravel(), turned, np.arange(turned.size) / dsp.CONTROL_RATE, **ends)
    of_cylinder = rng.normal(0, 0.15, firings.size)
    level = np.exp(of_cylinder + rng.normal(0, uneven, at.shape)).ravel()
    hz, decay_s = dsp.log_uniform(rng, *modes_hz, 10), dsp.log_uniform(rng, 0.02, 0.06, 10)
    height = (hz / modes_hz[0]) ** -rng.uniform(0, 0.6) * np.exp(rng.normal(0, 0.3, 10))
    parts = dsp.rung(dsp.burst(rng, 0.0005, 0.004), hz, decay_s, height)
    out = dsp.unit(dsp.struck(dsp.impulses(n, times, level), parts))
    points = [30, 100, 500, 2000, 16000], [-10, -4, 0, -8, -24]
    return out + gas * dsp.unit(dsp.bursts(rng, n, times, level, 0.012, *points))


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


def _road(rng: Generator, n: int, cycle_hz: np.ndarray) -> np.ndarray:
    """Tyres and wind, as fast as the engine turns."""
    road = dsp.coloured(rng, n, [20, 100, 900, 4000, 18000], [-6, 0, -6, -20, -44])
    return road * dsp.spread(np.clip(cycle_hz / 12, 0.2, 1.5), n)


def bus(rng: Generator, duration_s: float) -> np.ndarray:
    """Bus: a slow diesel (four to eight cylinders, firing 20-90 Hz), body, air brakes, doors.

    Heavy low pulses and what they set ringing in block and body at 60-1200 Hz, road noise and a
    whining gear; heard from the kerb, passing, or from inside.
    """
    n = dsp.length(duration_s)
    cylinders = int(rng.choice([4, 6, 6, 8]))
    level, doppler = passing(rng, n, duration_s, 0.45)
    cycle = drive(rng, n, duration_s, rng.uniform(4.5, 6.5), rng.uniform(11, 17), 0.35) * doppler
    firings = np.arange(cylinders) / cylinders
    uneven, gas = rng.uniform(0.15, 0.45), rng.uniform(0.15, 0.35)
    out = combustion(rng, n, cycle, firings, modes_hz=(60, 1200), uneven=uneven, gas=gas)
    out += rng.uniform(0.1, 0.4) * _road(rng, n, cycle)
    whine = dsp.look_up(dsp.harmonic_table([1, 0.3]), dsp.phase(cycle * rng.uniform(35, 90), n))
    out += rng.uniform(0, 0.08) * whine
    if rng.random() < 0.4:
        out += rng.uniform(0.3, 1.0) * _air_brake(rng, n, duration_s)
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
    pipe, fins and covers ring at 80-3000 Hz. Level follows the load.
    """
    n = dsp.length(duration_s)
    count = int(rng.integers(1, 5))
    firings = np.arange(count) / count
    if rng.random() < 0.35:
        firings = np.array([0.0, rng.uniform(0.38, 0.46)])
    idle, top = rng.uniform(6.5, 11), dsp.log_uniform(rng, 22, 60)
    level, doppler = passing(rng, n, duration_s, 0.4)
    cycle = drive(rng, n, duration_s, idle, top, 0.25) * doppler
    uneven, gas = rng.uniform(0.15, 0.45), rng.uniform(0.15, 0.45)
    out = combustion(rng, n, cycle, firings, modes_hz=(80, 3000), uneven=uneven, gas=gas)
    load = np.clip(cycle / np.mean(cycle), 0.4, 2.0) ** rng.uniform(0.3, 1.2)
    out = out * dsp.spread(load, n) + rng.uniform(0.1, 0.3) * _road(rng, n, cycle)
    return out * dsp.spread(level, n)


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
