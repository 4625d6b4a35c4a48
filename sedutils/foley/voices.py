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


def shout(rng: Generator, n: int, duration_s: float, highest_hz: float) -> np.ndarray:
    """One voice of a crowd: held cries ("yeah", "woo") with gliding pitch, no vowel yet."""
    base = dsp.log_uniform(rng, 150, highest_hz)
    call_s = dsp.log_uniform(rng, 0.4, 1.8)
    count = int(duration_s / call_s) + 1
    gaps = dsp.log_uniform(rng, 0.1, 1.5) * np.exp(rng.normal(0, 0.5, count))
    lengths = call_s * np.exp(rng.normal(0, 0.3, count))
    starts = rng.uniform(-call_s, 0.5) + np.concatenate([[0.0], np.cumsum(lengths + gaps)[:-1]])
    starts, lengths = starts[starts > 0], lengths[starts > 0]
    level = dsp.pulses(n, starts, lengths, attack=0.15, release=0.4)
    pitch = base * np.exp(0.12 * dsp.wander(rng, n, 1.5) + 0.1 * level)
    pitch *= 1 + 0.015 * dsp.wander(rng, n, 60.0)
    table = dsp.glottal_table(float(np.max(pitch)), 0.9)
    return dsp.look_up(table, dsp.phase(pitch, n)) * dsp.spread(level, n)
