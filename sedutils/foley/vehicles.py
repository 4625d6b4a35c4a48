"""Cars and buses from the kerb and from the seat."""

from itertools import pairwise

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp, solids
from sedutils.foley.machines import drive, engine, passing


def _tyres(rng: Generator, n: int) -> np.ndarray:
    """Tyre noise: a broad hump near 1 kHz, brighter when wet; unit RMS."""
    hump, wet = dsp.log_uniform(rng, 600, 1300), rng.uniform(-24, -8)
    points = [20, 0.3 * hump, hump, 3 * hump, 18000], [-18, -8, 0, -9, wet - 12]
    return dsp.coloured(rng, n, *points)


def _motor(
    rng: Generator, n: int, cycle_hz: np.ndarray, rasp: float, top_db: float = -16
) -> np.ndarray:
    """A muffled three- to six-cylinder engine at the control ``cycle_hz``; unit RMS."""
    count = int(rng.choice([3, 4, 4, 4, 6]))
    firings = np.arange(count) / count
    out = engine(rng, n, cycle_hz, firings, uneven=rng.uniform(0.03, 0.2), rasp=rasp)
    top = top_db - rng.uniform(0, 14)
    return dsp.unit(dsp.shaped(out, [20, 60, 300, 2500, 18000], [-10, 0, -6, top, top - 20]))


def car_passing_by(rng: Generator, duration_s: float) -> np.ndarray:
    """Car passing by: tyres and engine swell, brighten while near, fall in pitch, and fade.

    Above some 30 km/h tyres prevail (Sandberg & Ejsmont); level goes with 1/distance, and the air
    and ground take the highs of what is far.
    """
    n = dsp.length(duration_s)
    level, doppler = passing(rng, n, duration_s, 1.0)
    bright = level ** rng.uniform(1.3, 2.2)
    dull = dsp.coloured(rng, n, [20, 120, 600, 2000, 18000], [-10, 0, -4, -18, -50])
    out = rng.uniform(0.2, 0.6) * dull * dsp.spread(level, n) + _tyres(rng, n) * (
        dsp.spread(bright, n)
    )
    cycle = rng.uniform(9, 24) * doppler * (1 + 0.03 * dsp.wander(rng, n, 0.7))
    motor = _motor(rng, n, cycle, rng.uniform(0.2, 0.8))
    return out + rng.uniform(0.1, 0.9) * motor * dsp.spread(level, n)


def car(rng: Generator, duration_s: float) -> np.ndarray:
    """Car: engine from the seat or the kerb, idling, driving off, at times started first.

    A four-stroke at 700-4500 turns a minute through muffler and cabin (modes at 40-200 Hz), with
    belts and fan above; the starter whirrs for a second.
    """
    n = dsp.length(duration_s)
    cycle = drive(rng, n, duration_s, rng.uniform(5.5, 8), rng.uniform(12, 30), 0.4)
    motor = _motor(rng, n, cycle, rng.uniform(0.2, 0.9))
    cabin = dsp.resonators(motor, dsp.log_uniform(rng, 40, 220, 3), [0.12] * 3, [1, 0.8, 0.6])
    out = motor + rng.uniform(0.2, 1.2) * dsp.unit(cabin)
    belts = dsp.coloured(rng, n, [150, 900, 3000, 16000], [-30, 0, -6, -30])
    out += rng.uniform(0.03, 0.25) * belts * dsp.spread(np.clip(cycle / 12, 0.3, 2), n)
    if rng.random() < 0.3 and duration_s > 2:
        start_s = rng.uniform(0.5, 1.4)
        whirr = rng.uniform(180, 420) * (1 + 0.08 * np.sin(70 * dsp.control_times(n)))
        turning = dsp.contour([0, 0.05, start_s, start_s + 0.1], [0, 1, 1, 0], n)
        starter = solids.squeak(rng, n, whirr, turning, tilt=0.9, rough=0.5)
        out = out * dsp.spread(dsp.contour([start_s - 0.2, start_s + 0.2], [0.05, 1], n), n)
        out += rng.uniform(0.4, 1.2) * starter
    return out + rng.uniform(0.0, 0.3) * _tyres(rng, n)


def road(rng: Generator, duration_s: float) -> np.ndarray:
    """Road: the rumble of tyres and body as heard inside, with patches, joints and bumps.

    The cabin keeps what is below some 300 Hz; rough asphalt adds a roar to 1 kHz, joints of slabs
    thump twice (front and rear axle).
    """
    n = dsp.length(duration_s)
    patches = np.sort(rng.uniform(0, duration_s, int(rng.poisson(0.25 * duration_s))))
    coarse = rng.uniform(0.2, 1.3, patches.size + 1)[np.searchsorted(patches, dsp.control_times(n))]
    low_hz = dsp.log_uniform(rng, 40, 130)
    below = [20, low_hz, 3 * low_hz, 1500, 18000], [-3, 0, rng.uniform(-14, -6), -32, -60]
    out = solids.rub(
        rng, n, np.ones(dsp.controls(n)), *below, grain_hz=rng.uniform(3, 9), depth=0.2
    )
    above = [100, 400, dsp.log_uniform(rng, 600, 1200), 5000, 18000], [-20, -4, 0, -22, -44]
    out += rng.uniform(0.1, 0.6) * solids.rub(rng, n, coarse, *above, grain_hz=8, depth=0.15)
    gap_s = dsp.log_uniform(rng, 0.4, 3.0)
    joints = np.arange(rng.uniform(0, gap_s), duration_s, gap_s)
    joints = joints + rng.normal(0, 0.25 * gap_s * (rng.random() < 0.6), joints.size)
    both = np.append(joints, joints + rng.uniform(0.08, 0.25))
    thumps = solids.knocks(
        rng,
        n,
        np.abs(both),
        np.exp(rng.normal(0, 0.5, both.size)),
        lowest_hz=(35, 110),
        ring_s=(0.08, 0.3),
        blow_s=0.03,
    )
    return out + rng.uniform(0.0, 4.0) * thumps


def traffic(rng: Generator, duration_s: float) -> np.ndarray:
    """Traffic: many vehicles far off, no single one: a low roar that comes and goes.

    A wash from 50 Hz to 1 kHz with swells of some seconds, now and then one car a bit nearer.
    """
    n = dsp.length(duration_s)
    t = dsp.control_times(n)
    knee = dsp.log_uniform(rng, 300, 1000)
    far = [20, 60, knee, 3 * knee, 18000], [-8, 0, rng.uniform(-8, 0), -18, -50]
    slow = np.exp(rng.uniform(0.2, 0.5) * dsp.wander(rng, n, rng.uniform(0.2, 0.6)))
    out = dsp.coloured(rng, n, *far) * dsp.spread(slow, n)
    swells = np.zeros(t.size)
    for _ in range(int(rng.integers(1, 3 + int(0.4 * duration_s)))):
        at, wide = rng.uniform(0, duration_s), dsp.log_uniform(rng, 0.8, 4.0)
        swells += rng.uniform(0.2, 1.0) / (1 + ((t - at) / wide) ** 2)
    out += rng.uniform(0.4, 1.6) * _tyres(rng, n) * dsp.spread(swells, n)
    cycle = rng.uniform(5, 12) * (1 + 0.15 * dsp.wander(rng, n, 0.4))
    motor = _motor(rng, n, np.maximum(cycle, 3), rng.uniform(0.3, 0.9))
    near = np.clip(dsp.wander(rng, n, 0.3), 0.05, None)
    return out + rng.uniform(0.05, 0.5) * motor * dsp.spread(near, n)


def engine_accelerating(rng: Generator, duration_s: float) -> np.ndarray:
    """Accelerating: an engine pulls from low to high turns, perhaps through a gear or two.

    Firings rise from 20-30 Hz to 80-200 Hz and grow louder and brighter with load, then the gear
    drops them by a third.
    """
    n = dsp.length(duration_s)
    low, high = rng.uniform(6, 10), rng.uniform(22, 45)
    gears = int(rng.integers(1, 2 + min(int(duration_s / 2), 3)))
    edges = np.linspace(0, duration_s, gears + 1)
    times, values = [], []
    for first, last in pairwise(edges):
        times += [first + 0.12 * bool(first), last]
        values += [low if not first else low + rng.uniform(0.3, 0.6) * (high - low), high]
    cycle = dsp.contour(times, values, n) * (1 + 0.01 * dsp.wander(rng, n, 4))
    motor = _motor(rng, n, cycle, rng.uniform(0.3, 1.2), top_db=-6)
    load = (cycle / high) ** rng.uniform(0.6, 1.6)
    pipe = dsp.resonators(motor, dsp.log_uniform(rng, 90, 700, 3), [0.04] * 3, [1, 0.8, 0.6])
    out = motor + rng.uniform(0.2, 1.0) * dsp.unit(pipe)
    whine_hz = cycle * rng.uniform(15, 45)
    whine = dsp.look_up(dsp.harmonic_table([1, 0.3]), dsp.phase(whine_hz, n))
    out += rng.uniform(0.0, 0.15) * whine
    rush = dsp.coloured(rng, n, [100, 500, 2500, 16000], [-24, 0, -8, -34])
    rush *= dsp.spread(load, n)
    return (out + rng.uniform(0.1, 0.5) * rush) * dsp.spread(load, n)


def brakes_squeak(rng: Generator, duration_s: float) -> np.ndarray:
    """Brakes: a squeal of 0.6-5 kHz that bends as the wheel slows, over a rubbing, then rest.

    Disc and pad lock into one mode (Kinkaid 2003); bicycles and buses squeal lower than cars, many
    beat or groan at the end.
    """
    n = dsp.length(duration_s)
    starts, lengths = solids.spells(rng, duration_s, rng.uniform(0.5, 2.0), rng.uniform(0.2, 1.5))
    level = dsp.pulses(n, starts, lengths, attack=rng.uniform(0.1, 0.5), release=0.2)
    bend = dsp.log_uniform(rng, 600, 4500) * np.exp(rng.uniform(0.01, 0.12) * dsp.wander(rng, n, 2))
    beat = rng.uniform(0, 0.8) * np.sin(2 * np.pi * rng.uniform(6, 40) * dsp.control_times(n))
    tone = solids.squeak(
        rng, n, bend, level * (1 + beat), tilt=rng.uniform(0.8, 2.5), jitter=0.004, rough=0.25
    )
    other = solids.squeak(rng, n, bend * rng.uniform(1.2, 2.7), level**2, tilt=2.0, jitter=0.004)
    points = [60, 400, dsp.log_uniform(rng, 800, 3000), 15000], [-20, -4, 0, -24]
    pads = solids.rub(rng, n, level, *points, grain_hz=rng.uniform(10, 30))
    return tone + rng.uniform(0, 0.7) * other + rng.uniform(0.1, 0.7) * pads


def pressure_release(rng: Generator, duration_s: float) -> np.ndarray:
    """Pressure release: the air of brakes and doors let out: a pop, then a hiss that dies away.

    A jet's noise peaks at speed over width (2-9 kHz); its level follows the falling pressure.
    """
    n = dsp.length(duration_s)
    starts, _ = solids.spells(rng, duration_s, 0.3, dsp.log_uniform(rng, 0.5, 2.0))
    t = dsp.control_times(n)
    fall_s, level = dsp.log_uniform(rng, 0.12, 0.8), np.full(t.size, 1e-4)
    for start in starts:
        after = np.maximum(t - start, 0)
        one = (
            np.exp(rng.normal(0, 0.3))
            * np.minimum(after / 0.008, 1)
            * np.exp(-2.5 * after / fall_s)
        )
        level = np.maximum(level, one)
    jet_hz = dsp.log_uniform(rng, 2000, 8000)
    points = [150, 0.3 * jet_hz, jet_hz, 19000], [-36, rng.uniform(-14, -5), 0, -12]
    hiss = solids.rub(rng, n, level, *points, grain_hz=rng.uniform(15, 60), depth=0.15)
    pop = solids.knocks(
        rng, n, starts, 1.0, lowest_hz=(120, 700), ring_s=(0.02, 0.1), blow_s=0.01, objects=1
    )
    return hiss + rng.uniform(0.2, 2.5) * pop


def turn_signal(rng: Generator, duration_s: float) -> np.ndarray:
    """Turn signal: a relay goes tick, tock at 60 to 120 blinks a minute (UNECE Regulation 48).

    Make and break differ in pitch; the dashboard rings along for 10-40 ms.
    """
    n = dsp.length(duration_s)
    blink_s, duty = 1 / rng.uniform(1.0, 2.0), rng.uniform(0.4, 0.6)
    ticks = np.arange(rng.uniform(0.01, 0.1), duration_s, blink_s)
    low_hz, out = dsp.log_uniform(rng, 600, 2200), np.zeros(n, dtype=np.float32)
    for delay, scale, height in ((0.0, 1.0, 1.0), (duty * blink_s, *rng.uniform(0.6, 1.1, 2))):
        out += height * solids.knocks(
            rng,
            n,
            ticks + delay,
            np.exp(rng.normal(0, 0.05, ticks.size)),
            lowest_hz=(scale * low_hz, 1.05 * scale * low_hz),
            ring_s=(0.01, 0.05),
            blow_s=dsp.log_uniform(rng, 0.001, 0.005),
            objects=1,
            modes=6,
        )
    return dsp.shaped(out, [80, 1000, 18000], [-10, 0, rng.uniform(-24, -6)])


def wipers(rng: Generator, duration_s: float) -> np.ndarray:
    """Wipers: rubber to and fro at 0.5-1.1 sweeps a second, a thud at each turn, the motor's hum.

    To and fro sound unlike, the blade may chatter or squeak on a drying pane.
    """
    n = dsp.length(duration_s)
    t = dsp.control_times(n)
    turn = rng.uniform(0.5, 1.1) * t + rng.uniform()
    speed = np.abs(np.sin(2 * np.pi * turn))
    back = np.where(turn % 1.0 < 0.5, 1.0, rng.uniform(0.3, 0.9))
    knee = dsp.log_uniform(rng, 500, 2500)
    points = [80, 0.4 * knee, knee, 16000], [-20, -4, 0, -26]
    chatter = 1 + rng.uniform(0, 0.9) * np.sin(2 * np.pi * rng.uniform(14, 35) * t)
    out = solids.rub(rng, n, speed * back * chatter, *points, grain_hz=25)
    ends = t[1:][np.diff(np.floor(2 * turn)) > 0]
    if ends.size:
        thuds = solids.knocks(
            rng, n, ends, 1.0, lowest_hz=(70, 220), ring_s=(0.04, 0.15), blow_s=0.012
        )
        out += rng.uniform(0.5, 4.0) * thuds
    hum_hz = rng.uniform(90, 260) * (1 + 0.06 * speed)
    out += rng.uniform(0.05, 0.4) * solids.squeak(rng, n, hum_hz, 0.5 + speed, tilt=1.4)
    if rng.random() < 0.3:
        hz = rng.uniform(700, 2000) * (0.7 + 0.5 * speed)
        out += rng.uniform(0.1, 0.5) * solids.squeak(rng, n, hz, speed**6 * back, tilt=1.2)
    return out
