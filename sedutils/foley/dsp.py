"""Blocks every recipe is built of: controls, oscillators, shaped noise, resonators, source-filter.

Two kinds of array go round. *Audio* has one value a sample at 44100 Hz. A *control* (a pitch, a
level, a mix) has one value every ``HOP`` samples, where musical and mechanical motion is slow
enough to be drawn cheaply, and becomes audio through ``spread``. Nothing here loops over samples.
"""

from collections.abc import Sequence

import numpy as np
import scipy.fft
from numpy.random import Generator
from numpy.typing import ArrayLike
from scipy.signal import lfilter

SAMPLE_RATE = 44100
HOP = 64  # samples between two control points: 1.45 ms, so modulation up to some 100 Hz survives
CONTROL_RATE = SAMPLE_RATE / HOP
_RAMP = (np.arange(HOP, dtype=np.float32) / HOP)[None, :]
_TABLE = 4096  # power of two: the phase wraps by a bit mask
_TAPS = 2048  # of drawn filters: points 22 Hz apart, enough for the rumble of thunder


def length(duration_s: float) -> int:
    """Samples in ``duration_s`` seconds, at least one."""
    return max(1, round(duration_s * SAMPLE_RATE))


def controls(n: int) -> int:
    """Control points that cover ``n`` samples."""
    return n // HOP + 2


def control_times(n: int) -> np.ndarray:
    """Times of the control points in seconds, shape (controls(n),)."""
    return np.arange(controls(n)) / CONTROL_RATE


def spread(control: np.ndarray, n: int) -> np.ndarray:
    """Straight lines through the control points, shape (n,) float32."""
    control = np.asarray(control, dtype=np.float32)
    return (control[:-1, None] + np.diff(control)[:, None] * _RAMP).ravel()[:n]


def log_uniform(rng: Generator, low: float, high: float, size: int | None = None):
    """Draw evenly on a log scale: the fair choice for frequencies, rates and decay times."""
    drawn = np.exp(rng.uniform(np.log(low), np.log(high), size))
    return float(drawn) if size is None else drawn


def wander(rng: Generator, n: int, rate_hz: float) -> np.ndarray:
    """A control that drifts: unit-variance normal knots ``rate_hz`` a second, smoothly joined."""
    knots = rng.standard_normal(int(n / SAMPLE_RATE * rate_hz) + 4)
    at = control_times(n) * rate_hz
    left = at.astype(int)
    blend = at - left
    blend = (
        blend * blend * (3 - 2 * blend)
    )  # no corner at a knot: corners click when they move a pitch
    return knots[left] * (1 - blend) + knots[left + 1] * blend


def contour(times_s: ArrayLike, values: ArrayLike, n: int) -> np.ndarray:
    """A control of straight lines through (time, value) points."""
    return np.interp(control_times(n), times_s, values)


def noise(rng: Generator, n: int) -> np.ndarray:
    """White noise of unit variance, shape (n,) float32.

    Evenly spread values are four times cheaper than normal ones and any filter makes them normal.
    """
    return (rng.random(n, dtype=np.float32) - np.float32(0.5)) * np.float32(12**0.5)


def gains(frequencies: np.ndarray, points_hz: ArrayLike, points_db: ArrayLike) -> np.ndarray:
    """Linear gain at ``frequencies`` of a curve through (Hz, dB) points, straight over log Hz."""
    at = np.log(np.maximum(frequencies, 10.0))
    return (10 ** (np.interp(at, np.log(points_hz), points_db) / 20)).astype(np.float32)


def convolve(x: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Linear convolution cut to the length of ``x``, float32.

    Overlap-add in blocks small enough for the cache: twice as fast as scipy's on clips of seconds.
    """
    size = max(1 << 14, 1 << int(np.ceil(np.log2(2.2 * response.size))))
    step = size - response.size + 1
    count = -(-x.size // step)
    padded = np.zeros(count * step, dtype=np.float32)
    padded[: x.size] = x
    padded = padded.reshape(count, step)
    transfer = scipy.fft.rfft(response.astype(np.float32), size)
    out = np.zeros(count * step + size, dtype=np.float32)
    for first in range(0, count, 8):
        spectrum = scipy.fft.rfft(padded[first : first + 8], size)
        spectrum *= transfer
        blocks = scipy.fft.irfft(spectrum, size, overwrite_x=True)
        for at, block in enumerate(blocks, first):
            out[at * step : at * step + size] += block
    return out[: x.size]


def fir(points_hz: ArrayLike, points_db: ArrayLike) -> np.ndarray:
    """Linear-phase filter of a drawn magnitude, shape (_TAPS,), delay ``_TAPS // 2`` samples."""
    bins = np.linspace(0, SAMPLE_RATE / 2, _TAPS // 2 + 1)
    taps = np.roll(scipy.fft.irfft(gains(bins, points_hz, points_db)), _TAPS // 2)
    return (taps * np.hanning(_TAPS)).astype(np.float32)


def shaped(x: np.ndarray, points_hz: ArrayLike, points_db: ArrayLike) -> np.ndarray:
    """``x`` through a filter of drawn magnitude (points over log frequency, in dB), no delay."""
    padded = np.append(np.asarray(x, dtype=np.float32), np.zeros(_TAPS // 2, dtype=np.float32))
    return convolve(padded, fir(points_hz, points_db))[_TAPS // 2 :]


def coloured(rng: Generator, n: int, points_hz: ArrayLike, points_db: ArrayLike) -> np.ndarray:
    """Noise with a drawn spectrum (points over log frequency, in dB), unit RMS, shape (n,)."""
    return unit(convolve(noise(rng, n + _TAPS), fir(points_hz, points_db))[_TAPS:])


def unit(x: np.ndarray) -> np.ndarray:
    """``x`` at RMS one (silence stays silence)."""
    return x / max(float(np.sqrt(np.mean(x * x))), 1e-9)


def peak(x: np.ndarray) -> np.ndarray:
    """``x`` with its largest absolute value at one (silence stays silence)."""
    return x / max(float(np.max(np.abs(x))), 1e-9)


def resonators(x: np.ndarray, hz: ArrayLike, decay_s: ArrayLike, level: ArrayLike) -> np.ndarray:
    """Modal bank: parallel damped modes (60 dB in ``decay_s``), each rung by ``x``."""
    x = x + np.float32(1e-15)  # keeps a dying mode out of the slow denormal numbers
    out = np.zeros(x.size, dtype=np.float32)
    for f, t, g in zip(
        np.atleast_1d(hz), np.atleast_1d(decay_s), np.atleast_1d(level), strict=True
    ):
        r, w = 10 ** (-3 / (t * SAMPLE_RATE)), 2 * np.pi * min(f, 0.48 * SAMPLE_RATE) / SAMPLE_RATE
        a = np.array([1, -2 * r * np.cos(w), r * r], dtype=np.float32)
        out += lfilter(np.array([0, g * np.sin(w)], dtype=np.float32), a, x)
    return out


def tract(
    x: np.ndarray, formants_hz: Sequence[float], width_hz: Sequence[float], above: float = 0.1
) -> np.ndarray:
    """Vocal tract: a cascade of all-pole sections (Klatt's cascade branch), unit RMS.

    ``above`` is the share of the source let through beside it: the poles above the last modelled
    one would keep the response from falling as steeply as a short cascade does.
    """
    x = np.asarray(x, dtype=np.float32) + np.float32(1e-15)
    source = x
    for f, b in zip(formants_hz, width_hz, strict=True):
        r, w = np.exp(-np.pi * b / SAMPLE_RATE), 2 * np.pi * min(f, 18000.0) / SAMPLE_RATE
        a = np.array([1, -2 * r * np.cos(w), r * r])
        x = lfilter([a.sum()], a, x)
    return unit(x).astype(np.float32) + above * unit(source)


def phase(hz: np.ndarray, n: int, start: float = 0.0) -> np.ndarray:
    """Cycles run through by an oscillator whose frequency is the control ``hz``, shape (n,)."""
    return start + np.cumsum(spread(hz, n), dtype=np.float64) / SAMPLE_RATE


def look_up(table: np.ndarray, cycles: np.ndarray) -> np.ndarray:
    """One period ``table`` (a power of two long) read at ``cycles``."""
    return table[(cycles * table.size).astype(np.int64) & (table.size - 1)]


def harmonic_table(level: ArrayLike, phases: ArrayLike | float = 0.0) -> np.ndarray:
    """One period with harmonics 1, 2, … at amplitudes ``level`` (cosines), unit RMS."""
    level = np.asarray(level, dtype=np.float64)
    spectrum = np.zeros(_TABLE // 2 + 1, dtype=np.complex128)
    spectrum[1 : level.size + 1] = level * np.exp(1j * np.asarray(phases))
    return unit(np.fft.irfft(spectrum, _TABLE)).astype(np.float32)


def glottal_table(highest_hz: float, tilt: float) -> np.ndarray:
    """Source of a voice: harmonics falling as k**-tilt, none above 18 kHz at ``highest_hz``."""
    count = int(np.clip(18000 / highest_hz, 1, 120))
    k = np.arange(1, count + 1)
    return harmonic_table(k ** -float(tilt), -0.5 * np.pi + 0.12 * k)


def voice(
    rng: Generator,
    n: int,
    pitch: np.ndarray,
    *,
    tilt: float,
    breath: float,
    jitter: float,
    rough: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Source of a voice: a pulse train plus breath that flows in time with it.

    ``pitch`` is a control in Hz; ``jitter`` the relative deviation of the period; ``breath`` the
    noise beside unit-RMS pulses; ``rough`` (0..1, number or control) the depth of the alternation
    of strong and weak periods that gives subharmonics.
    """
    moved = pitch * (1 + jitter * (0.7 * wander(rng, n, 90.0) + 0.5 * wander(rng, n, 11.0)))
    moved = np.maximum(moved, 20.0)
    cycles = phase(moved, n, rng.uniform())
    source = look_up(glottal_table(float(np.max(moved)), tilt), cycles)
    if np.any(rough):
        alternate = look_up(harmonic_table([1.0, 0.3]), 0.5 * cycles)
        source *= 1 + spread(np.broadcast_to(rough, controls(n)), n) * alternate
    flow = look_up(0.6 + 0.4 * harmonic_table([1.0]), cycles)  # air flows while the glottis is open
    flow *= noise(rng, n)
    flow *= breath
    source += flow
    return source


def impulses(n: int, times_s: ArrayLike, level: ArrayLike) -> np.ndarray:
    """Sparse pulses at ``times_s`` with heights ``level``; those outside the clip are left out."""
    at = np.round(np.asarray(times_s, dtype=np.float64) * SAMPLE_RATE).astype(np.int64)
    level = np.broadcast_to(level, at.shape)
    inside = (at >= 0) & (at < n)
    out = np.zeros(n, dtype=np.float32)
    np.add.at(out, at[inside], level[inside].astype(np.float32))
    return out


def burst(rng: Generator, attack_s: float, decay_s: float) -> np.ndarray:
    """A burst of white noise that rises in ``attack_s`` and falls by 60 dB in ``decay_s``."""
    t = np.arange(length(attack_s + decay_s)) / SAMPLE_RATE
    rise = np.minimum(t / max(attack_s, 1e-4), 1.0)
    return (noise(rng, t.size) * rise * 10 ** (-3 * t / decay_s)).astype(np.float32)


def bursts(
    rng: Generator,
    n: int,
    times_s: ArrayLike,
    level: ArrayLike,
    fall_s: float,
    points_hz: ArrayLike,
    points_db: ArrayLike,
) -> np.ndarray:
    """Bursts of noise with a drawn spectrum, no two alike, each falling by 8.7 dB in ``fall_s``.

    Where they overlap their powers add.
    """
    keeps = np.float32(np.exp(-2 / (fall_s * SAMPLE_RATE)))
    power = impulses(n, times_s, np.square(level)) + np.float32(1e-15)
    power = lfilter(np.ones(1, dtype=np.float32), np.array([1, -keeps]), power)
    return shaped(noise(rng, n) * np.sqrt(power), points_hz, points_db)


def rung(blow: np.ndarray, hz: ArrayLike, decay_s: ArrayLike, level: ArrayLike) -> np.ndarray:
    """A blow and the modes it rings, until the slowest has gone: a response to strike with."""
    tail = np.zeros(length(float(np.max(decay_s))), dtype=np.float32)
    return resonators(np.append(blow, tail), hz, decay_s, level)


def struck(train: np.ndarray, response: np.ndarray) -> np.ndarray:
    """A train of pulses with every pulse replaced by ``response``; same length as the train."""
    return convolve(train, response)


def poisson_times(rng: Generator, rate_hz: float, duration_s: float) -> np.ndarray:
    """Times of events that know nothing of each other, in order, at least one."""
    count = max(1, rng.poisson(rate_hz * duration_s))
    return np.sort(rng.uniform(0, duration_s, count))


def stretch(n: int, start_s: float, duration_s: float) -> tuple[slice, np.ndarray]:
    """The control points of a stretch of time, cut at the clip's end, and 0..1 along it."""
    first, last = int(start_s * CONTROL_RATE), int((start_s + duration_s) * CONTROL_RATE)
    at = np.linspace(0, 1, max(last - first, 2))
    stop = min(first + at.size, controls(n))
    return slice(first, stop), at[: max(stop - first, 0)]


def pulses(
    n: int,
    starts_s: ArrayLike,
    durations_s: ArrayLike,
    level: ArrayLike = 1.0,
    *,
    attack: float = 0.1,
    release: float = 0.3,
) -> np.ndarray:
    """A control of rise-hold-fall shapes, the largest where they overlap.

    ``attack`` and ``release`` are fractions of a pulse's duration.
    """
    out = np.zeros(controls(n))
    sets = (starts_s, durations_s, np.broadcast_to(level, np.shape(starts_s)))
    for start, duration, height in zip(*sets, strict=True):
        first = max(int(start * CONTROL_RATE), 0)
        last = first + int(duration * CONTROL_RATE) + 1
        at = np.linspace(0, 1, max(last - first, 2))
        part = height * np.minimum(np.minimum(at / attack, (1 - at) / release), 1.0)
        stop = min(last, out.size)
        if first < stop:
            out[first:stop] = np.maximum(out[first:stop], part[: stop - first])
    return out
