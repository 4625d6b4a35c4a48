"""Office, hallway, restaurant and shop: doors, chairs, keys, paper, machines with rollers."""

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp, solids


def door(rng: Generator, duration_s: float) -> np.ndarray:
    """Door: handle and latch, a swing with or without creak, and the slam of a heavy panel.

    A panel in its frame booms at 40-160 Hz and shakes the latch; lower and longer than a cupboard.
    """
    n = dsp.length(duration_s)
    starts, lengths = solids.spells(rng, duration_s, rng.uniform(0.5, 1.4), rng.uniform(0.8, 2.5))
    lengths = np.minimum(lengths, max(0.6 * duration_s, 0.2))
    shut = starts + lengths
    low_hz = dsp.log_uniform(rng, 40, 130)
    slam = solids.knocks(
        rng,
        n,
        shut,
        np.exp(rng.normal(0, 0.3, shut.size)),
        lowest_hz=(low_hz, 1.4 * low_hz),
        ring_s=(0.12, 0.4),
        blow_s=dsp.log_uniform(rng, 0.01, 0.05),
        modes=8,
        dry=0.15,
    )
    clicks = np.concatenate([starts, starts + rng.uniform(0.05, 0.2), shut + rng.uniform(0, 0.05)])
    latch = solids.knocks(
        rng,
        n,
        clicks,
        rng.uniform(0.3, 1.0, clicks.size),
        lowest_hz=(500, 2200),
        ring_s=(0.01, 0.08),
        blow_s=dsp.log_uniform(rng, 0.001, 0.005),
        objects=3,
        dry=0.5,
    )
    out = slam + rng.uniform(0.1, 0.9) * latch
    swing = dsp.pulses(n, starts + 0.1, lengths, attack=0.3, release=0.3)
    if rng.random() < 0.35:
        hz = rng.uniform(120, 600) * np.exp(0.25 * dsp.wander(rng, n, 2.5))
        out += rng.uniform(0.02, 0.15) * solids.squeak(rng, n, hz, swing, tilt=0.7, rough=1.0)
    air = solids.rub(rng, n, swing, [30, 150, 900, 12000], [-4, 0, -14, -40], grain_hz=10)
    return out + rng.uniform(0.003, 0.025) * air


def chair_moving(rng: Generator, duration_s: float) -> np.ndarray:
    """Chair: legs scraped over a floor, stuttering at 30-150 Hz, ending with a knock.

    Stick and slip drives the frame's modes (150-1500 Hz); on carpet only the rub and a creak stay.
    """
    n = dsp.length(duration_s)
    starts, lengths = solids.spells(rng, duration_s, rng.uniform(0.25, 0.9), rng.uniform(0.2, 1.2))
    level = dsp.pulses(n, starts, lengths, attack=rng.uniform(0.1, 0.4), release=0.3)
    hz = dsp.log_uniform(rng, 30, 150) * np.exp(0.3 * dsp.wander(rng, n, 4))
    stutter = solids.squeak(rng, n, hz, level, tilt=0.3, jitter=0.1, rough=0.6)
    frame = dsp.log_uniform(rng, 150, 1500, 5)
    body = dsp.resonators(stutter, frame, dsp.log_uniform(rng, 0.02, 0.09, 5), [1] * 5)
    hard = rng.random()  # 0 carpet .. 1 tiles
    knee = dsp.log_uniform(rng, 400, 2000)
    rub = solids.rub(rng, n, level, [60, 0.4 * knee, knee, 16000], [-18, -4, 0, -30], grain_hz=35)
    ends = np.append(starts, starts + lengths)
    knock = solids.knocks(
        rng,
        n,
        ends,
        rng.uniform(0.2, 1.0, ends.size),
        lowest_hz=(90, 420),
        ring_s=(0.03, 0.15),
        blow_s=dsp.log_uniform(rng, 0.003, 0.015),
    )
    out = (0.1 + hard) * dsp.unit(body) + (1.1 - hard) * rng.uniform(0.3, 1) * dsp.unit(rub)
    return 0.25 * out + rng.uniform(0.3, 1.2) * knock


def keys_jangling(rng: Generator, duration_s: float) -> np.ndarray:
    """Keys: a bunch shaken or put down, many small bright clinks on top of one another.

    Short thin plates ring at 2.5-14 kHz for 30-200 ms; denser and higher than cutlery.
    """
    n = dsp.length(duration_s)
    spell_s, pause_s = dsp.log_uniform(rng, 0.2, 1.2), dsp.log_uniform(rng, 0.05, 0.6)
    starts, lengths = solids.spells(rng, duration_s, spell_s, pause_s)
    times, level = solids.hits(rng, starts, lengths, rng.uniform(12, 40))
    clinks = solids.knocks(
        rng,
        n,
        times,
        level,
        lowest_hz=(2300, 6500),
        ring_s=(0.03, 0.22),
        blow_s=dsp.log_uniform(rng, 0.0004, 0.002),
        objects=int(rng.integers(4, 7)),
        modes=4,
        dry=rng.uniform(0.1, 0.6),
    )
    land = solids.knocks(
        rng, n, starts, 1.0, lowest_hz=(150, 700), ring_s=(0.02, 0.1), blow_s=0.006, objects=1
    )
    return clinks + rng.uniform(0.0, 0.5) * land


def keyboard(rng: Generator, duration_s: float) -> np.ndarray:
    """Keyboard: 4 to 11 strokes a second in runs, each a press and a softer release 60-130 ms on.

    Keys differ a little, the space bar is lower; plate and desk give a thock at 200-600 Hz.
    """
    n = dsp.length(duration_s)
    rate = rng.uniform(4, 11)
    count = int(duration_s * rate) + 2
    gaps = np.exp(rng.normal(0, 0.4, count)) / rate
    gaps += np.where(rng.random(count) < rng.uniform(0.03, 0.15), rng.uniform(0.3, 1.0, count), 0)
    times = rng.uniform(0, 0.05) + np.cumsum(gaps) - gaps[0]
    level = np.exp(rng.normal(0, 0.3, count))
    both = np.append(times, times + rng.uniform(0.06, 0.13, count))
    force = np.append(level, rng.uniform(0.2, 0.6) * level)
    low_hz = dsp.log_uniform(rng, 900, 2800)
    keys = solids.knocks(
        rng,
        n,
        both,
        force,
        lowest_hz=(0.8 * low_hz, 1.6 * low_hz),
        ring_s=(0.005, 0.025),
        blow_s=dsp.log_uniform(rng, 0.002, 0.007),
        objects=5,
        dry=rng.uniform(0.3, 1.2),
    )
    thock = solids.knocks(
        rng, n, times, level, lowest_hz=(160, 600), ring_s=(0.015, 0.05), blow_s=0.005
    )
    space = times[rng.random(count) < 0.15]
    bar = solids.knocks(
        rng, n, space, 1.0, lowest_hz=(300, 900), ring_s=(0.02, 0.06), blow_s=0.005, objects=1
    )
    return keys + rng.uniform(0.1, 0.8) * thock + rng.uniform(0.1, 0.8) * bar


def paper_rustling(rng: Generator, duration_s: float) -> np.ndarray:
    """Paper: pages turned, sheets pulled out and squared up, newspapers shaken.

    A bent sheet buckles in flaps of 30-80 ms between smooth slides; 1-8 kHz, softer than foil.
    """
    n = dsp.length(duration_s)
    spell_s, pause_s = dsp.log_uniform(rng, 0.2, 0.7), dsp.log_uniform(rng, 0.15, 1.0)
    starts, lengths = solids.spells(rng, duration_s, spell_s, pause_s)
    arch = dsp.pulses(n, starts, lengths, attack=rng.uniform(0.3, 0.7), release=0.3)
    flaps = np.exp(rng.uniform(0.3, 0.8) * dsp.wander(rng, n, rng.uniform(12, 30)))
    knee = dsp.log_uniform(rng, 1500, 5000)
    points = [100, 0.3 * knee, knee, 18000], [-36, -10, 0, rng.uniform(-20, -8)]
    slide = solids.rub(rng, n, arch**1.5, *points, grain_hz=60)
    flap = solids.rub(rng, n, arch * flaps, [100, 500, 1800, 14000], [-26, -4, 0, -24], grain_hz=40)
    clicks = solids.crackle(
        rng, n, dsp.log_uniform(rng, 30, 250) * arch, click_s=0.002, ring_hz=(1500, 7000)
    )
    out = dsp.unit(slide) + rng.uniform(0.1, 1.0) * dsp.unit(flap)
    times, level = solids.hits(rng, starts + lengths, rng.uniform(0, 0.2, starts.size), 4)
    tap = solids.knocks(
        rng, n, times, level, lowest_hz=(200, 900), ring_s=(0.01, 0.04), blow_s=0.008
    )
    return out + rng.uniform(0.05, 0.5) * clicks + rng.uniform(0.0, 2.0) * tap


def printer(rng: Generator, duration_s: float) -> np.ndarray:
    """Printer: a carriage or drum at 0.7-2 passes a second, stepping motor, rollers, paper feed.

    Stepping gives a buzz at the step rate (150-900 Hz) that ramps up and down; each pass ends in a
    clack, every few passes the paper moves.
    """
    n = dsp.length(duration_s)
    t = dsp.control_times(n)
    turn = rng.uniform(0.7, 2.0) * t + rng.uniform()
    ramp = np.clip(np.minimum(turn % 1, 1 - turn % 1) / rng.uniform(0.1, 0.3), 0.02, 1)
    step_hz = dsp.log_uniform(rng, 150, 900)
    motor = solids.squeak(rng, n, step_hz * ramp, ramp, tilt=rng.uniform(0.5, 1.2), jitter=0.003)
    motor = dsp.resonators(motor, dsp.log_uniform(rng, 300, 3500, 4), [0.015] * 4, [1] * 4)
    ends = t[1:][np.diff(np.floor(turn)) > 0]
    ends = ends if ends.size else np.array([0.1])
    clack = solids.knocks(
        rng, n, ends, 1.0, lowest_hz=(250, 1400), ring_s=(0.02, 0.08), blow_s=0.005
    )
    feed_s = np.sort(rng.uniform(0, duration_s, 1 + int(0.6 * duration_s)))
    feed = dsp.pulses(n, feed_s, rng.uniform(0.15, 0.5, feed_s.size))
    knee = dsp.log_uniform(rng, 1000, 4000)
    points = [150, 0.5 * knee, knee, 16000], [-24, -6, 0, -20]
    paper = solids.rub(rng, n, feed + 0.15 * ramp, *points, grain_hz=rng.uniform(30, 80))
    fan = dsp.coloured(rng, n, [40, 200, 900, 15000], [-14, 0, -6, -36])
    out = dsp.unit(motor) + rng.uniform(0.3, 1.5) * dsp.unit(paper)
    return out + rng.uniform(0.05, 0.4) * fan + rng.uniform(0.5, 4.0) * clack


def shopping_cart(rng: Generator, duration_s: float) -> np.ndarray:
    """Shopping cart: small hard wheels over tiles and a wire basket that rattles along.

    Wheels turn 2-5 times a second and wobble, joints of tiles knock front and rear, the wires ring
    at 1-6 kHz.
    """
    n = dsp.length(duration_s)
    t = dsp.control_times(n)
    go = np.clip(1 + 0.5 * dsp.wander(rng, n, 0.5), 0.15, 2.0)
    turns = np.cumsum(go) * rng.uniform(2, 5) / dsp.CONTROL_RATE
    wobble = 1 + rng.uniform(0.1, 0.8) * np.sin(2 * np.pi * turns)
    knee = dsp.log_uniform(rng, 300, 1500)
    points = [50, 0.4 * knee, knee, 4 * knee, 18000], [-12, -2, 0, -10, -34]
    roll = solids.rub(rng, n, go * wobble, *points, grain_hz=rng.uniform(20, 50))
    tiles = t[1:][np.diff(np.floor(turns * rng.uniform(0.4, 1.2))) > 0]
    tiles = np.concatenate([[0.05], tiles, tiles + rng.uniform(0.03, 0.15)])
    joints = solids.knocks(
        rng,
        n,
        tiles,
        np.exp(rng.normal(0, 0.3, tiles.size)),
        lowest_hz=(120, 500),
        ring_s=(0.02, 0.1),
        blow_s=dsp.log_uniform(rng, 0.002, 0.008),
    )
    shakes = dsp.poisson_times(rng, rng.uniform(6, 25), duration_s)
    near = np.append(shakes, tiles + 0.01)
    wires = solids.knocks(
        rng,
        n,
        near,
        rng.pareto(2.0, near.size) + 0.1,
        lowest_hz=(900, 3500),
        ring_s=(0.03, 0.2),
        blow_s=0.0015,
        objects=5,
    )
    out = dsp.unit(roll) + rng.uniform(0.5, 4.0) * joints
    return out + rng.uniform(0.3, 1.5) * dsp.unit(wires)
