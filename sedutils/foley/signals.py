"""Tones made by machines and instruments: telephone, till, music."""

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp, solids


def cash_register_beep(rng: Generator, duration_s: float) -> np.ndarray:
    """Till: a short pure beep of 1.5-4 kHz for every article passed over the scanner.

    60-180 ms each, one every half second to three seconds, at times two tills in different tune.
    """
    n = dsp.length(duration_s)
    out = np.zeros(n, dtype=np.float32)
    for till in range(1 + int(rng.random() < 0.3)):
        beep_s, gap_s = dsp.log_uniform(rng, 0.06, 0.2), dsp.log_uniform(rng, 0.4, 2.0)
        starts, _ = solids.spells(rng, duration_s, beep_s, gap_s)
        level = dsp.pulses(n, starts, np.full(starts.size, beep_s), attack=0.05, release=0.08)
        hz = np.full(dsp.controls(n), dsp.log_uniform(rng, 1400, 3900))
        tone = solids.squeak(rng, n, hz, level, tilt=rng.uniform(1.5, 4), jitter=0.0, rough=0.0)
        out += tone * (1.0 if not till else rng.uniform(0.05, 0.6))
    times, force = solids.hits(rng, starts, np.full(starts.size, gap_s), rng.uniform(0.3, 2.0))
    goods = solids.knocks(
        rng, n, times + 0.2, force, lowest_hz=(120, 700), ring_s=(0.02, 0.1), blow_s=0.01
    )
    return out + rng.uniform(0.0, 0.3) * goods


def telephone(rng: Generator, duration_s: float) -> np.ndarray:
    """Telephone: bell, electronic warble or a little tune, one to two seconds on, two to four off.

    Warblers alternate two tones of 0.6-2.5 kHz 10-25 times a second; bells are two gongs struck at
    20-50 Hz; small loudspeakers cut the lows.
    """
    n = dsp.length(duration_s)
    t = dsp.control_times(n)
    starts, lengths = solids.spells(rng, duration_s, rng.uniform(0.6, 2.0), rng.uniform(0.8, 4.0))
    level = dsp.pulses(n, starts, lengths, attack=0.01, release=0.03)
    base, kind = dsp.log_uniform(rng, 600, 1700), rng.choice(3, p=[0.5, 0.25, 0.25])
    if kind == 0:
        ratio, rate = rng.uniform(1.15, 1.6), rng.uniform(10, 25)
        hz = base * np.where((rate * t) % 1 < 0.5, 1.0, ratio)
        out = solids.squeak(rng, n, hz, level, tilt=rng.uniform(0.8, 2.0), jitter=0.0, rough=0.0)
    elif kind == 1:
        times = np.arange(0, duration_s, 1 / rng.uniform(20, 50))
        ringing = level[np.minimum((times * dsp.CONTROL_RATE).astype(int), level.size - 1)]
        force = ringing * np.exp(rng.normal(0, 0.1, times.size))
        gongs = {"lowest_hz": (900, 2600), "ring_s": (0.2, 0.9), "blow_s": 0.001}
        out = solids.knocks(rng, n, times, force, **gongs)
    else:
        note_s = rng.uniform(0.08, 0.25)
        tune = 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 12], size=int(rng.integers(3, 9))) / 12)
        hz = base * tune[(t / note_s).astype(int) % tune.size]
        pluck = level * np.exp(-rng.uniform(1, 4) * ((t / note_s) % 1))
        out = solids.squeak(rng, n, hz, pluck, tilt=rng.uniform(1, 2.5), jitter=0.0, rough=0.0)
    centre = dsp.log_uniform(rng, 1200, 3000)
    points = [150, 0.4 * centre, centre, 3 * centre, 18000], [-40, -8, 0, -6, -30]
    return dsp.shaped(out, *points)


def _chords(rng: Generator, duration_s: float) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Onsets and pitches (Hz) of chord tones and a melody over a bass, and the beat's length."""
    beat_s, root = 60 / rng.uniform(70, 150), dsp.log_uniform(rng, 100, 220)
    scale = np.array([0, 2, 4, 5, 7, 9, 11] if rng.random() < 0.6 else [0, 2, 3, 5, 7, 8, 10])
    steps = rng.choice([0, 3, 4, 5], size=4)
    onsets, semitones = [], []
    for beat in range(int(duration_s / beat_s) + 1):
        chord = steps[beat // 4 % 4]
        tones = [-12 + scale[chord % 7]] if beat % 2 == 0 else []
        tones += [scale[(chord + third) % 7] for third in (0, 2, 4)] if rng.random() < 0.7 else []
        onsets += [beat * beat_s] * len(tones)
        semitones += tones
        for half in (0.0, 0.5):
            if rng.random() < 0.5:
                onsets.append((beat + half) * beat_s)
                semitones.append(12 + rng.choice(scale))
    if not onsets:
        onsets, semitones = [0.0], [0]
    return np.array(onsets), root * 2 ** (np.array(semitones) / 12), beat_s, root


def music(rng: Generator, duration_s: float) -> np.ndarray:
    """Music: chords, bass and a tune plucked or blown, a beat, from a loudspeaker; no words.

    Random notes of one scale at 70-150 beats a minute; each note has the same decay, harmonics
    fall as k**-tilt; hats and a drum mark the beat.
    """
    n = dsp.length(duration_s)
    onsets, pitches, beat_s, _ = _chords(rng, duration_s)
    tilt, held = rng.uniform(1.0, 2.2), dsp.log_uniform(rng, 0.25, 1.6)
    t = np.arange(dsp.length(min(held, 1.2))) / dsp.SAMPLE_RATE
    attack = dsp.log_uniform(rng, 0.003, 0.06)
    shape = np.minimum(t / attack, 1) * np.exp(-rng.uniform(1, 4) * t / held) * (1 - t / t[-1])
    table = dsp.harmonic_table(np.arange(1, 25) ** -tilt * np.exp(rng.normal(0, 0.4, 24)))
    out = np.zeros(n + t.size, dtype=np.float32)
    for onset, hz in zip(onsets, pitches, strict=True):
        at = dsp.length(onset)
        if at < n:
            note = dsp.look_up(table, hz * t) * shape
            out[at : at + t.size] += rng.uniform(0.4, 1.0) * note
    beats = np.arange(0, duration_s, beat_s)
    drum = solids.knocks(
        rng, n, beats, 1.0, lowest_hz=(50, 110), ring_s=(0.1, 0.3), blow_s=0.01, objects=1, modes=2
    )
    hats = np.arange(0.5 * beat_s, duration_s + beat_s, 0.5 * beat_s)
    hat = dsp.struck(dsp.impulses(n, hats, 1.0), dsp.burst(rng, 0.0005, rng.uniform(0.02, 0.12)))
    out = dsp.unit(out[:n]) + rng.uniform(0, 3.0) * drum + rng.uniform(0, 0.6) * dsp.peak(hat)
    low, high = dsp.log_uniform(rng, 60, 300), dsp.log_uniform(rng, 3500, 12000)
    return dsp.shaped(out, [0.3 * low, low, high, 1.8 * high], [-24, 0, 0, -30])
