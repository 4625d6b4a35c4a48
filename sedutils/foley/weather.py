"""Rain and thunder."""

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp


def rain(rng: Generator, duration_s: float) -> np.ndarray:
    """Rain: a steady wash of countless drops, near drops on a surface, at times a gutter.

    Drops are clicks rung by what they hit (leaves bright and short, tin and boards lower and
    longer); on water they trap bubbles that ring at 1.5-12 kHz (Minnaert; Pumphrey & Crum 1988).
    """
    n = dsp.length(duration_s)
    # 3 dB an octave down from 400 Hz, more above 5 kHz, as in recordings; what is rained on and how
    # far it is bend that freely
    points_hz = [30, 120, 400, 1200, 3500, 9000, 18000]
    levels = np.array([0, 0, -1, -4, -9, -17, -28]) + rng.normal(0, 5, 7)
    levels += rng.normal(0, 1) * np.arange(7)
    levels[2:4] -= rng.uniform(-2, 5)
    wash = dsp.coloured(rng, n, points_hz, levels)
    wash = wash * dsp.spread(np.exp(dsp.log_uniform(rng, 0.02, 0.3) * dsp.wander(rng, n, 0.7)), n)
    surface = rng.uniform(0, 1) ** 3  # 0 leaves and soil .. 1 tin or a window sill
    out = wash
    for rate in (dsp.log_uniform(rng, 200, 3000), dsp.log_uniform(rng, 8, 120)):  # far, near
        times = dsp.poisson_times(rng, rate, duration_s)
        train = dsp.impulses(n, times, rng.pareto(2.2, times.size) + 0.3)
        click = dsp.burst(rng, 0.0002, dsp.log_uniform(rng, 0.002, 0.012))
        tail = np.append(click, np.zeros(dsp.length(0.05), dtype=np.float32))
        tail = dsp.shaped(tail, [200, 1000, 4000, 16000], [-6, 0, -3, -rng.uniform(8, 22)])
        hz = dsp.log_uniform(rng, 700, 9000, 3)
        ring = dsp.resonators(
            tail, hz, dsp.log_uniform(rng, 0.0008, 0.003 + 0.05 * surface, 3), [1, 0.7, 0.5]
        )
        drops = dsp.struck(train, dsp.unit(tail) + rng.uniform(0.2, 1.5) * dsp.unit(ring))
        out = out + rng.uniform(0.05, 0.7) * dsp.unit(drops)
    if rng.random() < 0.35:
        times = dsp.poisson_times(rng, rng.uniform(1.5, 7), duration_s)
        train = dsp.impulses(n, times, rng.uniform(0.3, 1, times.size))
        plop = dsp.resonators(train, dsp.log_uniform(rng, 500, 3000, 2), [0.04, 0.02], [1, 0.6])
        out = out + dsp.log_uniform(rng, 0.3, 3.0) * dsp.peak(plop)
    return out


def _claps(
    rng: Generator, duration_s: float, near: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arrival, length and strength of the rumble from each stretch of the channel."""
    count = int(rng.integers(3, 5 + int(duration_s)))
    first = rng.uniform(0.02, 0.25 * duration_s * (1 - near) + 0.1)
    starts = first + np.concatenate([[0.0], rng.exponential(0.28 * duration_s, count)])
    strength = np.exp(rng.normal(0, 0.5, count + 1) - 1.2 * (starts - first) / duration_s)
    strength[0] *= 1 + near
    return starts, dsp.log_uniform(rng, 0.5, 3.0, count + 1), strength


def thunder(rng: Generator, duration_s: float) -> np.ndarray:
    """Thunder: a clap or crackle when near, then seconds of rolling rumble.

    Each stretch of a tortuous channel sends its own N-wave; far stretches arrive later, and the air
    takes their high frequencies (Few 1969). Three bands of noise share one set of arrivals, high
    bands fading sooner; near strokes crackle. Rain may fall behind.
    """
    n = dsp.length(duration_s)
    near = rng.random() ** 1.5
    starts, lengths, strength = _claps(rng, duration_s, near)
    t = dsp.control_times(n)
    low_hz = dsp.log_uniform(rng, 45, 140)
    bands = (
        ([20, low_hz, 3 * low_hz, 3000], [-9, 0, -14, -60], 1.0, 1.0),
        ([60, 3 * low_hz, 700, 6000], [-24, 0, -6, -50], 0.25 + 0.5 * near, 0.55),
        ([150, 900, 4000, 18000], [-30, 0, -6, -30], 0.02 + 0.6 * near**2, 0.22),
    )
    out = np.zeros(n)
    for points_hz, points_db, level, stay in bands:
        envelope = np.zeros(t.size)
        for start, duration, height in zip(starts, lengths * stay, strength, strict=True):
            after = np.maximum(t - start, 0) / duration
            envelope += (
                height
                * np.minimum(after * duration / 0.015, 1)
                * np.exp(-2.2 * after)
                * (after > 0)
            )
        roll = np.exp(0.5 * dsp.wander(rng, n, 9.0) + 0.3 * dsp.wander(rng, n, 2.5))
        layer = dsp.coloured(rng, n, points_hz, points_db)
        out += level * layer * dsp.spread(envelope * roll, n)
    crack_s = np.concatenate([starts[:1], starts[0] + rng.exponential(0.12, int(20 * near))])
    cracks = dsp.impulses(n, crack_s, rng.exponential(1.0, crack_s.size) + 0.3)
    out += 4.0 * near**2 * dsp.struck(cracks, dsp.burst(rng, 0.0005, rng.uniform(0.02, 0.09)))
    if rng.random() < 0.4:
        fall = dsp.coloured(rng, n, [60, 800, 5000, 18000], [-20, 0, -2, -14])
        out = dsp.unit(out) + 10 ** (-rng.uniform(20, 38) / 20) * fall
    return out
