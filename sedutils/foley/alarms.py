"""Alarms and sirens: signals made to be heard, each kind with a fixed grammar."""

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp


def _horn(rng: Generator, n: int, hz: np.ndarray, hardness: float) -> np.ndarray:
    """A driven horn loudspeaker: many odd-strong harmonics, a peak where the horn resonates."""
    count = max(1, int(16000 / float(np.max(hz))))
    k = np.arange(1, count + 1)
    level = k ** -(2.6 - 1.8 * hardness) * np.where(k % 2, 1.0, rng.uniform(0.1, 1.0))
    tone = dsp.look_up(dsp.harmonic_table(level, rng.uniform(0, 6.28, count)), dsp.phase(hz, n))
    resonance = dsp.log_uniform(rng, 700, 2500)
    return dsp.shaped(tone, [100, resonance, 3 * resonance, 18000], [-18, 6, -4, -20])


def _siren(rng: Generator, n: int) -> np.ndarray:
    """Emergency vehicle or air raid: wail (slow), yelp (fast), hi-lo (two tones), motor siren."""
    t = dsp.control_times(n)
    style = rng.choice(["wail", "yelp", "hilo", "motor"], p=[0.35, 0.25, 0.25, 0.15])
    low = dsp.log_uniform(rng, 400, 800)
    high = low * rng.uniform(1.6, 2.6)
    rate = {
        "wail": rng.uniform(0.12, 0.5),
        "yelp": rng.uniform(2.2, 4.5),
        "hilo": rng.uniform(0.5, 1.3),
        "motor": rng.uniform(0.08, 0.2),
    }[style]
    turn = (rate * t + rng.uniform()) % 1.0
    rise = rng.uniform(0.3, 0.7)
    shape = np.minimum(turn / rise, (1 - turn) / (1 - rise))
    if style == "hilo":
        hz = np.where(turn < 0.5, low, low * rng.choice([1.25, 1.334, 1.5]))
    elif style == "motor":
        hz = low * (0.5 + 0.5 * (1 - np.exp(-3 * shape)) / (1 - np.exp(-3)))
    else:
        hz = low * (high / low) ** shape
    return _horn(rng, n, hz, rng.uniform(0.1, 0.8))


def _beeper(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """Clock, smoke or reversing alarm: groups of beeps of 0.6-4 kHz, or a steady buzzer."""
    hz = dsp.log_uniform(rng, 600, 4000)
    on_s = dsp.log_uniform(rng, 0.05, 0.6)
    gap_s, group = on_s * rng.uniform(0.4, 1.2), int(rng.choice([1, 2, 3, 4]))
    pause_s = gap_s if group == 1 else rng.uniform(0.3, 1.2)
    cycle_s = group * (on_s + gap_s) + pause_s
    starts = np.arange(0, duration_s, cycle_s)[:, None] + np.arange(group) * (on_s + gap_s)
    starts = starts.ravel() + rng.uniform(0, 0.1)
    gate = dsp.pulses(n, starts, np.full(starts.size, on_s), attack=0.02, release=0.04)
    second = 1 + rng.uniform(0, 0.2) * (np.arange(gate.size) * on_s % 1 > 0.5) * (
        rng.random() < 0.3
    )
    return _horn(rng, n, hz * second, rng.uniform(0.0, 0.9)) * dsp.spread(gate, n)


def _bell(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """Electric bell: a hammer at 9-22 Hz on a gong of inharmonic modes, rung in spells."""
    rate = rng.uniform(9, 22)
    times = np.arange(0, duration_s, 1 / rate) + rng.normal(
        0, 0.002, int(np.ceil(duration_s * rate))
    )
    on_s, off_s = (duration_s, 0.0) if rng.random() < 0.6 else rng.uniform(0.5, 2.0, 2)
    level = (times % (on_s + off_s) < on_s) * np.exp(rng.normal(0, 0.12, times.size))
    train = dsp.struck(dsp.impulses(n, times, level), dsp.burst(rng, 0.0002, 0.003))
    modes = (
        dsp.log_uniform(rng, 500, 1400)
        * np.array([1, 2.7, 5.1, 8.3, 11.9])
        * rng.uniform(0.95, 1.05, 5)
    )
    return dsp.resonators(train, modes, dsp.log_uniform(rng, 0.15, 1.2, 5), [0.5, 1, 1, 0.6, 0.4])


def _car_alarm(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """Car alarm: a few patterns one after the other (chirps, sweeps up, sweeps down, two-tone)."""
    t = dsp.control_times(n)
    part_s = rng.uniform(0.8, 2.5)
    part = (t / part_s).astype(int)
    rates, kinds = dsp.log_uniform(rng, 1.5, 12, part[-1] + 1), rng.integers(3, size=part[-1] + 1)
    turn = (t * rates[part]) % 1.0
    shapes = np.stack([turn, 1 - turn, (turn > 0.5).astype(float)])
    shape = shapes[kinds[part], np.arange(t.size)]
    low = dsp.log_uniform(rng, 600, 1300)
    return _horn(rng, n, low * rng.uniform(1.4, 2.4) ** shape, rng.uniform(0.3, 0.9))


def alarms_and_sirens(rng: Generator, duration_s: float) -> np.ndarray:
    """Alarms and sirens: wail, yelp, hi-lo, motor siren, beeps, buzzers, bells, car alarms.

    Patterns after the usual signal standards (ISO 8201 temporal patterns, vehicle sirens' sweeps);
    horn resonance, distance and traffic around vary.
    """
    n = dsp.length(duration_s)
    kind = rng.choice(4, p=[0.4, 0.27, 0.15, 0.18])
    if kind == 0:
        out = _siren(rng, n)
    elif kind == 1:
        out = _beeper(rng, n, duration_s)
    elif kind == 2:
        out = _bell(rng, n, duration_s)
    else:
        out = _car_alarm(rng, n, duration_s)
    drift = np.exp(rng.uniform(0.02, 0.3) * dsp.wander(rng, n, 0.8))
    street = dsp.coloured(rng, n, [20, 100, 1000, 15000], [0, 0, -14, -40])
    return dsp.unit(out) * dsp.spread(drift, n) + 10 ** (-rng.uniform(15, 45) / 20) * street
