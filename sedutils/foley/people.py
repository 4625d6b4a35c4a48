"""Voices without words: children and grown-ups calling, coughs, laughter."""

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp, solids
from sedutils.foley.voices import VOWELS


def _calls(
    rng: Generator,
    n: int,
    duration_s: float,
    low_hz: float,
    high_hz: float,
    busy: float,
    wait_s: float,
) -> np.ndarray:
    """One voice that calls: glides of pitch with a rise and a fall, no vowel yet."""
    call_s = dsp.log_uniform(rng, 0.2, 0.9)
    starts, lengths = solids.spells(rng, duration_s, call_s, call_s * (1 / busy - 1))
    starts = starts + rng.uniform(0.0, wait_s)
    heights = np.exp(rng.normal(0, 0.35, starts.size))
    level = dsp.pulses(n, starts, lengths, heights, attack=0.12, release=0.4)
    pitch = np.full(dsp.controls(n), float(low_hz))
    base, arch = dsp.log_uniform(rng, low_hz, high_hz), rng.uniform(0.05, 0.5)
    for start, duration in zip(starts, lengths, strict=True):
        part, at = dsp.stretch(n, start, duration)
        rise = arch * np.sin(np.pi * at ** rng.uniform(0.5, 1.5))
        pitch[part] = base * np.exp(rng.normal(0, 0.15)) * (0.9 + rise - rng.uniform(0, 0.3) * at)
    pitch *= 1 + rng.uniform(0.005, 0.02) * dsp.wander(rng, n, 40.0)
    table = dsp.glottal_table(float(np.max(pitch)), rng.uniform(0.4, 0.9))
    return dsp.look_up(table, dsp.phase(pitch, n)) * dsp.spread(level, n)


def _voiced(rng: Generator, voices: list[np.ndarray], scale: float) -> np.ndarray:
    """Voices through two mouths that open and close between a wide vowel and another one."""
    n = voices[0].size
    mixed = sum(voices).astype(np.float32)
    level = np.abs(mixed)
    mixed += rng.uniform(0.02, 0.2) * dsp.noise(rng, n) * level
    one, two = rng.permutation(len(VOWELS))[:2]
    widths = np.array([120, 150, 250, 350]) * rng.uniform(0.9, 1.8)
    above = dsp.log_uniform(rng, 0.1, 0.4)
    wide = dsp.tract(mixed, np.array(VOWELS[one]) * scale, widths, above)
    shut = dsp.tract(mixed, np.array(VOWELS[two][:2]) * scale, widths[:2], 0.3 * above)
    mouth = dsp.spread(np.clip(0.5 + 0.6 * dsp.wander(rng, n, rng.uniform(2, 5)), 0, 1), n)
    return mouth * wide + (1 - mouth) * shut


def children_shouting(rng: Generator, duration_s: float) -> np.ndarray:
    """Children shouting: one to four high voices (280-700 Hz) calling and squealing at play.

    Short tracts put formants a third above a grown-up's (Peterson & Barney 1952); calls overlap,
    from near and from across a yard. No words.
    """
    n = dsp.length(duration_s)
    young = rng.uniform(1.2, 1.55)
    voices = [_calls(rng, n, duration_s, 280, 480 + 150 * young, rng.uniform(0.35, 0.8), 0.05)]
    for _ in range(int(rng.integers(0, 3))):
        busy = rng.uniform(0.2, 0.6)
        other = _calls(rng, n, duration_s, 300, 480 + 150 * young, busy, 0.5 * duration_s)
        voices.append(dsp.log_uniform(rng, 0.1, 0.8) * other)
    out = _voiced(rng, voices, young)
    points = [100, 300, 3000, 18000], [-30, 0, rng.uniform(6, 16), rng.uniform(-10, 4)]
    return dsp.shaped(out, *points)


def yelling(rng: Generator, duration_s: float) -> np.ndarray:
    """Yelling: a grown-up or two call out across a hall or a field, at 150-420 Hz.

    Raised effort flattens the source's tilt and lifts pitch (Rostolland 1982). No words.
    """
    n = dsp.length(duration_s)
    high = rng.uniform(220, 420)
    voices = [_calls(rng, n, duration_s, 150, high, rng.uniform(0.4, 0.8), 0.05)]
    if rng.random() < 0.4:
        other = _calls(rng, n, duration_s, 160, 420, rng.uniform(0.2, 0.5), 0.5 * duration_s)
        voices.append(rng.uniform(0.1, 0.7) * other)
    out = _voiced(rng, voices, rng.uniform(0.95, 1.2))
    points = [80, 250, 2500, 18000], [-30, 0, rng.uniform(4, 14), rng.uniform(-12, 0)]
    return dsp.shaped(out, *points)


def coughing(rng: Generator, duration_s: float) -> np.ndarray:
    """Coughs: an explosion of air, a noisy flow, and a voiced tail, 0.3-0.5 s each, in fits.

    Three phases as in Korpas (1996); the wide open tract colours all of them; the next cough of a
    fit follows after a third of a second.
    """
    n = dsp.length(duration_s)
    cough_s = dsp.log_uniform(rng, 0.22, 0.5)
    gaps = np.where(rng.random(40) < 0.35, rng.uniform(0.5, 1.8), rng.uniform(0.02, 0.15))
    starts = rng.uniform(0, 0.06) + np.concatenate([[0], np.cumsum(cough_s + gaps)[:-1]])
    starts = starts[starts < max(duration_s - 0.15, 0.07)]
    heights = np.exp(rng.normal(0, 0.3, starts.size))
    lengths = np.full(starts.size, cough_s)
    burst = dsp.pulses(n, starts, 0.25 * lengths, heights, attack=0.06, release=0.8) ** 1.5
    flow = dsp.pulses(n, starts, 0.8 * lengths, heights, attack=0.1, release=0.8)
    tail = dsp.pulses(n, starts + 0.45 * lengths, 0.55 * lengths, heights, attack=0.3, release=0.6)
    pitch = dsp.log_uniform(rng, 110, 320) * (1 + 0.08 * dsp.wander(rng, n, 4))
    voice = dsp.voice(rng, n, pitch, tilt=1.0, breath=0.4, jitter=0.04, rough=rng.uniform(0, 0.8))
    source = dsp.noise(rng, n) * dsp.spread(2.5 * burst + rng.uniform(0.3, 1) * flow, n)
    source += rng.uniform(0.1, 1.0) * voice * dsp.spread(tail, n)
    formants = np.array([620, 1350, 2500, 3700]) * rng.uniform(0.85, 1.35)
    above = dsp.log_uniform(rng, 0.1, 0.5)
    out = dsp.tract(source, formants, formants * rng.uniform(0.2, 0.45), above)
    return dsp.shaped(out, [60, 250, 3000, 18000], [-30, 0, rng.uniform(0, 8), rng.uniform(-14, 0)])


def laughter(rng: Generator, duration_s: float) -> np.ndarray:
    """Laughter: a row of breathy "ha" at 4-6.5 a second whose pitch and force fall, then a breath.

    About four notes a bout, each with an own fall, pitch up to twice that of speech (Bachorowski
    2001); sometimes a second person joins.
    """
    n = dsp.length(duration_s)
    out = np.zeros(n, dtype=np.float32)
    for person in range(1 + int(rng.random() < 0.35)):
        rate, base = rng.uniform(4, 6.5), dsp.log_uniform(rng, 170, 480)
        spell_s = min(dsp.log_uniform(rng, 0.6, 2.2), 0.9 * duration_s)
        starts, lengths = solids.spells(rng, duration_s, spell_s, rng.uniform(0.25, 0.8))
        pitch, notes, heights = np.full(dsp.controls(n), base), [], []
        for start, duration in zip(starts, lengths, strict=True):
            part, at = dsp.stretch(n, start, duration)
            pitch[part] = base * np.exp(rng.normal(0, 0.1)) * (1.15 - 0.4 * at)
            row = start + np.arange(max(int(duration * rate), 1)) / rate
            notes.append(row)
            heights.append(np.linspace(1.0, rng.uniform(0.2, 0.7), row.size))
        at, height = np.concatenate(notes), np.concatenate(heights)
        at = at + rng.normal(0, 0.01, at.size)
        note_s = np.full(at.size, rng.uniform(0.45, 0.75) / rate)
        level = dsp.pulses(n, at, note_s, height, attack=0.25, release=0.5)
        breath = dsp.pulses(n, at + note_s - 0.02, 0.8 * note_s, height, attack=0.3, release=0.5)
        rough = rng.uniform(0, 0.5)
        voice = dsp.voice(rng, n, pitch, tilt=1.0, breath=0.3, jitter=0.02, rough=rough)
        source = voice * dsp.spread(level, n)
        source += rng.uniform(0.05, 0.5) * dsp.noise(rng, n) * dsp.spread(breath, n)
        formants = np.array(VOWELS[rng.integers(2)]) * rng.uniform(0.95, 1.3)
        mouth = dsp.tract(source, formants, [150, 190, 300, 400], dsp.log_uniform(rng, 0.05, 0.3))
        out += dsp.unit(mouth) * (1.0 if not person else rng.uniform(0.15, 0.8))
    return dsp.shaped(
        out, [80, 250, 2500, 18000], [-30, 0, rng.uniform(2, 11), rng.uniform(-14, 0)]
    )
