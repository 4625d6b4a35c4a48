"""The recording stage that every clip passes: distance, room, microphone, noise floor, limiter.

Library and field recordings of one sound differ as much by where and with what they were taken as
by the sound, so all classes share this stage; only the kind of space is a matter of the class.
"""

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter

from sedutils.foley.dsp import (
    SAMPLE_RATE,
    controls,
    convolve,
    length,
    log_uniform,
    noise,
    shaped,
    spread,
)

# decay time of the reverberation (s), its level beside the direct sound (dB)
SPACES = {
    "outdoor": ((0.15, 1.0), (-40.0, -18.0)),
    "room": ((0.15, 0.8), (-26.0, -8.0)),
    "hall": ((0.6, 2.2), (-24.0, -8.0)),
    "any": ((0.12, 1.6), (-40.0, -9.0)),
}


def room_response(rng: Generator, space: str) -> np.ndarray:
    """Impulse response: direct sound, a few early reflections, a diffuse tail dulling with time."""
    (shortest, longest), (faintest, loudest) = SPACES[space]
    decay_s = log_uniform(rng, shortest, longest)
    n = length(min(decay_s, 0.8))
    t = np.arange(n) / SAMPLE_RATE
    level = rng.uniform(faintest, loudest)
    bright = noise(rng, n) * 10 ** (-4.0 * t / decay_s)
    dull = lfilter([0.6], [1, -0.8], noise(rng, n)) * 10 ** (-2.6 * t / decay_s)
    tail = bright + dull
    tail *= np.minimum(t / 0.012, 1.0) * (1 - t / t[-1])
    response = 10 ** (level / 20) * tail / max(float(np.sqrt(np.sum(tail**2))), 1e-9)
    taps = rng.integers(2, 8)
    at = (log_uniform(rng, 0.002, 0.05, taps) * SAMPLE_RATE).astype(int)
    early = 10 ** (level / 20) * rng.uniform(0.1, 0.7, taps) * rng.choice([-1.0, 1.0], taps)
    np.add.at(response, np.minimum(at, n - 1), early)
    response[0] += 1.0
    return response


def microphone_curve(rng: Generator) -> tuple[list[float], list[float]]:
    """Magnitude points (Hz, dB): rumble filter, tilt, a bump or dip, and the upper band limit."""
    low, high = log_uniform(rng, 20, 160), log_uniform(rng, 7000, 22000)
    tilt = rng.normal(0.0, 1.5)  # dB an octave about 1 kHz, to both sides
    bump_hz, bump_db = log_uniform(rng, 250, 5000), rng.normal(0.0, 3.0)
    points = {
        10.0: tilt * -6.6 - 12 * np.log2(low / 10),
        low: tilt * np.log2(low / 1000),
        bump_hz / 1.6: tilt * np.log2(bump_hz / 1600),
        bump_hz: tilt * np.log2(bump_hz / 1000) + bump_db,
        bump_hz * 1.15: tilt * np.log2(bump_hz * 1.15 / 1000) + 0.5 * bump_db,
        high: tilt * np.log2(high / 1000),
        high * 1.25: tilt * np.log2(high / 1000) - rng.uniform(6, 60),
    }
    hz = sorted(points)
    return hz, [points[f] for f in hz]


def record(rng: Generator, x: np.ndarray, *, space: str) -> np.ndarray:
    """``x`` recorded in ``space`` ("outdoor", "room", "hall", "any"); same length, peak 0.95.

    Adds the room, the microphone's colour, a noise floor 25 to 65 dB under the loudest half second
    and, in one recording out of four, a limiter that rounds the tallest peaks.
    """
    block = min(length(0.5), x.size)
    blocks = x[: x.size // block * block].reshape(-1, block)
    loudest = float(np.sqrt(np.max(np.mean(blocks**2, axis=1))))
    under = loudest * 10 ** (-rng.uniform(25, 65) / 20)
    rumble = spread(
        rng.standard_normal(controls(x.size)), x.size
    )  # air, traffic: below some 500 Hz
    hiss = log_uniform(rng, 0.1, 1.0) * noise(rng, x.size)
    place = x + under * (log_uniform(rng, 0.3, 3.0) * rumble + hiss)
    out = convolve(place, shaped(room_response(rng, space), *microphone_curve(rng)))
    if rng.random() < 0.25:
        knee = rng.uniform(0.25, 0.8) * float(np.max(np.abs(out)))
        out = np.tanh(out / knee)
    return (0.95 * out / max(float(np.max(np.abs(out))), 1e-9)).astype(np.float32)
