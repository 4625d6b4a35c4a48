"""Sports hall and stadium: the ball, the shoes, the referee, the clock."""

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp, solids


def _dribble(rng: Generator, duration_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Times and strengths of bounces: dribbling at 1.3-3 a second, or a ball left to itself."""
    if rng.random() < 0.25:
        return solids.bounces(
            rng, rng.uniform(0.01, 0.1), rng.uniform(0.5, 0.9), rng.uniform(0.72, 0.85), 12
        )
    count = int(3 * duration_s) + 2
    gaps = np.exp(rng.normal(0, rng.uniform(0.04, 0.2), count)) / rng.uniform(1.3, 3.0)
    gaps += np.where(rng.random(count) < 0.08, rng.uniform(0.4, 1.5), 0)
    return rng.uniform(0.01, 0.1) + np.cumsum(gaps) - gaps[0], np.exp(rng.normal(0, 0.25, count))


def ball_hitting_floor(rng: Generator, duration_s: float) -> np.ndarray:
    """Ball: a basketball's dull boing on a sprung floor, dribbled or bouncing out, with hall echo.

    Contact of 10-20 ms drives the floor (60-150 Hz); the air inside rings at 0.5-1.5 kHz, a short
    "ping" (Katz 2010); a hand slaps between bounces.
    """
    n = dsp.length(duration_s)
    times, level = _dribble(rng, duration_s)
    low_hz = dsp.log_uniform(rng, 55, 150)
    sprung = {"lowest_hz": (low_hz, 1.2 * low_hz), "ring_s": (0.06, 0.2), "modes": 4, "dry": 0.1}
    contact_s = dsp.log_uniform(rng, 0.008, 0.02)
    floor = solids.knocks(rng, n, times, level, blow_s=contact_s, objects=1, **sprung)
    inside = {"lowest_hz": (450, 1100), "ring_s": (0.05, 0.2), "modes": 3, "dry": 0.2}
    ping = solids.knocks(rng, n, times, level, blow_s=0.004, objects=1, **inside)
    hand = solids.knocks(
        rng,
        n,
        times + rng.uniform(0.15, 0.35),
        level,
        lowest_hz=(200, 900),
        ring_s=(0.01, 0.05),
        blow_s=0.01,
    )
    return floor + rng.uniform(0.1, 0.7) * ping + rng.uniform(0.0, 0.25) * hand


def shoe_squeaks(rng: Generator, duration_s: float) -> np.ndarray:
    """Shoe squeaks: rubber soles on a polished floor, chirps of 40-350 ms at 1-5 kHz, in flurries.

    The sole slips and sticks at the pitch of its tread blocks; the chirp bends up or down as the
    foot turns.
    """
    n = dsp.length(duration_s)
    starts, _ = solids.spells(rng, duration_s, 0.15, dsp.log_uniform(rng, 0.1, 1.2))
    lengths = dsp.log_uniform(rng, 0.04, 0.35, starts.size)
    heights = np.exp(rng.normal(0, 0.5, starts.size))
    level = dsp.pulses(n, starts, lengths, heights, attack=0.15, release=0.35)
    base, bend = dsp.log_uniform(rng, 1000, 3600), rng.uniform(0.05, 0.6)
    pitch = np.full(dsp.controls(n), base)
    for start, duration in zip(starts, lengths, strict=True):
        part, at = dsp.stretch(n, start, duration)
        pitch[part] = base * np.exp(rng.normal(0, 0.2) + bend * rng.normal() * (at - 0.5))
    tilt, rough = rng.uniform(0.7, 2.0), rng.uniform(0.1, 0.6)
    out = solids.squeak(rng, n, pitch, level, tilt=tilt, jitter=0.02, rough=rough)
    points = [300, 1500, 6000, 18000], [-30, 0, -2, -16]
    rubber = solids.rub(rng, n, level, *points, grain_hz=rng.uniform(30, 80))
    stamp = solids.knocks(
        rng, n, starts, heights, lowest_hz=(70, 260), ring_s=(0.04, 0.15), blow_s=0.015
    )
    return out + rng.uniform(0.05, 0.5) * rubber + rng.uniform(0.0, 1.5) * stamp


def whistle(rng: Generator, duration_s: float) -> np.ndarray:
    """Referee's whistle: two or three close tones at 2-4.5 kHz, with or without a rolling pea.

    Chambers of unlike length beat at 20-90 Hz; a pea breaks the tone 25-60 times a second; blasts
    of 0.1-1.2 s.
    """
    n = dsp.length(duration_s)
    blast_s = dsp.log_uniform(rng, 0.1, 1.2)
    starts, lengths = solids.spells(rng, duration_s, blast_s, dsp.log_uniform(rng, 0.1, 2.0))
    level = dsp.pulses(n, starts, lengths, attack=0.03 / blast_s, release=0.05 / blast_s)
    level = np.clip(level, 0, None)
    base = dsp.log_uniform(rng, 2000, 4300)
    blown = base * (1 + 0.03 * (level - 1) + 0.006 * dsp.wander(rng, n, 8))
    turn = np.sin(2 * np.pi * rng.uniform(25, 60) * dsp.control_times(n))
    pea = rng.uniform(0.2, 0.8) * (rng.random() < 0.6)
    blown = blown * (1 + 0.015 * pea * turn)
    out = np.zeros(n, dtype=np.float32)
    for detune in np.append(0, rng.uniform(20, 90, int(rng.integers(1, 3)))):
        out += solids.squeak(
            rng, n, blown + detune, level, tilt=rng.uniform(2.0, 3.5), jitter=0.001, rough=0.05
        )
    out *= dsp.spread(1 - pea * (0.5 + 0.5 * turn), n)
    points = [800, 0.8 * base, 2 * base, 19000], [-36, 0, 0, -12]
    air = solids.rub(rng, n, level, *points, grain_hz=40, depth=0.2)
    return out + rng.uniform(0.03, 0.3) * air


def buzzer(rng: Generator, duration_s: float) -> np.ndarray:
    """Buzzer: the end of a period: a blaring horn of 80-500 Hz, rich in harmonics, 1-3 s long.

    An electric horn or a loudspeaker driven square; hall loudspeakers limit it to 0.3-6 kHz.
    """
    n = dsp.length(duration_s)
    on_s = dsp.log_uniform(rng, 0.4, 3.0)
    starts, lengths = solids.spells(rng, duration_s, on_s, dsp.log_uniform(rng, 0.3, 2.0))
    level = dsp.pulses(n, starts, lengths, attack=0.02, release=0.05)
    base = dsp.log_uniform(rng, 80, 500)
    steady = base * (1 + 0.002 * dsp.wander(rng, n, 3))
    tilt = rng.uniform(0.1, 0.9)
    out = solids.squeak(rng, n, steady, level, tilt=tilt, jitter=0.001, rough=0.03)
    if rng.random() < 0.5:
        ratio = rng.choice([1.01, 1.25, 1.335, 1.5])
        out += solids.squeak(rng, n, steady * ratio, level, tilt=tilt, jitter=0.001, rough=0.03)
    centre = dsp.log_uniform(rng, 700, 2500)
    points = [60, 0.3 * centre, centre, 3 * centre, 18000], [-30, -8, 4, -8, -36]
    out = dsp.shaped(out, *points)
    hum = dsp.coloured(rng, n, [100, 800, 4000, 15000], [-20, 0, -6, -30])
    return dsp.unit(out) + rng.uniform(0.0, 0.1) * hum * dsp.spread(level, n)
