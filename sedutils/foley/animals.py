"""Dogs, cats and birds: source-filter voices with pitch contours of the species."""

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp


def _bouts(rng: Generator, duration_s: float, gap_s: float, pause_s: float, pause_odds: float):
    """Start times of calls: steady gaps within a bout, now and then a longer pause."""
    count = int(duration_s / gap_s) + 2
    gaps = gap_s * np.exp(rng.normal(0, 0.22, count))
    gaps += np.where(rng.random(count) < pause_odds, dsp.log_uniform(rng, 0.5, 1.6) * pause_s, 0)
    starts = rng.uniform(0.0, 0.12) + np.concatenate([[0.0], np.cumsum(gaps)])
    return starts[starts < max(duration_s - 0.12, 0.05)]


def dog_barking(rng: Generator, duration_s: float) -> np.ndarray:
    """Barks: a harsh voice of 80-300 ms whose pitch rises and falls, in bouts.

    Pitch and formants both follow body size (Riede & Fitch 1999: formant spacing c/2L over a tract
    of 8 to 24 cm); deep barks are noisier, with subharmonics (Yin 2002). Some dogs growl between.
    """
    n = dsp.length(duration_s)
    size = rng.uniform(0, 1)  # 0 toy dog .. 1 mastiff
    base = 950 * 0.22**size * np.exp(rng.normal(0, 0.2))
    bark_s = dsp.log_uniform(rng, 0.09, 0.24) * (0.85 + 0.4 * size)
    starts = _bouts(
        rng, duration_s, bark_s + dsp.log_uniform(rng, 0.12, 0.9), 1.0, rng.uniform(0, 0.4)
    )
    lengths = bark_s * np.exp(rng.normal(0, 0.15, starts.size))
    heights = np.exp(rng.normal(0, 0.25, starts.size))
    pitch = np.full(dsp.controls(n), 0.75 * base)
    level = (
        dsp.pulses(n, starts, lengths, heights, attack=rng.uniform(0.05, 0.2), release=0.6) ** 1.5
    )
    rise, tone = rng.uniform(0.2, 0.9), base * np.exp(rng.normal(0, 0.1, starts.size))
    for start, duration, f in zip(starts, lengths, tone, strict=True):
        part, at = dsp.stretch(n, start, duration)
        pitch[part] = f * (0.75 + rise * np.sin(np.pi * at**0.7) - 0.15 * at)
    harsh = rng.uniform(0.4, 1.4) * (0.7 + 0.6 * size)
    rough = np.clip(rng.uniform(0, 0.8) * size + 0.25 * dsp.wander(rng, n, 6), 0, 1)
    source = dsp.voice(
        rng,
        n,
        pitch,
        tilt=rng.uniform(0.4, 1.0),
        breath=harsh,
        jitter=rng.uniform(0.01, 0.05),
        rough=rough,
    )
    spacing = 35400 / (2 * (8 + 16 * size))
    formants = spacing * np.array([0.62, 1.35, 2.4, 3.5]) * np.exp(rng.normal(0, 0.08, 4))
    out = dsp.tract(
        source * dsp.spread(level, n),
        formants,
        formants * rng.uniform(0.1, 0.25),
        above=dsp.log_uniform(rng, 0.08, 0.4),
    )
    top = rng.uniform(-24, -8)  # the mouth's highs are soon lost outdoors
    out = dsp.shaped(out, [60, 0.7 * base, 1200, 4000, 18000], [-30, 0, 6, 0.3 * top, top])
    if rng.random() < 0.25:
        out = dsp.unit(out) + rng.uniform(0.03, 0.15) * _growl(
            rng, n, size, 1 - np.minimum(level, 1)
        )
    return out


def _growl(rng: Generator, n: int, size: float, level: np.ndarray) -> np.ndarray:
    """A growl: slow pulses (30-90 Hz) through the same kind of tract, coming and going."""
    pitch = (90 - 45 * size) * (1 + 0.1 * dsp.wander(rng, n, 3))
    source = dsp.voice(rng, n, pitch, tilt=0.7, breath=0.6, jitter=0.06)
    out = dsp.tract(source, [450 - 150 * size, 1300, 2300], [120, 250, 400])
    return dsp.unit(out * dsp.spread(level * np.clip(dsp.wander(rng, n, 0.7), 0, None), n))


def cat_meowing(rng: Generator, duration_s: float) -> np.ndarray:
    """Meows: a tonal voice of 300-900 Hz that rises and falls while the mouth opens and closes.

    The opening mouth moves the first formant up and back (Nicastro 2004), which is the vowel glide
    "m-ia-o"; kittens are higher. Close to a baby's cry in pitch and duration, on purpose.
    """
    n = dsp.length(duration_s)
    young = rng.random()
    base = 380 * 2.0**young * np.exp(rng.normal(0, 0.15))
    call_s = min(dsp.log_uniform(rng, 0.45, 1.5), 0.95 * duration_s)
    starts = _bouts(rng, duration_s, call_s + dsp.log_uniform(rng, 0.15, 1.0), 0.8, 0.3)
    lengths = call_s * np.exp(rng.normal(0, 0.15, starts.size))
    pitch, mouth = np.full(dsp.controls(n), base), np.zeros(dsp.controls(n))
    rise, fall, lean = rng.uniform(0.05, 0.45), rng.uniform(0.05, 0.35), rng.uniform(0.5, 1.3)
    for start, duration in zip(starts, lengths, strict=True):
        part, at = dsp.stretch(n, start, duration)
        shape = 1 + rise * np.sin(np.pi * at**lean) - fall * at**2
        pitch[part] = base * np.exp(rng.normal(0, 0.05)) * shape
        mouth[part] = np.sin(np.pi * at ** rng.uniform(0.5, 1.1)) ** 1.2
    pitch *= 1 + 0.02 * dsp.wander(rng, n, 3)
    pitch *= 1 + rng.uniform(0, 0.02) * np.sin(2 * np.pi * rng.uniform(4, 8) * dsp.control_times(n))
    rough = np.clip(rng.uniform(-0.3, 0.5) + 0.3 * dsp.wander(rng, n, 3), 0, 1)
    level = dsp.pulses(
        n, starts, lengths, np.exp(rng.normal(0, 0.2, starts.size)), attack=0.2, release=0.4
    )
    source = dsp.voice(
        rng,
        n,
        pitch,
        tilt=rng.uniform(0.8, 1.5),
        breath=rng.uniform(0.03, 0.3),
        jitter=0.008,
        rough=rough,
    )
    source *= dsp.spread(level * (0.35 + 0.65 * mouth), n)
    scale = rng.uniform(0.85, 1.2) * (1 + 0.15 * young)
    wide, shut = (
        np.array([1250, 2300, 4300, 6400]) * scale,
        np.array([650, 1500, 3600, 5600]) * scale,
    )
    above = dsp.log_uniform(rng, 0.05, 0.25)
    open_part = dsp.tract(source, wide, [180, 260, 380, 500], above)
    shut_part = dsp.tract(source, shut, [140, 260, 420, 600])
    mix = dsp.spread(mouth, n)
    out = mix * open_part + (1 - mix) * 0.5 * shut_part
    return dsp.shaped(
        out, [100, 600, 3000, 20000], [-24, 0, rng.uniform(2, 10), rng.uniform(-10, 4)]
    )


def _song(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """One bird: phrases of whistled syllables drawn from its own small repertoire."""
    kinds = int(rng.integers(2, 6))
    centre = dsp.log_uniform(rng, 2200, 6000)
    start_hz = centre * np.exp(rng.normal(0, 0.18, kinds))
    sweep = rng.normal(0, 0.35, kinds)
    bend = rng.normal(0, 0.25, kinds)
    warble_hz, warble = rng.uniform(18, 90, kinds), rng.exponential(0.03, kinds)
    syllable_s = dsp.log_uniform(rng, 0.03, 0.3, kinds)
    gap_s, pause_s = dsp.log_uniform(rng, 0.015, 0.12), dsp.log_uniform(rng, 0.3, 2.0)
    pitch, level = np.full(dsp.controls(n), centre), np.zeros(dsp.controls(n))
    now, burst = rng.uniform(0, 0.25), 0
    while now < duration_s:
        kind, burst = (
            int(rng.integers(kinds)),
            int(rng.integers(1, 8)),
        )  # a run repeats one syllable
        for _ in range(burst):
            length_s = syllable_s[kind] * np.exp(rng.normal(0, 0.06))
            first, last = (np.array([now, now + length_s]) * dsp.CONTROL_RATE).astype(int)
            at = np.linspace(0, 1, max(last - first, 3))
            shape = sweep[kind] * (at - 0.5) + bend[kind] * np.sin(np.pi * at)
            shape = shape + warble[kind] * np.sin(2 * np.pi * warble_hz[kind] * at * length_s)
            room = pitch[first:last].size
            pitch[first:last] = (start_hz[kind] * np.exp(shape))[:room]
            level[first:last] = (np.sin(np.pi * at**0.8) ** rng.uniform(0.5, 1.2))[:room]
            now += length_s + gap_s * np.exp(rng.normal(0, 0.15))
        now += pause_s * np.exp(rng.normal(0, 0.5)) if rng.random() < 0.55 else gap_s
    cycles = dsp.phase(np.clip(pitch, 900, 11000), n)
    overtone = 10 ** (-rng.uniform(14, 40) / 20)
    tone = dsp.look_up(dsp.harmonic_table([1.0, overtone, 0.5 * overtone**2]), cycles)
    return tone * dsp.spread(level, n)


def bird_singing(rng: Generator, duration_s: float) -> np.ndarray:
    """Song: frequency-modulated near-pure whistles of 1.5-9 kHz in repeated syllables and phrases.

    A syrinx is nearly sinusoidal with weak overtones (Catchpole & Slater); one to three birds sing
    at different distances over a soft outdoor air noise.
    """
    n = dsp.length(duration_s)
    out = _song(rng, n, duration_s)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.55, 0.3, 0.15]))):
        out = out + 10 ** (-rng.uniform(6, 24) / 20) * _song(rng, n, duration_s)
    drift = np.exp(rng.uniform(0, 0.3) * dsp.wander(rng, n, 1.0))
    air = dsp.coloured(rng, n, [20, 150, 2000, 12000], [0, 0, rng.uniform(-30, -10), -40])
    return dsp.unit(out * dsp.spread(drift, n)) + 10 ** (-rng.uniform(22, 45) / 20) * air
