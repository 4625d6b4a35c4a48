"""Sounds of solids that hit: glass, shots, feet and hooves."""

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter

from sedutils.foley import dsp, solids


def _shards(rng: Generator, n: int, start_s: float, weight: float) -> np.ndarray:
    """Fragments bouncing: collisions that thin out, each ringing a stiff mode of a small plate."""
    count = int(dsp.log_uniform(rng, 40, 260))
    spread_s = dsp.log_uniform(rng, 0.12, 0.6)
    times = start_s + rng.exponential(spread_s, count)
    level = (rng.pareto(1.6, count) + 0.15) * np.exp(-(times - start_s) / (1.5 * spread_s))
    modes = int(rng.integers(10, 17))
    which = rng.integers(modes, size=count)
    lowest = dsp.log_uniform(rng, 1500, 4000)
    hz = dsp.log_uniform(rng, lowest, 15000, modes)
    decay_s = dsp.log_uniform(rng, 0.03, 0.35, modes) * np.sqrt(3000 / hz)
    out = np.zeros(n, dtype=np.float32)
    for i in range(modes):
        train = dsp.impulses(n, times[which == i], level[which == i])
        out += dsp.resonators(train, [hz[i]], [decay_s[i]], [1.0])
    chips = dsp.struck(dsp.impulses(n, times, level), dsp.burst(rng, 0.0003, 0.006))
    return weight * (dsp.unit(out) + rng.uniform(0.1, 0.5) * dsp.unit(chips))


def glass_smash(rng: Generator, duration_s: float) -> np.ndarray:
    """Glass: a blow, a broadband crack of a few ms, then shards falling and ringing at 2-15 kHz.

    Breaking events as in Warren & Verbrugge (1984): one burst, then many overlapping damped
    sounds of different pitch whose rate and force fall away. A pane booms lower than a bottle.
    """
    n = dsp.length(duration_s)
    start = rng.uniform(0.01, 0.08)
    crack = dsp.burst(rng, 0.0003, dsp.log_uniform(rng, 0.03, 0.2))
    crack = dsp.shaped(
        crack, [50, 400, 5000, 20000], [rng.uniform(-20, -4), -6, 0, rng.uniform(-10, 0)]
    )
    out = dsp.struck(dsp.impulses(n, [start], [1.0]), dsp.peak(crack))
    pane_hz = dsp.log_uniform(rng, 180, 1400) * np.array([1, 1.9, 3.1]) * rng.uniform(0.9, 1.1, 3)
    blow = dsp.impulses(n, [start], [1.0])
    out = out + rng.uniform(0.1, 0.8) * dsp.peak(
        dsp.resonators(blow, pane_hz, dsp.log_uniform(rng, 0.03, 0.15, 3), [1, 0.7, 0.4])
    )
    out = dsp.unit(out) + _shards(rng, n, start, rng.uniform(0.5, 1.6))
    if duration_s > 0.8 and rng.random() < 0.5:  # what was left in the frame follows
        later = start + rng.uniform(0.25, 0.6 * duration_s)
        out = out + _shards(rng, n, later, rng.uniform(0.2, 0.8))
    return out


def _shot_times(rng: Generator, duration_s: float) -> np.ndarray:
    """One shot, a few single ones, or a burst of an automatic (8-14 a second)."""
    start = rng.uniform(0.01, 0.08)
    style = rng.random()
    if style < 0.6 or duration_s < 0.8:
        return np.array([start])
    if style < 0.8:
        gaps = rng.uniform(0.35, 0.9, int(rng.integers(1, 4)))
    else:
        gaps = np.exp(rng.normal(0, 0.02, int(rng.integers(3, 12)))) / rng.uniform(8, 14)
    times = start + np.concatenate([[0.0], np.cumsum(gaps)])
    return times[times < max(duration_s - 0.3, start + 1e-3)]


def gun_shot(rng: Generator, duration_s: float) -> np.ndarray:
    """Shots: a muzzle blast (Friedlander wave of 0.3-4 ms), its hot-gas noise, and the long echo.

    Near shots are a crack; far ones lose their highs and roll off hills and walls like thunder.
    """
    n = dsp.length(duration_s)
    far = rng.random()
    t = np.arange(dsp.length(0.25)) / dsp.SAMPLE_RATE
    blast_s = dsp.log_uniform(rng, 0.0004, 0.004)
    blast = (1 - t / blast_s) * np.exp(-t / blast_s)
    gas = dsp.noise(rng, t.size) * 10 ** (-3 * t / dsp.log_uniform(rng, 0.03, 0.2))
    boom = np.sin(2 * np.pi * dsp.log_uniform(rng, 50, 160) * t) * np.exp(
        -t / rng.uniform(0.02, 0.06)
    )
    shot = blast + rng.uniform(0.2, 0.8) * gas + rng.uniform(0, 0.6) * boom
    top = rng.uniform(-40, -15) * far
    shot = dsp.shaped(shot, [20, 300, 1500, 15000], [0, 0, 0.3 * top, top])
    tail_s = dsp.log_uniform(rng, 0.3, 3.0)
    t = np.arange(n) / dsp.SAMPLE_RATE
    knee = dsp.log_uniform(rng, 200, 1200)
    echo = dsp.coloured(rng, n, [30, 80, knee, 15000], [-10, 0, -4, -35]) * 10 ** (-3 * t / tail_s)
    for _ in range(int(rng.integers(0, 4))):  # a wall or a hillside: late, separate returns
        echo *= 1 + rng.uniform(0.5, 2.5) * np.exp(-(((t - rng.uniform(0.08, 0.9)) / 0.05) ** 2))
    response = np.zeros(n)
    response[: min(n, shot.size)] = dsp.peak(shot)[:n]
    response += 10 ** (-rng.uniform(10, 26) * (1 - 0.5 * far) / 20) * echo
    times = _shot_times(rng, duration_s)
    train = dsp.impulses(n, times, np.exp(rng.normal(0, 0.1, times.size)))
    return dsp.struck(train, response)


def _steps(rng: Generator, duration_s: float, rate_hz: float, pattern: np.ndarray, sway: float):
    """Times and feet of a gait: ``pattern`` are the beats of one stride as fractions of it."""
    strides = int(duration_s * rate_hz) + 2
    lengths = np.exp(rng.normal(0, sway, strides)) / rate_hz
    starts = rng.uniform(0, 0.15) + np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    times = starts[:, None] + pattern[None, :] * lengths[:, None]
    times = times + rng.normal(0, 0.008, times.shape)
    feet = np.broadcast_to(np.arange(pattern.size), times.shape)
    keep = times < duration_s
    return times[keep], feet[keep]


def _scrape(
    rng: Generator, n: int, times: np.ndarray, level: np.ndarray, width_s: float
) -> np.ndarray:
    """Sole or hoof dragging: low-passed noise under every step, never the same twice."""
    lengths = width_s * np.exp(rng.normal(0, 0.3, times.size))
    envelope = dsp.pulses(n, times, lengths, level * rng.exponential(1.0, times.size), attack=0.2)
    soft = lfilter([1.0], [1, -rng.uniform(0.0, 0.9)], dsp.noise(rng, n)).astype(np.float32)
    return dsp.unit(soft * dsp.spread(envelope, n))


def _bumps(
    rng: Generator, n: int, times: np.ndarray, level: np.ndarray, rise_s: float, fall_s: float
) -> np.ndarray:
    """A control that rises and falls exponentially at each of ``times``, each bump a bit unlike."""
    rises, falls = np.exp(rng.normal(0, 0.2, (2, times.size, 1))) * [[[rise_s]], [[fall_s]]]
    after = np.maximum(dsp.control_times(n) - times[:, None], 0)
    return ((1 - np.exp(-after / rises)) * np.exp(-after / falls) * level[:, None]).sum(axis=0)


def footsteps(rng: Generator, duration_s: float) -> np.ndarray:
    """Steps: heel strike, the sole rolling on, the ball of the foot, 1.6-2.2 steps a second.

    Flesh and sole soften the blow: it takes 3-12 ms to rise, and friction goes on for the 0.2 s of
    the stance (Ekimov & Sabatier 2006). What lies on the ground, from dust to gravel, is crushed
    meanwhile and crackles above 0.5 kHz. Noise and crackles are new at every step.
    """
    n = dsp.length(duration_s)
    pattern = np.array([0.0, 0.5 + rng.normal(0, 0.015)])
    times, feet = _steps(
        rng, duration_s, 0.5 * rng.uniform(1.6, 2.2), pattern, rng.uniform(0.02, 0.05)
    )
    level = np.exp(rng.normal(0, 0.25, times.size)) * np.where(feet, rng.uniform(0.7, 1.1), 1.0)
    uneven = level * np.exp(rng.normal(0, 0.35, (2, times.size)))
    ball = times + rng.uniform(0.09, 0.15)
    heel = _bumps(rng, n, times, level, rng.uniform(0.003, 0.012), rng.uniform(0.02, 0.06))
    sole = _bumps(rng, n, times + 0.03, rng.uniform(0.05, 0.3) * uneven[0], 0.03, 0.08)
    sole += _bumps(
        rng,
        n,
        ball,
        rng.uniform(0.4, 1.0) * uneven[1],
        rng.uniform(0.005, 0.02),
        rng.uniform(0.02, 0.06),
    )
    hz, top = dsp.log_uniform(rng, 300, 900), rng.uniform(-42, -28)
    out = np.zeros(n, dtype=np.float32)
    for phase, knee in ((heel, hz), (sole, 1.8 * hz)):
        points = [40, knee / 3, knee, 3 * knee, 16000], [-20, -6, 0, -8, top]
        out += dsp.coloured(rng, n, *points) * dsp.spread(phase, n)
    floor = dsp.shaped(dsp.burst(rng, 0.001, 0.03), [40, 200, 3000, 18000], [0, 0, -12, -30])
    boards_hz = dsp.log_uniform(rng, 70, 300) * np.array([1.0, 1.7, 2.9])
    boards = dsp.rung(floor, boards_hz, dsp.log_uniform(rng, 0.03, 0.12, 3), [1, 0.6, 0.4])
    boom = dsp.struck(dsp.impulses(n, times, level), boards)
    out = dsp.unit(out) + rng.uniform(0.0, 0.2) * dsp.unit(boom)
    width_s = rng.uniform(0.05, 0.08)
    crushed = _bumps(rng, n, times, level, 0.02, width_s) + 0.8 * _bumps(
        rng, n, ball, level, 0.02, 0.8 * width_s
    )
    density = dsp.log_uniform(rng, 400, 1500) * crushed
    grit = solids.crackle(
        rng, n, density, click_s=dsp.log_uniform(rng, 0.003, 0.005), ring_hz=(500, 2500)
    )
    # steps are quiet: what else is to be heard lies not far under them
    air = dsp.coloured(rng, n, [20, 100, 1000, 10000], [0, -3, -15, rng.uniform(-40, -25)])
    return out + dsp.log_uniform(rng, 0.7, 1.8) * grit + 10 ** (-rng.uniform(6, 14) / 20) * air


def horsewalk(rng: Generator, duration_s: float) -> np.ndarray:
    """Hooves: a four-beat walk (or a two-beat trot), fore and hind hooves of own pitch.

    The hollow sole is a cavity at 0.6-1.4 kHz so leaky (Q of 2 to 4) that a blow on stone is a
    coloured burst of 20 ms and no note; heel and toe meet the ground one after the other. On soil
    a thud joins. The beats of a walk are near a quarter stride apart but never even (Hildebrand
    1965). Tack may jingle.
    """
    n = dsp.length(duration_s)
    if rng.random() < 0.75:
        beats, uneven, rate = [0, 0.22, 0.5, 0.72], 0.025, rng.uniform(0.8, 1.1)
    else:
        beats, uneven, rate = [0, 0.03, 0.5, 0.53], 0.01, rng.uniform(1.2, 1.6)
    pattern = np.abs(np.array(beats) + rng.normal(0, uneven, 4))
    times, feet = _steps(rng, duration_s, rate, pattern, rng.uniform(0.02, 0.06))
    level = np.exp(rng.normal(0, 0.3, times.size)) * rng.uniform(0.5, 1.0, 4)[feet]
    base, top = dsp.log_uniform(rng, 600, 1400), rng.uniform(-38, -24)
    toe_s, toe = rng.uniform(0.015, 0.05), rng.uniform(0.3, 0.8)
    out = np.zeros(n, dtype=np.float32)
    for pair in range(2):  # fore and hind
        first, blow = times[feet % 2 == pair], level[feet % 2 == pair]
        then, less = np.exp(rng.normal(0, [[0.2], [0.4]], (2, first.size)))
        at, force = np.append(first, first + toe_s * then), np.append(blow, toe * less * blow)
        hz = base * np.exp(rng.normal(0, 0.12))
        points = [60, hz / 2, hz, 2 * hz, 16000], [-30, -12, 0, -8, top]
        clop = dsp.bursts(rng, n, at, force, dsp.log_uniform(rng, 0.006, 0.015), *points)
        modes = hz * np.array([1, 1.9, 3.1]) * np.exp(rng.normal(0, 0.08, 3))
        decay_s = dsp.log_uniform(rng, 4, 8, 3) / modes
        cavity = dsp.resonators(clop, modes, decay_s, [1, 0.6, 0.4])
        out += 0.3 * dsp.peak(clop) + rng.uniform(0.7, 1.0) * dsp.peak(cavity)
    soil = dsp.shaped(
        dsp.burst(rng, 0.003, rng.uniform(0.03, 0.09)), [30, 120, 400, 3000], [0, 0, -12, -40]
    )
    thud = dsp.struck(dsp.impulses(n, times, level), soil)
    out = dsp.unit(out) + rng.uniform(0, 0.4) * dsp.unit(thud)
    out += rng.uniform(0.0, 0.15) * _scrape(rng, n, times, level, rng.uniform(0.03, 0.12))
    if rng.random() < 0.3:
        jingle = dsp.impulses(n, times + 0.06, rng.exponential(1.0, times.size))
        rings = dsp.resonators(
            jingle, dsp.log_uniform(rng, 2500, 8000, 4), [0.2, 0.15, 0.1, 0.1], [1] * 4
        )
        out += rng.uniform(0.03, 0.15) * dsp.unit(rings)
    air = dsp.coloured(rng, n, [20, 100, 1000, 10000], [0, -3, -12, rng.uniform(-40, -25)])
    return out + 10 ** (-rng.uniform(10, 22) / 20) * air
