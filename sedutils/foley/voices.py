"""The cry of a baby, and the shouting voices that a crowd is made of."""

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp


def _cry_plan(rng: Generator, duration_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Starts and lengths of the expirations: one breath after the other, first at once."""
    cry_s = dsp.log_uniform(rng, 0.4, 1.7)
    count = int(duration_s / 0.5) + 2
    lengths = cry_s * np.exp(rng.normal(0, 0.4, count))
    gaps = rng.uniform(0.12, 0.6) * np.exp(rng.normal(0, 0.45, count))
    gaps += np.where(rng.random(count) < 0.12, rng.uniform(0.3, 1.2), 0)
    starts = rng.uniform(0, 0.1) + np.concatenate([[0.0], np.cumsum(lengths + gaps)[:-1]])
    keep = starts < max(duration_s - 0.15, 0.05)
    return starts[keep], lengths[keep]


def _melody(rng: Generator, n: int, base: float, starts: np.ndarray, lengths: np.ndarray):
    """Pitch, roughness and openness of the mouth (controls): every cry has an arch of its own."""
    pitch, rough = np.full(dsp.controls(n), 0.8 * base), np.zeros(dsp.controls(n))
    arch, distress = rng.uniform(0.05, 0.35), rng.random()
    for start, duration in zip(starts, lengths, strict=True):
        part, at = dsp.stretch(n, start, duration)
        jump = rng.uniform(1.5, 2.2) if rng.random() < 0.12 * distress else 1.0
        rise = arch * rng.uniform(0.3, 1.6) * np.sin(np.pi * at ** rng.uniform(0.4, 1.3))
        shape = jump * np.exp(rng.normal(0, 0.07)) * (0.85 + rise - rng.uniform(-0.05, 0.3) * at**2)
        pitch[part] = base * shape
        rough[part] = distress * rng.random() * (rng.random() < 0.6)
    tremor = rng.uniform(0.003, 0.03) * np.sin(2 * np.pi * rng.uniform(4, 9) * dsp.control_times(n))
    pitch *= (1 + tremor) * (1 + rng.uniform(0.005, 0.04) * dsp.wander(rng, n, 3.5))
    rough = np.clip(rough * (1 + 0.6 * dsp.wander(rng, n, 8)), 0, 1)
    return pitch, rough, distress


def baby_crying(rng: Generator, duration_s: float) -> np.ndarray:
    """Cries: loud expirations of 350-600 Hz with a falling melody, gasps between.

    A short tract (about 8 cm) puts formants near 1.1, 3.3 and 5.5 kHz (Golub & Corwin 1985); hard
    crying breaks into subharmonics and noise, or jumps up in pitch (hyperphonation).
    """
    n = dsp.length(duration_s)
    starts, lengths = _cry_plan(rng, duration_s)
    count = starts.size
    pitch, rough, distress = _melody(rng, n, dsp.log_uniform(rng, 330, 560), starts, lengths)
    heights = np.exp(rng.normal(0, 0.35, count))
    level = dsp.pulses(n, starts, lengths, heights, attack=rng.uniform(0.05, 0.3), release=0.35)
    source = dsp.voice(
        rng,
        n,
        pitch,
        tilt=rng.uniform(0.6, 1.2),
        breath=rng.uniform(0.03, 0.2) + 0.3 * distress,
        jitter=rng.uniform(0.004, 0.02),
        rough=rough,
    )
    source *= dsp.spread(level * np.exp(rng.uniform(0.1, 0.35) * dsp.wander(rng, n, 6)), n)
    gasps = rng.uniform(0.08, 0.25, count)
    gasp = dsp.pulses(n, starts + lengths + 0.03, gasps, rng.random(count), attack=0.5, release=0.4)
    source += rng.uniform(0.02, 0.4) * dsp.noise(rng, n) * dsp.spread(gasp, n)
    formants = np.array([1150, 3200, 5300, 7600]) * np.exp(rng.normal(0, 0.09, 4))
    widths = formants * np.array([0.16, 0.09, 0.09, 0.09]) * rng.uniform(0.8, 1.8)
    above = dsp.log_uniform(rng, 0.1, 0.5)
    wide = dsp.tract(source, formants, widths, above)
    shut = formants * np.array([0.55, rng.uniform(0.5, 0.8), 0.85, 0.95])  # lips and tongue move
    narrow = dsp.tract(source, shut, widths, 0.3 * above)
    mouth = np.clip(0.55 * level / np.max(level) + 0.35 + 0.3 * dsp.wander(rng, n, 2.5), 0, 1)
    mouth = dsp.spread(mouth, n)
    out = mouth * wide + (1 - mouth) * rng.uniform(0.3, 0.9) * narrow
    return dsp.shaped(
        out, [100, 350, 3000, 20000], [-30, 0, rng.uniform(-2, 8), rng.uniform(-12, 4)]
    )


VOWELS = (
    (750, 1250, 2600, 3500),
    (550, 950, 2500, 3400),
    (450, 1900, 2700, 3600),
    (380, 850, 2400, 3300),
)


def shout(
    rng: Generator, n: int, duration_s: float, low_hz: float, high_hz: float
) -> tuple[np.ndarray, np.ndarray]:
    """Source of one voice of a crowd, cry after cry ("yeah", "woo"), and how open the mouth is.

    Effort raises the pitch, flattens the source's tilt to 2-4 dB an octave, and makes strong and
    weak periods alternate (Rostolland 1982; Arnal 2015); each cry glides, and opens on a vowel.
    """
    base = dsp.log_uniform(rng, low_hz, high_hz)
    cry_s = dsp.log_uniform(rng, 0.25, 0.8)
    count = int(duration_s / cry_s) + 2
    lengths = cry_s * np.exp(rng.normal(0, 0.3, count))
    gaps = dsp.log_uniform(rng, 0.05, 0.8) * np.exp(rng.normal(0, 0.5, count))
    starts = rng.uniform(-cry_s, 0.3) + np.concatenate([[0.0], np.cumsum(lengths + gaps)[:-1]])
    keep = (starts > 0) & (starts < duration_s)
    starts, lengths = starts[keep], lengths[keep]
    heights = np.exp(rng.normal(0, 0.3, starts.size))
    level = dsp.pulses(n, starts, lengths, heights, attack=0.15, release=0.35)
    pitch, mouth = np.full(dsp.controls(n), base), np.zeros(dsp.controls(n))
    for start, cry in zip(starts, lengths, strict=True):
        part, at = dsp.stretch(n, start, cry)
        rise = rng.uniform(0.1, 0.6) * np.sin(np.pi * at ** rng.uniform(0.5, 1.3))
        pitch[part] = base * np.exp(rng.normal(0, 0.15)) * (0.8 + rise - rng.uniform(0, 0.3) * at)
        mouth[part] = np.sin(np.pi * at ** rng.uniform(0.4, 1.5))
    pitch *= 1 + 0.02 * (0.7 * dsp.wander(rng, n, 90) + 0.5 * dsp.wander(rng, n, 11))
    pair = np.tile(dsp.glottal_table(float(np.max(pitch)), rng.uniform(0.3, 0.7)), 2)
    pair *= 1 + rng.uniform(0, 0.8) * np.cos(np.linspace(0, 2 * np.pi, pair.size, endpoint=False))
    source = dsp.look_up(pair.astype(np.float32), 0.5 * dsp.phase(pitch, n))
    return source * dsp.spread(level, n), dsp.spread(mouth, n)


def shouts(
    rng: Generator, n: int, duration_s: float, count: int, low_hz: float, high_hz: float
) -> np.ndarray:
    """``count`` shouting voices, some nearer than others, from an "o" or "e" to an "a"; unit RMS."""
    wide, shut = np.zeros(n, dtype=np.float32), np.zeros(n, dtype=np.float32)
    for distance in dsp.log_uniform(rng, 1.0, 3.3, count):
        source, mouth = shout(rng, n, duration_s, low_hz, high_hz)
        source /= distance
        wide += source * mouth
        shut += source * (1 - mouth)
    breath = 1 + rng.uniform(0.1, 0.5) * dsp.noise(rng, n)  # flows in time with the voices
    wide, shut = wide * breath, shut * breath
    scale, above = rng.uniform(1.0, 1.25), rng.uniform(0.1, 0.3)
    vowel = np.array(VOWELS[rng.integers(1, len(VOWELS))])
    out = dsp.tract(wide, scale * np.array([850, 1350, 2700, 3700]), [150, 180, 250, 300], above)
    out += 0.5 * dsp.tract(shut, scale * vowel, [110, 140, 220, 300], above)
    top = rng.uniform(0, 6)
    return dsp.unit(
        dsp.shaped(out, [60, 300, 1000, 3000, 6000, 16000], [-30, -6, 0, top, top - 4, top - 16])
    )
