"""Sounds of a home beside its people: television and games, knocks and dishes, machines, the rest."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter

from sedutils.foley import dsp
from sedutils.foley.animals import bird_singing, cat_meowing, dog_barking
from sedutils.foley.impacts import footsteps
from sedutils.foley.speech import Speaker
from sedutils.foley.talk import talk

_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9))


def _add(out: np.ndarray, part: np.ndarray, at_s: float, level: float) -> None:
    """Add ``part`` to ``out`` at a time within it, cut at its end."""
    at = int(at_s * dsp.SAMPLE_RATE)
    part = part[: max(out.size - at, 0)]
    out[at : at + part.size] += np.float32(level) * part


def _note(hz: float, duration_s: float, table: np.ndarray, decay_s: float) -> np.ndarray:
    """One note of a timbre: quick attack, exponential decay, soft end."""
    t = np.arange(dsp.length(duration_s)) / dsp.SAMPLE_RATE
    shape = np.minimum(t / 0.006, 1) * 10 ** (-3 * t / decay_s) * np.minimum((t[-1] - t) / 0.01, 1)
    return (dsp.look_up(table, hz * t) * shape).astype(np.float32)


def music(rng: Generator, duration_s: float, *, electronic: bool = False) -> np.ndarray:
    """A tune, its bass and perhaps drums, in one scale and metre; ``electronic``: square waves."""
    n = dsp.length(duration_s)
    out = np.zeros(n, dtype=np.float32)
    scale = _SCALES[rng.integers(len(_SCALES))]
    root, beat_s = dsp.log_uniform(rng, 180, 420), 60 / rng.uniform(84, 170)
    k = np.arange(1, 25)
    timbre = (k % 2) / k if electronic else k ** -rng.uniform(1.0, 2.2) * rng.uniform(0.2, 1, 24)
    table, ring_s = dsp.harmonic_table(timbre), dsp.log_uniform(rng, 0.25, 2.0)
    drum = dsp.burst(rng, 0.001, rng.uniform(0.05, 0.2)) * rng.uniform(0, 1.2)
    step, now = int(rng.integers(7)), -rng.uniform(0, beat_s)
    while now < duration_s:
        length_s = beat_s * rng.choice([0.5, 0.5, 1.0, 2.0])
        step += int(rng.integers(-2, 3))
        octave, degree = divmod(step % (2 * len(scale)), len(scale))
        hz = root * 2 ** (octave + scale[degree] / 12)
        if now >= 0:
            _add(out, _note(hz, length_s, table, ring_s), now, 1.0)
            bass_hz = 0.25 * root * 2 ** (scale[step % 3] / 12)
            _add(out, _note(bass_hz, length_s, table, ring_s), now, 0.8)
            _add(out, drum, now, 1.0)
        now += length_s
    return dsp.unit(out)


def _game(rng: Generator, duration_s: float) -> np.ndarray:
    """Effects of a game: blips, sweeps up and down, bursts of noise, over electronic music."""
    n = dsp.length(duration_s)
    out = rng.uniform(0.2, 0.8) * music(rng, duration_s, electronic=True)
    k = np.arange(1, 16)
    table = dsp.harmonic_table((k % 2) / k)
    for start in dsp.poisson_times(rng, rng.uniform(1, 4), duration_s):
        length_s, hz = rng.uniform(0.06, 0.5), dsp.log_uniform(rng, 200, 1500)
        if rng.random() < 0.25:
            _add(out, dsp.burst(rng, 0.002, length_s), start, 1.2)
            continue
        m = dsp.length(length_s)
        sweep = hz * 2 ** (rng.uniform(-2, 2) * np.linspace(0, 1, dsp.controls(m)))
        _add(out, dsp.look_up(table, dsp.phase(sweep, m)) * np.linspace(1, 0, m), start, 1.0)
    return out[:n]


def television(rng: Generator, duration_s: float, speakers: Sequence[Speaker] = ()) -> np.ndarray:
    """Television or a video game: talk over music, a jingle, or effects, by a small loudspeaker.

    The loudspeaker passes some 200 Hz to 8 kHz and rounds peaks; programmes are compressed, so the
    level hardly falls between words. ``speakers`` are those of the programme (none: no talk).
    """
    kind = rng.choice(["talk", "music", "game"], p=[0.5, 0.2, 0.3] if speakers else [0, 0.4, 0.6])
    out = _game(rng, duration_s) if kind == "game" else music(rng, duration_s)
    if kind == "talk":
        who = [speakers[i] for i in rng.permutation(len(speakers))[: rng.integers(1, 3)]]
        bed = dsp.log_uniform(rng, 0.05, 0.6)
        out = bed * out + dsp.unit(talk(rng, duration_s, who, overlap=0.1))
    low, high = dsp.log_uniform(rng, 120, 400), dsp.log_uniform(rng, 4000, 9000)
    points_db = [-30, 0, rng.uniform(-2, 5), 0, -rng.uniform(20, 45)]
    out = dsp.shaped(out, [0.4 * low, low, 2500, high, 1.8 * high], points_db)
    return np.tanh(rng.uniform(0.8, 2.0) * dsp.unit(out))


def _strikes(rng: Generator, duration_s: float, rate_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Times and forces of a few groups of blows."""
    times, now = [], rng.uniform(0.0, 0.5 * duration_s)
    while now < duration_s:
        count = int(rng.integers(1, 6))
        gaps = np.exp(rng.normal(0, 0.25, count)) / rate_hz
        times.append(now + np.cumsum(gaps) - gaps[0])
        now = times[-1][-1] + rng.uniform(0.4, 2.5)
    times = np.concatenate(times)
    return times, np.exp(rng.normal(0, 0.4, times.size))


def _hits(rng: Generator, duration_s: float, low_hz: float, high_hz: float, decay_s: float):
    """Blows on a few solids with modes between two frequencies; ``decay_s`` of their lowest."""
    n = dsp.length(duration_s)
    times, force = _strikes(rng, duration_s, dsp.log_uniform(rng, 2.0, 7.0))
    kinds = int(rng.integers(1, 4))
    whose, out = rng.integers(kinds, size=times.size), np.zeros(n, dtype=np.float32)
    for kind in range(kinds):
        modes = np.sort(dsp.log_uniform(rng, low_hz, high_hz, 6))
        tap = dsp.burst(rng, 0.0004, dsp.log_uniform(rng, 0.002, 0.02))
        blow = dsp.rung(tap, modes, decay_s * np.sqrt(modes[0] / modes), rng.uniform(0.3, 1, 6))
        blow[: tap.size] += rng.uniform(0.02, 0.3) * tap
        mine = whose == kind
        out += dsp.struck(dsp.impulses(n, times[mine], force[mine]), dsp.peak(blow))
    return out


def percussive_sound(rng: Generator, duration_s: float) -> np.ndarray:
    """Knocks on wood, dishes and cutlery, toy blocks and doors, or footsteps.

    Wood: modes of 80 to 1200 Hz that die in some 50 ms; china and metal: 1.2 to 9 kHz ringing for
    0.1 to 0.6 s; blocks and doors between.
    """
    kind = rng.choice(["wood", "dishes", "clatter", "steps"], p=[0.3, 0.3, 0.25, 0.15])
    if kind == "steps":
        return footsteps(rng, duration_s)
    ranges = {"wood": (80, 1200), "dishes": (1200, 9000), "clatter": (250, 4000)}[kind]
    decays = {"wood": (0.03, 0.12), "dishes": (0.1, 0.6), "clatter": (0.02, 0.15)}[kind]
    return _hits(rng, duration_s, *ranges, dsp.log_uniform(rng, *decays))


def _motor(rng: Generator, n: int, turns_hz: float, air_hz: float) -> np.ndarray:
    """A fan on a universal motor: its whine, and air noise about a broad peak."""
    speed = turns_hz * (1 + 0.004 * dsp.wander(rng, n, 2.0))
    k = np.arange(1, 31)
    level = k ** -rng.uniform(0.6, 1.4) * np.exp(rng.normal(0, 0.7, k.size))
    whine = dsp.look_up(dsp.harmonic_table(level, rng.uniform(0, 6.28, 30)), dsp.phase(speed, n))
    falls = [-16, rng.uniform(-8, -2), 0, rng.uniform(-10, -3), -24]
    air = dsp.coloured(rng, n, [40, 0.3 * air_hz, air_hz, 4 * air_hz, 19000], falls)
    return air + rng.uniform(0.05, 0.5) * whine


def _water(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """A tap: turbulent hiss, and bubbles that ring at 0.5 to 5 kHz where it falls into water."""
    hiss = dsp.coloured(rng, n, [60, 400, rng.uniform(2000, 6000), 18000], [-25, -9, 0, -14])
    train = np.zeros(n, dtype=np.float32)
    out = hiss * dsp.spread(np.exp(0.1 * dsp.wander(rng, n, 8)), n)
    for hz in dsp.log_uniform(rng, 500, 5000, 5):
        times = dsp.poisson_times(rng, rng.uniform(5, 60), duration_s)
        train = dsp.impulses(n, times, rng.exponential(1.0, times.size))
        out = out + rng.uniform(0.05, 0.5) * dsp.unit(dsp.resonators(train, hz, 0.02, 1.0))
    return out


def _frying(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """A pan: crackles of all sizes, hundreds a second, over a sizzle."""
    sizzle = dsp.coloured(rng, n, [100, 1000, 6000, 18000], [-30, -10, 0, -6])
    times = dsp.poisson_times(rng, dsp.log_uniform(rng, 60, 500), duration_s)
    train = dsp.impulses(n, times, rng.pareto(1.8, times.size))
    crackle = dsp.struck(train, dsp.burst(rng, 0.0002, dsp.log_uniform(rng, 0.001, 0.006)))
    return sizzle + rng.uniform(0.3, 1.5) * dsp.unit(crackle)


def broadband_noise(rng: Generator, duration_s: float) -> np.ndarray:
    """Hair dryer, vacuum cleaner, kettle, running water, or frying: steady noise, no pitch to name.

    A third of them start or stop within the clip, in a few tenths of a second.
    """
    n = dsp.length(duration_s)
    kind = rng.choice(["dryer", "vacuum", "kettle", "water", "frying"])
    if kind in ("dryer", "vacuum"):
        turns = dsp.log_uniform(rng, 150, 300) if kind == "dryer" else dsp.log_uniform(rng, 90, 190)
        air_hz = dsp.log_uniform(rng, 1500, 4000) if kind == "dryer" else rng.uniform(350, 1300)
        out = _motor(rng, n, turns, air_hz)
    elif kind == "kettle":
        peak_hz = dsp.log_uniform(rng, 300, 1500)
        out = dsp.coloured(rng, n, [40, peak_hz, 3 * peak_hz, 18000], [-18, 0, -10, -40])
        out = out * dsp.spread(np.exp(rng.uniform(0.05, 0.4) * dsp.wander(rng, n, 12)), n)
    else:
        out = (_water if kind == "water" else _frying)(rng, n, duration_s)
    level = np.exp(rng.uniform(0.0, 0.15) * dsp.wander(rng, n, 0.7))
    if rng.random() < 0.33:
        at, takes_s = rng.uniform(0.15, 0.85) * duration_s, rng.uniform(0.1, 0.6)
        switch = np.clip((dsp.control_times(n) - at) / takes_s, 0, 1)
        level *= switch if rng.random() < 0.5 else 1 - switch
    return out * dsp.spread(level, n)


def _squeak(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """A hinge, a chair or a rubber toy: stick-slip of 0.3-2 kHz that glides, with harmonics."""
    starts = dsp.poisson_times(rng, rng.uniform(0.5, 2.0), 0.9 * duration_s)
    level = dsp.pulses(n, starts, rng.uniform(0.1, 0.9, starts.size), attack=0.2)
    hz = dsp.log_uniform(rng, 300, 2000) * np.exp(rng.uniform(0.1, 0.4) * dsp.wander(rng, n, 3.0))
    source = dsp.voice(rng, n, hz, tilt=0.9, breath=0.2, jitter=rng.uniform(0.005, 0.05))
    body = dsp.resonators(source, dsp.log_uniform(rng, 500, 5000, 3), [0.02] * 3, [1, 0.8, 0.6])
    return body * dsp.spread(level, n)


def _beeps(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """Oven, telephone or watch: equal beeps in a steady rhythm."""
    hz, on_s = dsp.log_uniform(rng, 700, 4200), dsp.log_uniform(rng, 0.05, 0.5)
    starts = np.arange(rng.uniform(0, 0.4 * duration_s), duration_s, on_s * rng.uniform(1.5, 3.5))
    gate = dsp.pulses(n, starts, np.full(starts.size, on_s), attack=0.03, release=0.05)
    table = dsp.harmonic_table([1, rng.uniform(0, 0.6), rng.uniform(0, 0.4)])
    return dsp.look_up(table, dsp.phase(np.full(dsp.controls(n), hz), n)) * dsp.spread(gate, n)


def _rustle(rng: Generator, n: int, duration_s: float) -> np.ndarray:
    """Paper, a bag or clothes: showers of tiny clicks that come and go."""
    times = dsp.poisson_times(rng, dsp.log_uniform(rng, 80, 400), duration_s)
    train = dsp.impulses(n, times, rng.exponential(1.0, times.size))
    out = dsp.struck(train, dsp.burst(rng, 0.0003, dsp.log_uniform(rng, 0.002, 0.015)))
    out = lfilter([1, -0.9], [1.0], out).astype(np.float32)
    return out * dsp.spread(np.clip(0.3 + dsp.wander(rng, n, 2.5), 0, None), n)


def other_sound(rng: Generator, duration_s: float) -> np.ndarray:
    """What is none of the rest: squeaks and rubber toys, beeps, rustling, a pet, birds outside."""
    n = dsp.length(duration_s)
    kind = rng.choice(["squeak", "beeps", "rustle", "animal"], p=[0.28, 0.24, 0.24, 0.24])
    if kind == "animal":
        animals = (cat_meowing, dog_barking, bird_singing)
        return animals[rng.integers(3)](rng, duration_s)
    return {"squeak": _squeak, "beeps": _beeps, "rustle": _rustle}[kind](rng, n, duration_s)
