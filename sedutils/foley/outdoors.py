"""Residential streets: wind, walkers, hammering."""

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp, solids
from sedutils.foley.impacts import footsteps


def wind_blowing(rng: Generator, duration_s: float) -> np.ndarray:
    """Wind: gusts over seconds, low buffeting at the microphone, leaves, at times a whistling edge.

    Turbulence falls steeply with frequency and gusts raise the highs more than the lows; edges
    whistle at a pitch that follows the speed (Strouhal), leaves hiss at 2-8 kHz.
    """
    n = dsp.length(duration_s)
    gust = 0.5 * dsp.wander(rng, n, rng.uniform(0.2, 0.5)) + 0.3 * dsp.wander(rng, n, 1.2)
    speed = np.exp(rng.uniform(0.5, 1.3) * gust)
    buffet = speed**1.5 * np.exp(rng.uniform(0.2, 0.6) * dsp.wander(rng, n, rng.uniform(8, 20)))
    low_hz = dsp.log_uniform(rng, 40, 160)
    points = [20, low_hz, 4 * low_hz, 3000, 18000], [0, 0, rng.uniform(-20, -10), -40, -60]
    out = solids.rub(rng, n, buffet, *points, grain_hz=30, depth=0.2)
    mid_hz = dsp.log_uniform(rng, 250, 900)
    middle = [40, 0.5 * mid_hz, mid_hz, 3 * mid_hz, 18000], [-30, -6, 0, -14, -45]
    out += rng.uniform(0.1, 0.7) * solids.rub(rng, n, speed**1.5, *middle, grain_hz=5, depth=0.2)
    leaf_hz = dsp.log_uniform(rng, 2000, 6000)
    leaf = [400, 0.5 * leaf_hz, leaf_hz, 18000], [-36, -8, 0, -14]
    leaves = solids.rub(rng, n, speed**2.2, *leaf, grain_hz=rng.uniform(6, 15), depth=0.3)
    out += rng.uniform(0.0, 0.6) ** 2 * leaves
    if rng.random() < 0.35:
        hz = dsp.log_uniform(rng, 350, 1200) * speed**0.5
        flutter = speed**2 * np.exp(0.5 * dsp.wander(rng, n, 25))
        whistle = solids.squeak(rng, n, hz, flutter, tilt=3.0, jitter=0.05)
        out += rng.uniform(0.02, 0.2) * whistle
    return out


def people_walking(rng: Generator, duration_s: float) -> np.ndarray:
    """Walking: one or two people go by, each with own floor, shoes and pace, nearer and farther.

    ``footsteps`` are close and single; here walkers come up, pass and go, clothes rustle along.
    """
    n = dsp.length(duration_s)
    t = dsp.control_times(n)
    out = np.zeros(n, dtype=np.float32)
    for _ in range(1 + int(rng.random() < 0.4)):
        aside, pace = dsp.log_uniform(rng, 1.0, 6.0), rng.uniform(0.9, 1.6)
        along = pace * (t - rng.uniform(0.2, 0.8) * duration_s)
        steps = dsp.unit(footsteps(rng, duration_s))[:n]
        out += steps * dsp.spread(aside / np.hypot(along, aside), n) / (1 + 0.2 * aside)
    rate = rng.uniform(1.6, 2.4)
    swing = 0.3 + np.abs(np.sin(np.pi * rate * t + rng.uniform(0, 3))) ** 2
    points = [150, 1500, dsp.log_uniform(rng, 2500, 6000), 18000], [-30, -6, 0, -18]
    clothes = solids.rub(rng, n, swing, *points, grain_hz=rng.uniform(15, 40))
    out = dsp.unit(out) + rng.uniform(0.0, 0.15) * clothes
    return dsp.shaped(out, [40, 1000, 18000], [0, 0, -rng.uniform(0, 14)])


def object_banging(rng: Generator, duration_s: float) -> np.ndarray:
    """Banging: hammering, a bin lid, a car door, boards thrown down, heard across a yard.

    Heavy things: modes from 50 to 500 Hz, in even blows (1-3 a second) or single; a wall answers
    after 30-200 ms, and distance takes the highs.
    """
    n = dsp.length(duration_s)
    gap_s = dsp.log_uniform(rng, 0.35, 1.8)
    count = int(duration_s / gap_s) + 2
    gaps = gap_s * np.exp(rng.normal(0, 0.12, count))
    times = rng.uniform(0.01, 0.1) + np.cumsum(gaps) - gaps[0]
    times, pause = times[times < max(duration_s - 0.1, 0.1)], rng.uniform(0, 0.3)
    level = np.exp(rng.normal(0, 0.25, times.size)) * (rng.random(times.size) >= pause)
    level[0] = 1.0
    metal = rng.random()  # 0 wood and earth .. 1 sheet metal
    low_hz = dsp.log_uniform(rng, 50, 320)
    bang = solids.knocks(
        rng,
        n,
        times,
        level,
        lowest_hz=(low_hz, 1.5 * low_hz),
        ring_s=(0.05, 0.15 + 0.6 * metal),
        blow_s=dsp.log_uniform(rng, 0.004, 0.025),
        modes=8,
        dry=0.2,
    )
    crack = solids.knocks(
        rng, n, times, level, lowest_hz=(500, 1800), ring_s=(0.01, 0.05), blow_s=0.003, objects=1
    )
    out = bang + rng.uniform(0.0, 0.3) * crack
    echo_s = rng.uniform(0.03, 0.2)
    answer = np.zeros_like(out)
    late = dsp.length(echo_s)
    if late < n:
        answer[late:] = out[: n - late]
    out = out + rng.uniform(0.03, 0.35) * answer
    return dsp.shaped(out, [30, 400, 2000, 18000], [0, 0, -6, -rng.uniform(14, 40)])
