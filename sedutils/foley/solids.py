"""What things do when handled: hit, crackle, rub, squeak. The families of recipes share these."""

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from sedutils.foley import dsp


def spells(
    rng: Generator, duration_s: float, spell_s: float, pause_s: float
) -> tuple[np.ndarray, np.ndarray]:
    """Starts and lengths of spells of doing something, pauses between, the first at once."""
    count = int(3 * duration_s / (spell_s + pause_s)) + 3
    lengths = spell_s * np.exp(rng.normal(0, 0.3, count))
    gaps = pause_s * np.exp(rng.normal(0, 0.5, count))
    starts = rng.uniform(0.0, 0.06) + np.concatenate([[0.0], np.cumsum(lengths + gaps)[:-1]])
    keep = starts < max(duration_s - 0.15, 0.07)
    return starts[keep], lengths[keep]


def hits(
    rng: Generator, starts: np.ndarray, lengths: np.ndarray, rate_hz: float
) -> tuple[np.ndarray, np.ndarray]:
    """Times and strengths of hits within spells: one as each begins, ``rate_hz`` more a second."""
    more = rng.poisson(rate_hz * lengths)
    later = np.repeat(starts, more) + rng.random(more.sum()) * np.repeat(lengths, more)
    times = np.concatenate([starts, later])
    return times, np.exp(rng.normal(0, 0.6, times.size))


def bounces(
    rng: Generator, start_s: float, gap_s: float, keeps: float, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """A dropped thing: every bounce is ``keeps`` times as long and as strong as the last one."""
    shrink = keeps ** np.arange(count)
    times = start_s + np.concatenate([[0.0], np.cumsum(gap_s * shrink)[:-1]])
    return times, shrink * np.exp(rng.normal(0, 0.15, count))


def struck(n: int, times: np.ndarray, level: np.ndarray, response: np.ndarray) -> np.ndarray:
    """``response`` at every one of ``times``, shape (n,): added singly while that is the cheaper."""
    if times.size * response.size > 5 * n:
        return dsp.struck(dsp.impulses(n, times, level), response)
    out = np.zeros(n, dtype=np.float32)
    at = np.round(times * dsp.SAMPLE_RATE).astype(int)
    for first, height in zip(at, level, strict=True):
        if 0 <= first < n:
            part = out[first : first + response.size]
            part += np.float32(height) * response[: part.size]
    return out


def knocks(
    rng: Generator,
    n: int,
    times: np.ndarray,
    level: ArrayLike,
    *,
    lowest_hz: tuple[float, float],
    ring_s: tuple[float, float],
    blow_s: float,
    objects: int = 2,
    modes: int = 5,
    dry: float = 0.3,
) -> np.ndarray:
    """Hits shared out among a few objects, each ringing inharmonic modes of its own; peak one.

    ``lowest_hz`` and ``ring_s`` are ranges: the lowest mode, and its time to fall by 60 dB (higher
    modes fall sooner). ``blow_s`` is the length of the contact, ``dry`` its own noise.
    """
    times = np.asarray(times)
    level, whose = np.broadcast_to(level, times.shape), rng.integers(objects, size=times.size)
    out = np.zeros(n, dtype=np.float32)
    for thing in range(objects):
        ratio = np.cumprod(np.append(1.0, rng.uniform(1.2, 2.1, modes - 1)))
        hz = dsp.log_uniform(rng, *lowest_hz) * ratio
        decay_s = dsp.log_uniform(rng, *ring_s) * ratio ** -rng.uniform(0.3, 0.9)
        audible = hz < 19000
        blow = dsp.burst(rng, 0.0003, blow_s * np.exp(rng.normal(0, 0.25)))
        ring = dsp.rung(blow, hz[audible], decay_s[audible], rng.uniform(0.25, 1.0, audible.sum()))
        ring = dsp.peak(ring)
        ring[: blow.size] += dry * dsp.peak(blow)
        mine = whose == thing
        if mine.any():
            out += struck(n, times[mine], level[mine], ring)
    return dsp.peak(out)


def crackle(
    rng: Generator, n: int, density: np.ndarray, *, click_s: float, ring_hz: tuple[float, float]
) -> np.ndarray:
    """Tiny clicks, ``density`` (a control) a second: paper, foil, twigs, grit; unit RMS."""
    counts = rng.poisson(np.maximum(density, 0) / dsp.CONTROL_RATE)
    times = (np.repeat(np.arange(counts.size), counts) + rng.random(counts.sum())) / (
        dsp.CONTROL_RATE
    )
    click = dsp.burst(rng, 0.0001, click_s)
    hz = dsp.log_uniform(rng, *ring_hz, 4)
    click = dsp.rung(click, hz, dsp.log_uniform(rng, 0.5, 2.0, 4) * click_s, [1, 0.8, 0.7, 0.6])
    train = dsp.impulses(n, times, rng.pareto(2.0, times.size) + 0.1)
    return dsp.unit(dsp.struck(train, click))


def rub(
    rng: Generator,
    n: int,
    level: np.ndarray,
    points_hz: ArrayLike,
    points_db: ArrayLike,
    *,
    grain_hz: float,
    depth: float = 0.4,
) -> np.ndarray:
    """Two surfaces sliding: coloured noise as loud as ``level`` (a control), uneven at a grain."""
    grain = np.exp(depth * dsp.wander(rng, n, grain_hz))
    return dsp.coloured(rng, n, points_hz, points_db) * dsp.spread(level * grain, n)


def squeak(
    rng: Generator,
    n: int,
    hz: np.ndarray,
    level: np.ndarray,
    *,
    tilt: float,
    jitter: float = 0.01,
    rough: float = 0.3,
) -> np.ndarray:
    """Stick and slip: a tone of harmonics k**-tilt at the control ``hz``, never quite steady."""
    moved = np.maximum(hz * (1 + jitter * dsp.wander(rng, n, 45.0)), 20.0)
    count = int(np.clip(17000 / float(np.max(moved)), 1, 120))
    k = np.arange(1, count + 1)
    table = dsp.harmonic_table(k ** -float(tilt) * np.exp(rng.normal(0, 0.3, count)), 0.3 * k)
    uneven = np.exp(rough * dsp.wander(rng, n, 30.0))
    return dsp.look_up(table, dsp.phase(moved, n)) * dsp.spread(level * uneven, n)
