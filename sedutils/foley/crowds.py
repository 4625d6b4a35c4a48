"""Applause and cheering: many independent people, some near, most far."""

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter

from sedutils.foley import dsp
from sedutils.foley.voices import VOWELS, shout


def clapping(rng: Generator, n: int, people: int, kinds: int = 5) -> np.ndarray:
    """``people`` clapping each at an own rate of 2.5-5.5 Hz, with ``kinds`` of hands among them.

    Soft palms on air: a burst of noise, never the same twice, in a broad hump at 0.9-2.2 kHz with
    nothing below and little above (Repp 1987; Peltola et al. 2007), which what stands close by
    draws out to some tens of ms. People fill a disc around the listener evenly and pressure goes
    with 1/distance: a few lead, the many are a wash.
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
        power = dsp.impulses(n, times[mine].ravel(), level[mine].ravel() ** 2)
        fall_s = dsp.log_uniform(rng, 0.004, 0.02)  # by 8.7 dB
        keeps = np.float32(np.exp(-2 / (fall_s * dsp.SAMPLE_RATE)))
        power = lfilter(np.ones(1, np.float32), np.array([1, -keeps]), power + np.float32(1e-15))
        hump_hz = lowest_hz * dsp.log_uniform(rng, 1, 1.7)
        points = [100, 0.5 * hump_hz, hump_hz, 2 * hump_hz, 16000], [-30, below, 0, above, top]
        out += dsp.shaped(dsp.noise(rng, n) * np.sqrt(power), *points)
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
        voices = dsp.tract(shout(rng, n, duration_s, 500), VOWELS[0], [120, 150, 250, 300])
        out = out + rng.uniform(0.1, 0.4) * dsp.unit(voices)
    return out * dsp.spread(swell(rng, n, rng.uniform(0.03, 0.15)), n)


def _whistle(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """Fingers in the mouth: a 1.5-3.5 kHz tone that swoops up."""
    start = np.sort(rng.uniform(0, duration_s, 1 + int(duration_s / 5)))
    lengths = rng.uniform(0.3, 0.9, start.size)
    level = dsp.pulses(n, start, lengths, attack=0.2, release=0.3)
    hz = rng.uniform(1500, 2800) * (1 + 0.35 * np.clip(dsp.wander(rng, n, 2.5), -1, 1.5))
    tone = dsp.look_up(dsp.harmonic_table([1, 0.1]), dsp.phase(hz, n))
    return tone * dsp.spread(level, n)


def crowd_cheering(rng: Generator, duration_s: float) -> np.ndarray:
    """Cheering: a dozen near voices holding vowels over the roar of a crowd, in swells.

    The roar is noise with vowel formants (a sum of hundreds of voices has no pitch left), the near
    voices keep pitch, glide and breath; whistles and clapping in some.
    """
    n = dsp.length(duration_s)
    highest = rng.uniform(300, 750)  # men only .. children
    out = np.zeros(n)
    for vowel in rng.permutation(len(VOWELS))[: rng.integers(2, 4)]:
        group = sum(
            dsp.log_uniform(rng, 0.2, 1.0) * shout(rng, n, duration_s, highest) for _ in range(2)
        )
        scale = rng.uniform(0.95, 1.25)
        out += dsp.tract(group, np.array(VOWELS[vowel]) * scale, [110, 140, 220, 300])
    first = rng.uniform(450, 800)
    roar = dsp.coloured(
        rng,
        n,
        [20, 150, first, 1.3 * first + 400, 2700, 18000],
        [-40, -14, 0, rng.uniform(-8, 0), rng.uniform(-18, -6), rng.uniform(-45, -25)],
    )
    roar = roar * dsp.spread(np.exp(rng.uniform(0.1, 0.3) * dsp.wander(rng, n, 6)), n)
    out = dsp.unit(out) * rng.uniform(0.25, 1.0) + roar
    if rng.random() < 0.4:
        out = out + rng.uniform(0.1, 0.5) * dsp.unit(_whistle(rng, n, duration_s))
    if rng.random() < 0.4:
        out = out + rng.uniform(0.1, 0.5) * dsp.unit(clapping(rng, n, 20, kinds=3))
    return out * dsp.spread(swell(rng, n, rng.uniform(0.1, 0.25)), n)
