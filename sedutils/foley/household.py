"""Kitchen and living room: things put down, opened, rattled and crumpled."""

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp, solids


def object_rustling(rng: Generator, duration_s: float) -> np.ndarray:
    """Rustling: bags, wrappers, clothes handled in spells of a second or so.

    Crumpling sends out countless clicks whose energies follow a power law (Houle & Sethna 1996);
    foil and crisp packets click bright and singly, cloth is a soft wash.
    """
    n = dsp.length(duration_s)
    spell_s, pause_s = dsp.log_uniform(rng, 0.25, 1.5), dsp.log_uniform(rng, 0.05, 0.5)
    starts, lengths = solids.spells(rng, duration_s, spell_s, pause_s)
    heights = np.exp(rng.normal(0, 0.3, starts.size))
    level = dsp.pulses(n, starts, lengths, heights, attack=0.25, release=0.4)
    level *= np.exp(rng.uniform(0.2, 0.6) * dsp.wander(rng, n, rng.uniform(5, 14)))
    crisp = rng.random()  # 0 cloth .. 1 foil
    density = dsp.log_uniform(rng, 120, 900) * level
    low_hz = dsp.log_uniform(rng, 1500, 4000)
    clicks = solids.crackle(
        rng, n, density, click_s=dsp.log_uniform(rng, 0.0008, 0.004), ring_hz=(low_hz, 3 * low_hz)
    )
    knee = dsp.log_uniform(rng, 900, 5000)
    soft = solids.rub(rng, n, level, [60, 300, knee, 18000], [-40, -12, 0, -24], grain_hz=25)
    out = (0.15 + crisp) * clicks + (1.1 - crisp) * rng.uniform(0.3, 1.0) * dsp.unit(soft)
    return dsp.shaped(out, [60, 500, 4000, 18000], [-30, -8, 0, rng.uniform(-16, 0)])


def object_snapping(rng: Generator, duration_s: float) -> np.ndarray:
    """Snaps: a lid, clip, switch or buckle, clicking shut (and open) within a few ms.

    Stiff small parts ring at 1-8 kHz for 5-40 ms; many have a press and a release of other colour.
    """
    n = dsp.length(duration_s)
    starts, _ = solids.spells(rng, duration_s, 0.1, dsp.log_uniform(rng, 0.25, 1.5))
    again_s, again = rng.uniform(0.025, 0.22), rng.uniform(0.0, 0.9)
    level = np.exp(rng.normal(0, 0.3, starts.size))
    times, level = np.append(starts, starts + again_s), np.append(level, again * level)
    low_hz = dsp.log_uniform(rng, 900, 3500)
    snap = solids.knocks(
        rng,
        n,
        times,
        level,
        lowest_hz=(0.8 * low_hz, 1.3 * low_hz),
        ring_s=(0.008, 0.05),
        blow_s=dsp.log_uniform(rng, 0.001, 0.006),
        dry=rng.uniform(0.3, 1.5),
    )
    body = solids.knocks(
        rng, n, times, level, lowest_hz=(180, 800), ring_s=(0.01, 0.06), blow_s=0.004, objects=1
    )
    hold = dsp.pulses(n, starts - 0.1, np.full(starts.size, 0.35), attack=0.4, release=0.5)
    touch = solids.rub(rng, n, hold, [100, 900, 5000, 18000], [-24, 0, -4, -20], grain_hz=30)
    return snap + rng.uniform(0.0, 0.5) * body + rng.uniform(0.0005, 0.006) * touch


def cupboard(rng: Generator, duration_s: float) -> np.ndarray:
    """Cupboard: a catch gives, hinges may creak, the door claps shut and what is inside rattles.

    A chipboard door on its box booms at 80-300 Hz for a tenth of a second; duller than a drawer,
    smaller than a room's door.
    """
    n = dsp.length(duration_s)
    starts, lengths = solids.spells(rng, duration_s, rng.uniform(0.3, 0.9), rng.uniform(0.3, 1.5))
    lengths = np.minimum(lengths, max(0.6 * duration_s, 0.2))
    shut = starts + lengths
    level = np.exp(rng.normal(0, 0.3, shut.size))
    low_hz = dsp.log_uniform(rng, 75, 240)
    clap = solids.knocks(
        rng,
        n,
        np.append(shut, shut + rng.uniform(0.03, 0.12)),
        np.append(level, rng.uniform(0, 0.6) * level),
        lowest_hz=(low_hz, 1.3 * low_hz),
        ring_s=(0.06, 0.25),
        blow_s=dsp.log_uniform(rng, 0.006, 0.03),
        modes=7,
        dry=0.15,
    )
    catch = solids.knocks(
        rng, n, starts, 1.0, lowest_hz=(300, 1800), ring_s=(0.01, 0.05), blow_s=0.004, dry=0.5
    )
    out = clap + rng.uniform(0.1, 0.6) * catch
    times, height = solids.hits(rng, shut, rng.uniform(0.08, 0.3, shut.size), rng.uniform(5, 30))
    inside = solids.knocks(
        rng, n, times, height, lowest_hz=(900, 3500), ring_s=(0.03, 0.2), blow_s=0.002, objects=3
    )
    out += rng.uniform(0.0, 0.4) * inside
    swing = dsp.pulses(n, starts, lengths, attack=0.2, release=0.3)
    if rng.random() < 0.4:
        hz = rng.uniform(250, 900) * np.exp(0.2 * dsp.wander(rng, n, 3.0))
        out += rng.uniform(0.01, 0.06) * solids.squeak(rng, n, hz, swing, tilt=0.8, rough=0.8)
    air = solids.rub(rng, n, swing, [40, 250, 1500, 12000], [-6, 0, -14, -40], grain_hz=12)
    return out + rng.uniform(0.003, 0.02) * air


def cutlery(rng: Generator, duration_s: float) -> np.ndarray:
    """Cutlery: knives, forks and spoons meeting each other and the plate, in quick clusters.

    Thin steel bars ring at 2-12 kHz for a tenth to half a second (free-bar ratios); a plate under
    them adds a duller clack.
    """
    n = dsp.length(duration_s)
    spell_s, pause_s = dsp.log_uniform(rng, 0.15, 1.2), dsp.log_uniform(rng, 0.1, 0.8)
    starts, lengths = solids.spells(rng, duration_s, spell_s, pause_s)
    times, level = solids.hits(rng, starts, lengths, rng.uniform(4, 16))
    steel = solids.knocks(
        rng,
        n,
        times,
        level,
        lowest_hz=(1700, 4800),
        ring_s=(0.06, 0.6),
        blow_s=dsp.log_uniform(rng, 0.0008, 0.003),
        objects=int(rng.integers(3, 6)),
        dry=0.4,
    )
    plate = solids.knocks(
        rng, n, times + 0.004, level, lowest_hz=(700, 2200), ring_s=(0.02, 0.1), blow_s=0.003
    )
    drag = dsp.pulses(n, starts, lengths, attack=0.3, release=0.4)
    scrape = solids.rub(rng, n, drag, [500, 2500, 7000, 18000], [-30, -6, 0, -10], grain_hz=60)
    return steel + rng.uniform(0.0, 0.6) * plate + rng.uniform(0.0, 0.02) * scrape


def dishes(rng: Generator, duration_s: float) -> np.ndarray:
    """Dishes: plates, bowls and mugs put down, stacked and slid over one another.

    Ceramic modes lie at 0.5-6 kHz and die within 30-250 ms, sooner when stacked; each piece keeps
    its own chord (shells' modes, Rossing).
    """
    n = dsp.length(duration_s)
    spell_s, pause_s = dsp.log_uniform(rng, 0.1, 0.8), dsp.log_uniform(rng, 0.2, 1.2)
    starts, lengths = solids.spells(rng, duration_s, spell_s, pause_s)
    times, level = solids.hits(rng, starts, lengths, rng.uniform(2, 9))
    again = times + rng.uniform(0.02, 0.07, times.size)  # a plate rocks before it rests
    china = solids.knocks(
        rng,
        n,
        np.append(times, again),
        np.append(level, rng.uniform(0.1, 0.5) * level),
        lowest_hz=(480, 2000),
        ring_s=(0.04, 0.28),
        blow_s=dsp.log_uniform(rng, 0.0015, 0.006),
        objects=int(rng.integers(2, 5)),
        modes=6,
    )
    table = solids.knocks(
        rng, n, times, level, lowest_hz=(90, 350), ring_s=(0.03, 0.12), blow_s=0.01, objects=1
    )
    slide = dsp.pulses(n, starts, lengths, attack=0.3, release=0.4)
    grind = solids.rub(rng, n, slide, [200, 1200, 4000, 16000], [-24, 0, -2, -20], grain_hz=50)
    return china + rng.uniform(0.0, 0.5) * table + rng.uniform(0.0, 0.025) * grind


def drawer(rng: Generator, duration_s: float) -> np.ndarray:
    """Drawer: half a second or a second of rolling on rails, a stop, and contents sliding along.

    The roll is noise that flutters with the rollers (15-60 Hz) over the box's modes; it ends in a
    thud at the stop, harder when closed.
    """
    n = dsp.length(duration_s)
    starts, lengths = solids.spells(rng, duration_s, rng.uniform(0.35, 1.1), rng.uniform(0.2, 1.2))
    lengths = np.minimum(lengths, max(0.6 * duration_s, 0.25))
    level = dsp.pulses(n, starts, lengths, attack=rng.uniform(0.1, 0.5), release=0.1)
    knee = dsp.log_uniform(rng, 300, 1500)
    roll = solids.rub(
        rng,
        n,
        level,
        [50, 0.4 * knee, knee, 4 * knee, 18000],
        [-18, -3, 0, -12, -36],
        grain_hz=rng.uniform(15, 60),
        depth=rng.uniform(0.3, 0.8),
    )
    box = dsp.resonators(roll, dsp.log_uniform(rng, 120, 900, 3), [0.05] * 3, [1, 0.8, 0.6])
    stop = np.append(starts + lengths, starts)
    thud = solids.knocks(
        rng,
        n,
        stop,
        np.append(np.ones(starts.size), np.full(starts.size, rng.uniform(0, 0.4))),
        lowest_hz=(90, 380),
        ring_s=(0.04, 0.2),
        blow_s=dsp.log_uniform(rng, 0.004, 0.015),
        modes=7,
    )
    times, height = solids.hits(rng, starts, lengths + 0.1, rng.uniform(5, 25))
    inside = solids.knocks(
        rng, n, times, height, lowest_hz=(1200, 4500), ring_s=(0.02, 0.25), blow_s=0.002, objects=3
    )
    roll = dsp.unit(roll) + rng.uniform(0.3, 1.2) * dsp.unit(box)
    return rng.uniform(0.06, 0.25) * roll + thud + rng.uniform(0.02, 0.4) * inside


def glass_jingling(rng: Generator, duration_s: float) -> np.ndarray:
    """Glass jingling: tumblers and bottles touching, nothing breaks: clear, long, high rings.

    A glass sounds a few well separated modes from 1.5 kHz up (French 1983), 0.2-1.2 s long, shorter
    when full or held; knocks come in loose clusters.
    """
    n = dsp.length(duration_s)
    spell_s, pause_s = dsp.log_uniform(rng, 0.15, 1.0), dsp.log_uniform(rng, 0.1, 0.9)
    starts, lengths = solids.spells(rng, duration_s, spell_s, pause_s)
    times, level = solids.hits(rng, starts, lengths, rng.uniform(3, 12))
    held = rng.uniform(0.3, 1.0)
    glass = solids.knocks(
        rng,
        n,
        times,
        level,
        lowest_hz=(1400, 3800),
        ring_s=(0.25 * held, 1.3 * held),
        blow_s=dsp.log_uniform(rng, 0.0004, 0.0015),
        objects=int(rng.integers(2, 5)),
        modes=4,
        dry=rng.uniform(0.05, 0.4),
    )
    return dsp.shaped(glass, [100, 900, 4000, 18000], [-30, -6, 0, rng.uniform(-8, 4)])


def object_impact(rng: Generator, duration_s: float) -> np.ndarray:
    """Impacts: something put, dropped or knocked on a table or floor, now and then bouncing.

    One mass and one board: modes from 120 Hz to 2 kHz that die in 20-150 ms, contact of 2-20 ms
    from hard to soft.
    """
    n = dsp.length(duration_s)
    starts, _ = solids.spells(rng, duration_s, 0.1, dsp.log_uniform(rng, 0.4, 2.0))
    count = int(rng.choice([1, 2, 3, 5], p=[0.4, 0.3, 0.2, 0.1]))
    gap_s, keeps = rng.uniform(0.06, 0.25), rng.uniform(0.4, 0.8)
    falls = [solids.bounces(rng, start, gap_s, keeps, count) for start in starts]
    times = np.concatenate([fall[0] for fall in falls])
    level = np.concatenate([fall[1] * np.exp(rng.normal(0, 0.3)) for fall in falls])
    hard = rng.random()
    low_hz = dsp.log_uniform(rng, 110, 900)
    thing = solids.knocks(
        rng,
        n,
        times,
        level,
        lowest_hz=(low_hz, 1.6 * low_hz),
        ring_s=(0.02, 0.06 + 0.15 * hard),
        blow_s=0.002 * 10 ** (1 - hard),
        objects=int(rng.integers(1, 3)),
        dry=rng.uniform(0.1, 0.6),
    )
    board = solids.knocks(
        rng, n, times, level, lowest_hz=(60, 220), ring_s=(0.05, 0.2), blow_s=0.012, objects=1
    )
    top = -6 - 24 * (1 - hard)
    return dsp.shaped(thing + rng.uniform(0.1, 1.0) * board, [40, 800, 18000], [0, 0, top])
