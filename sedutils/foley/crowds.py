"""Applause and cheering: many independent people, some near, most far."""

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp
from sedutils.foley.voices import shouts


def clapping(
    rng: Generator,
    n: int,
    people: int,
    kinds: int = 5,
    fall_s: tuple[float, float] = (0.004, 0.02),
) -> np.ndarray:
    """``people`` clapping each at an own rate of 2.5-5.5 Hz, with ``kinds`` of hands among them.

    Soft palms on air: a burst of noise, never the same twice, in a broad hump at 0.85-2.6 kHz with
    nothing below and little above (Repp 1987; Peltola et al. 2007). It falls by 8.7 dB in
    ``fall_s`` (a range, s), slower where what stands close by draws it out. People fill a disc
    around the listener evenly and pressure goes with 1/distance: a few lead, the many are a wash.
    """
    duration_s = n / dsp.SAMPLE_RATE
    rate = rng.uniform(2.5, 5.5, people)
    beats = int(duration_s * 5.5) + 2
    gaps = np.exp(rng.normal(0, 0.1, (people, beats))) / rate[:, None]
    times = rng.uniform(-0.4, 0.2, (people, 1)) + np.cumsum(gaps, axis=1)
    distance = np.sqrt(rng.uniform(0.003, 1, people))[:, None]
    level = np.exp(rng.normal(0, 0.5, (people, beats))) / distance
    whose = rng.integers(kinds, size=people)
    below, above, top = rng.uniform((-13, -11, -42), (-4, -5, -22))
    lowest_hz = dsp.log_uniform(rng, 850, 1500)
    out = np.zeros(n, dtype=np.float32)
    for kind in range(kinds):
        mine = whose == kind
        hump_hz = lowest_hz * dsp.log_uniform(rng, 1, 1.7)
        points = [100, 0.5 * hump_hz, hump_hz, 2 * hump_hz, 16000], [-30, below, 0, above, top]
        at, height = times[mine].ravel(), level[mine].ravel()
        out += dsp.bursts(rng, n, at, height, dsp.log_uniform(rng, *fall_s), *points)
    return out


def swell(rng: Generator, n: int, depth: float) -> np.ndarray:
    """A crowd's loudness: rises in a second or two, breathes, may die away; a control."""
    duration_s = n / dsp.SAMPLE_RATE
    rise, fall = rng.uniform(0.05, 1.5), rng.uniform(0.5, 3.0)
    ends = [rng.uniform(0.2, 1.0), 1.0, 1.0, rng.uniform(0.1, 1.0)]
    at = [0.0, min(rise, 0.3 * duration_s), max(duration_s - fall, 0.4 * duration_s), duration_s]
    return dsp.contour(at, ends, n) * np.exp(depth * dsp.wander(rng, n, 0.8))


def crowd_applause(rng: Generator, duration_s: float) -> np.ndarray:
    """Applause: thirty to five hundred people clap out of step, the nearest heard singly.

    The more there are, the nearer it comes to steady noise with the colour of claps. A few cheer.
    """
    n = dsp.length(duration_s)
    out = dsp.unit(clapping(rng, n, int(dsp.log_uniform(rng, 30, 500))))
    if rng.random() < 0.35:
        out += rng.uniform(0.1, 0.4) * shouts(rng, n, duration_s, 1, 200, 800)
    return out * dsp.spread(swell(rng, n, rng.uniform(0.03, 0.15)), n)


def _whistle(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """Fingers in the mouth: a 1.5-3.5 kHz tone that swoops up."""
    start = np.sort(rng.uniform(0, duration_s, 1 + int(duration_s / 5)))
    lengths = rng.uniform(0.3, 0.9, start.size)
    level = dsp.pulses(n, start, lengths, attack=0.2, release=0.3)
    hz = rng.uniform(1500, 2800) * (1 + 0.35 * np.clip(dsp.wander(rng, n, 2.5), -1, 1.5))
    tone = dsp.look_up(dsp.harmonic_table([1, 0.1]), dsp.phase(hz, n))
    return tone * dsp.spread(level, n)


def _others(rng: Generator, x: np.ndarray, apart: float) -> np.ndarray:
    """Four times as many people like those in ``x``, from other moments of it; unit RMS.

    Two of the four are slower and two faster by up to ``apart`` (a natural logarithm): a smaller
    head raises pitch and formants together, as reading faster does.
    """
    out, at, round_and_round = np.zeros_like(x), np.arange(x.size), np.tile(x, 3)
    step = np.diff(round_and_round)
    for speed in np.exp(rng.uniform(0.2, 1.0, 2) * [-apart, apart]):
        moved = at * speed + rng.uniform(0, x.size)
        before = moved.astype(np.int32)
        read = round_and_round[before] + (moved - before).astype(np.float32) * step[before]
        out += read + rng.uniform(0.5, 1.0) * np.roll(read, rng.integers(x.size))
    return dsp.unit(out)


def crowd_cheering(rng: Generator, duration_s: float) -> np.ndarray:
    """Cheering: a few near voices among dozens that cry "yeah" and "woo" too, in swells.

    The crowd is made of voices, so it keeps their harmonics, glides and syllables: noise of the
    same spectrum is surf or traffic. Shouting raises pitch to 330-1000 Hz. A hundred more are a
    roar behind; whistles and clapping in some.
    """
    n = dsp.length(duration_s)
    near = shouts(rng, n, duration_s, 6, 330, rng.uniform(700, 1200))
    middle = _others(rng, near, 0.25)
    out = middle + rng.uniform(0, 0.8) * near
    if rng.random() < 0.4:
        out += rng.uniform(0.1, 0.8) * _others(rng, middle, 0.15)
    if rng.random() < 0.4:
        out += rng.uniform(0.1, 0.4) * dsp.unit(_whistle(rng, n, duration_s))
    if rng.random() < 0.4:
        out += rng.uniform(0.1, 0.5) * dsp.unit(clapping(rng, n, 100, kinds=2))
    return out * dsp.spread(swell(rng, n, rng.uniform(0.1, 0.25)), n)
