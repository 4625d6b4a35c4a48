"""``unknown``: rare odd sounds that no other class is made of."""

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp, solids


def _zip(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """A zip: teeth click by at a rate that rises along the pull."""
    starts, lengths = solids.spells(rng, duration_s, rng.uniform(0.25, 0.8), rng.uniform(0.2, 1))
    pull = dsp.pulses(n, starts, lengths, attack=0.3, release=0.1)
    rate = dsp.log_uniform(rng, 90, 260) * (0.4 + pull)
    teeth = solids.squeak(rng, n, rate, pull, tilt=0.1, jitter=0.05, rough=0.5)
    return dsp.resonators(teeth, dsp.log_uniform(rng, 1500, 8000, 4), [0.006] * 4, [1] * 4)


def _boing(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """A ruler or spring let go: a buzz whose pitch climbs while it dies."""
    starts, _ = solids.spells(rng, duration_s, 0.4, rng.uniform(0.4, 1.5))
    t = dsp.control_times(n)
    age = t - starts[np.maximum(np.searchsorted(starts, t) - 1, 0)]
    level = np.exp(-rng.uniform(3, 9) * np.maximum(age, 0)) * (t >= starts[0])
    hz = dsp.log_uniform(rng, 30, 140) * (1 + rng.uniform(0.5, 2.0) * np.clip(age, 0, 0.6))
    return solids.squeak(rng, n, hz, level, tilt=0.9, rough=0.1)


def _ratchet(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """A ratchet or winder: even sharp clicks that speed up and slow down."""
    rate = rng.uniform(6, 35) * np.exp(0.4 * dsp.wander(rng, n, 0.8))
    turn = np.cumsum(rate) / dsp.CONTROL_RATE
    times = dsp.control_times(n)[1:][np.diff(np.floor(turn)) > 0]
    force = np.exp(rng.normal(0, 0.1, times.size))
    low_hz = dsp.log_uniform(rng, 500, 2500)
    range_hz = (low_hz, 1.2 * low_hz)
    return solids.knocks(
        rng, n, times, force, lowest_hz=range_hz, ring_s=(0.01, 0.08), blow_s=0.002
    )


def _saw(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """A handsaw or file: strokes to and fro, teeth rasping in proportion to speed."""
    turn = np.sin(2 * np.pi * rng.uniform(0.8, 2.2) * dsp.control_times(n))
    level = np.abs(turn) * np.where(turn > 0, 1.0, rng.uniform(0.2, 0.7))
    rasp = solids.squeak(rng, n, 40 + rng.uniform(80, 300) * level, level, tilt=0.2, jitter=0.1)
    body = dsp.resonators(rasp, dsp.log_uniform(rng, 400, 3500, 4), [0.02] * 4, [1] * 4)
    points = [200, 1500, 5000, 18000], [-24, 0, 0, -14]
    return dsp.unit(body) + rng.uniform(0.3, 1.2) * solids.rub(rng, n, level, *points, grain_hz=60)


def _toy(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """A squeezed rubber toy: reed squeals that swoop up, and the air drawn in again."""
    starts, lengths = solids.spells(rng, duration_s, rng.uniform(0.1, 0.4), rng.uniform(0.1, 0.7))
    level = dsp.pulses(n, starts, lengths, attack=0.2, release=0.3)
    hz = dsp.log_uniform(rng, 500, 1500) * (0.6 + 0.6 * level)
    back = dsp.pulses(n, starts + lengths, lengths, attack=0.3, release=0.4)
    points = [400, 1500, 5000, 16000], [-24, 0, -4, -20]
    out = solids.squeak(rng, n, hz, level, tilt=rng.uniform(0.5, 1.2))
    return out + rng.uniform(0.05, 0.3) * solids.rub(rng, n, back, *points, grain_hz=30)


def _theremin(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """Something singing: a wet finger on a rim, a wire in the wind: one gliding pure tone."""
    hz = dsp.log_uniform(rng, 250, 1300) * np.exp(0.25 * dsp.wander(rng, n, rng.uniform(0.4, 1.5)))
    hz = hz * (1 + 0.015 * np.sin(2 * np.pi * rng.uniform(4, 7) * dsp.control_times(n)))
    level = np.exp(0.4 * dsp.wander(rng, n, 1.5))
    return solids.squeak(rng, n, hz, level, tilt=rng.uniform(2, 3.5), jitter=0.002, rough=0.05)


def _drill(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """A drill or vacuum: a motor run up, loaded, let go."""
    starts, lengths = solids.spells(rng, duration_s, rng.uniform(0.8, 3.0), rng.uniform(0.3, 1.0))
    run = dsp.pulses(n, starts, lengths, attack=0.2, release=0.3)
    hz = dsp.log_uniform(rng, 120, 420) * (0.1 + run) * (1 + 0.05 * dsp.wander(rng, n, 3))
    motor = solids.squeak(rng, n, hz, run, tilt=rng.uniform(0.4, 1.0), jitter=0.01)
    points = [100, 800, 3500, 18000], [-24, 0, 0, -18]
    return motor + rng.uniform(0.2, 1.0) * solids.rub(rng, n, run, *points, grain_hz=20)


_KINDS = (_zip, _boing, _ratchet, _saw, _toy, _theremin, _drill)


def unknown(rng: Generator, duration_s: float) -> np.ndarray:
    """Unknown: a zip, a spring, a ratchet, a saw, a rubber toy, a singing rim or a drill.

    The catch-all of a real annotation: rare sounds with nothing in common but that no other class
    fits, so that a network can learn little more than "none of the others".
    """
    n = dsp.length(duration_s)
    kind = _KINDS[int(rng.integers(len(_KINDS)))]
    out = dsp.unit(kind(rng, n, duration_s))
    handling = dsp.coloured(rng, n, [60, 500, 3000, 16000], [-16, 0, -10, -34])
    out = out + 10 ** (-rng.uniform(18, 40) / 20) * handling
    return dsp.shaped(out, [50, 600, 4000, 18000], [0, *rng.uniform(-6, 6, 2), -8])
