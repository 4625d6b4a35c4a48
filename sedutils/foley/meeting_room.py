"""A meeting room: the sixteen kinds of isolated events of ITC-Irst, one recipe each.

The paper (Phan et al. 2018, Table 1) names the twelve classes it evaluates. The other four, its
background, it does not name: a door opening, a falling object, a telephone vibrating on the table
and speech are our choice of what else a meeting room sounds of. ``RECIPES`` has the recipes that
stand here and those other files have already; nothing here has been in a room yet.
"""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp, solids
from sedutils.foley.crowds import clapping, swell
from sedutils.foley.impacts import footsteps
from sedutils.foley.people import coughing, laughter
from sedutils.foley.signals import telephone
from sedutils.foley.workplaces import chair_moving, keyboard, keys_jangling, paper_rustling


def door_knock(rng: Generator, duration_s: float) -> np.ndarray:
    """Door knock: knuckles on a panel, two to six blows at 3 to 7 a second, at times once more.

    The panel's plate modes (110-420 Hz, hollow doors ring longer) under a bony click of some ms;
    the rhythm is nearly even, one blow is the strongest, the latch rattles along.
    """
    n = dsp.length(duration_s)
    rate = dsp.log_uniform(rng, 3.0, 7.0)
    count = int(np.clip(duration_s * rate, 2, rng.integers(2, 7)))
    bout_s = count / rate + rng.uniform(0.5, 1.2)
    bouts = np.arange(0, max(duration_s - count / rate, 0.01), bout_s)
    beats = (np.arange(count) + rng.normal(0, 0.06, count)) / rate
    times = (rng.uniform(0.005, 0.05) + bouts[:, None] + beats).ravel()
    level = np.exp(rng.normal(0, 0.15, times.size))
    level[:: rng.integers(1, count + 1)] *= rng.uniform(1.0, 1.8)
    low_hz, hollow = dsp.log_uniform(rng, 110, 300), rng.random()
    panel = solids.knocks(
        rng,
        n,
        times,
        level,
        lowest_hz=(low_hz, 1.4 * low_hz),
        ring_s=(0.03 + 0.05 * hollow, 0.06 + 0.16 * hollow),
        blow_s=dsp.log_uniform(rng, 0.002, 0.007),
        modes=7,
        dry=rng.uniform(0.15, 0.5),
    )
    bone = solids.knocks(
        rng, n, times, level, lowest_hz=(900, 2200), ring_s=(0.004, 0.012), blow_s=0.0015, objects=1
    )
    rattle = solids.knocks(
        rng, n, times + 0.012, level, lowest_hz=(500, 2000), ring_s=(0.01, 0.05), blow_s=0.003
    )
    out = panel + rng.uniform(0.05, 0.35) * bone + rng.uniform(0.0, 0.15) * rattle
    return dsp.shaped(
        out, [60, 600, 16000], [0, 0, rng.uniform(-30, -12)]
    )  # flesh softens the blow


def _hinge(rng: Generator, n: int, start_s: float, swing_s: float) -> np.ndarray:
    """A leaf that swings: air, and in some doors a hinge that creaks as it goes; unit at its peak."""
    level = dsp.pulses(n, [start_s], [swing_s], attack=0.35, release=0.3)
    air = solids.rub(rng, n, level, [30, 150, 900, 12000], [-4, 0, -14, -40], grain_hz=10)
    out = rng.uniform(0.1, 0.5) * dsp.peak(air)
    if rng.random() < 0.45:
        hz = dsp.log_uniform(rng, 130, 700) * np.exp(0.25 * dsp.wander(rng, n, 2.5))
        creak = solids.squeak(rng, n, hz, level, tilt=rng.uniform(0.5, 1.0), rough=1.0)
        out += rng.uniform(0.3, 1.0) * dsp.peak(creak)
    return out


def door_slam(rng: Generator, duration_s: float) -> np.ndarray:
    """Door slam: a rush of air, then the leaf hits its frame, once, and what is loose rattles.

    A heavy panel and the room's lowest modes boom at 35-110 Hz for a second under the crack of
    wood on wood; the latch snaps in within 40 ms, panes and handles answer for a quarter of one.
    """
    n = dsp.length(duration_s)
    shut_s = rng.uniform(0.02, 0.3) * min(duration_s, 1.0)
    low_hz = dsp.log_uniform(rng, 35, 110)
    boom = solids.knocks(
        rng,
        n,
        np.array([shut_s]),
        1.0,
        lowest_hz=(low_hz, 1.2 * low_hz),
        ring_s=(0.5, 1.3),
        blow_s=dsp.log_uniform(rng, 0.015, 0.05),
        objects=1,
        modes=7,
        dry=0.05,
    )
    points = [40, 250, dsp.log_uniform(rng, 900, 2500), 16000], [-6, 0, -8, -36]
    crack = dsp.shaped(dsp.burst(rng, 0.0005, dsp.log_uniform(rng, 0.06, 0.25)), *points)
    crack = solids.struck(n, np.array([shut_s]), np.ones(1), dsp.peak(crack))
    latch_s = shut_s + rng.uniform(0.005, 0.04, 2)
    latch = solids.knocks(
        rng, n, latch_s, 1.0, lowest_hz=(600, 2400), ring_s=(0.01, 0.06), blow_s=0.002, dry=0.5
    )
    shaken = shut_s + 0.01 + rng.exponential(rng.uniform(0.03, 0.1), int(rng.integers(4, 20)))
    force = np.exp(-(shaken - shut_s) / 0.1) * rng.uniform(0.3, 1.0, shaken.size)
    loose = solids.knocks(
        rng, n, shaken, force, lowest_hz=(300, 1500), ring_s=(0.03, 0.15), blow_s=0.003, objects=3
    )
    out = boom + rng.uniform(0.2, 0.8) * crack + rng.uniform(0.05, 0.25) * latch
    out += rng.uniform(0.05, 0.3) * loose
    return out + rng.uniform(0.005, 0.04) * _hinge(rng, n, 0.0, shut_s)


def door_open(rng: Generator, duration_s: float) -> np.ndarray:
    """Door opening: the handle goes down, the latch draws back, the leaf comes off and swings.

    Small parts at 0.5-3 kHz, a soft thump where the seal lets go, a hinge that may creak, the
    handle springing back: a slam's beginning without its boom.
    """
    n = dsp.length(duration_s)
    down_s = rng.uniform(0.01, 0.08)
    free_s = down_s + rng.uniform(0.05, 0.2)
    up_s = free_s + rng.uniform(0.15, 0.7) * max(duration_s - free_s, 0.1)
    clicks, force = np.array([down_s, free_s, up_s]), np.array([0.5, 1.0, 0.9])
    metal = solids.knocks(
        rng,
        n,
        clicks,
        force * np.exp(rng.normal(0, 0.3, 3)),
        lowest_hz=(450, 2600),
        ring_s=(0.01, 0.09),
        blow_s=dsp.log_uniform(rng, 0.001, 0.006),
        dry=rng.uniform(0.3, 0.8),
    )
    thump = solids.knocks(
        rng,
        n,
        np.array([free_s + 0.02]),
        1.0,
        lowest_hz=(60, 200),
        ring_s=(0.04, 0.15),
        blow_s=0.015,
        objects=1,
        dry=0.1,
    )
    swing_s = max(duration_s - free_s - 0.05, 0.1) * rng.uniform(0.6, 1.0)
    spring = dsp.pulses(n, [down_s], [free_s - down_s + 0.05], attack=0.2, release=0.3)
    grind = solids.rub(rng, n, spring, [200, 900, 3000, 15000], [-18, 0, -4, -26], grain_hz=60)
    out = metal + rng.uniform(0.1, 0.8) * thump + rng.uniform(0.01, 0.06) * grind
    return out + rng.uniform(0.05, 0.3) * _hinge(rng, n, free_s, swing_s)


def spoon_cup_jingle(rng: Generator, duration_s: float) -> np.ndarray:
    """Spoon in a cup: round and round at 1.5-3.5 turns a second, touching the wall now and then.

    China rings at 1-5 kHz, shorter and lower when full (the liquid loads the wall: French 1983);
    the steel spoon adds 3-9 kHz; last, a few taps on the rim.
    """
    n = dsp.length(duration_s)
    turns, start_s = rng.uniform(1.5, 3.5), rng.uniform(0.0, 0.05)
    touches = int(rng.integers(1, 4))  # of the wall, in one turn
    times = start_s + np.arange(0, duration_s, 1 / (turns * touches))
    times = times + rng.normal(0, rng.uniform(0.005, 0.03), times.size)
    level = (
        np.exp(rng.normal(0, 0.35, times.size))
        * rng.uniform(0.4, 1.0, touches)[np.arange(times.size) % touches]
    )
    taps = duration_s - 0.15 - np.arange(rng.integers(0, 4)) * rng.uniform(0.12, 0.25)
    taps = taps[taps > 0.5 * duration_s]
    strikes = np.append(times, taps)
    force = np.append(level, rng.uniform(1.0, 2.5, taps.size))
    full = rng.uniform(0.25, 1.0)
    low_hz = dsp.log_uniform(rng, 1200, 2800) * (1.1 - 0.3 * full)
    china = solids.knocks(
        rng,
        n,
        strikes,
        force,
        lowest_hz=(low_hz, 1.15 * low_hz),
        ring_s=(0.08 / full**0.5, 0.3 / full**0.5),
        blow_s=dsp.log_uniform(rng, 0.0005, 0.002),
        objects=3,
        modes=5,
        dry=rng.uniform(0.1, 0.4),
    )
    steel = solids.knocks(
        rng, n, strikes, force, lowest_hz=(2800, 5500), ring_s=(0.04, 0.2), blow_s=0.0008
    )
    round_s = dsp.pulses(n, [start_s], [duration_s], attack=0.05, release=0.1)
    scrape = solids.rub(rng, n, round_s, [400, 2000, 5000, 16000], [-24, 0, -2, -18], grain_hz=20)
    return china + rng.uniform(0.1, 0.6) * steel + rng.uniform(0.0, 0.03) * scrape


def applause(rng: Generator, duration_s: float) -> np.ndarray:
    """Applause of a meeting: three to a dozen people, each heard, starting and stopping raggedly.

    No hall and no crowd: what `crowds.crowd_applause` has beneath its wash. Between claps it is
    nearly silent with three, a patter with twelve.
    """
    n = dsp.length(duration_s)
    people = int(dsp.log_uniform(rng, 3, 13))
    claps = dsp.unit(clapping(rng, n, people, kinds=min(people, 6), fall_s=(0.0015, 0.005)))
    level = swell(rng, n, rng.uniform(0.03, 0.2))
    first_s = rng.uniform(0.0, 0.25) * min(duration_s, 1.5)
    level *= dsp.contour([0, first_s + 0.01], [rng.uniform(0.3, 1.0), 1.0], n)
    bright = rng.uniform(-6, 5)
    return dsp.shaped(claps, [80, 400, 3000, 16000], [-12, 0, bright, 0.4 * bright]) * (
        dsp.spread(level, n)
    )


def falling_object(rng: Generator, duration_s: float) -> np.ndarray:
    """Something falls: a pen, a book, a cup or a box hits the floor, bounces, maybe rolls away.

    Each bounce takes a fixed share of the last one's time (restitution 0.3-0.75), so the knocks
    crowd together; small hard things ring at 1-4 kHz, a book claps once and low.
    """
    n = dsp.length(duration_s)
    hard = rng.random()  # 0 a book .. 1 a pen
    keeps = rng.uniform(0.2, 0.45) + 0.3 * hard
    gap_s = rng.uniform(0.1, 0.25) + 0.1 * hard
    count = 1 + int(rng.poisson(1 + 6 * hard))
    times, level = solids.bounces(rng, rng.uniform(0.005, 0.05), gap_s, keeps, count)
    low_hz = 150 * 14**hard * np.exp(rng.normal(0, 0.25))
    thing = solids.knocks(
        rng,
        n,
        times,
        level,
        lowest_hz=(0.8 * low_hz, 1.3 * low_hz),
        ring_s=(0.02, 0.06 + 0.14 * rng.random()),
        blow_s=0.001 * 12 ** (1 - hard),
        objects=int(rng.integers(1, 4)),
        dry=rng.uniform(0.1, 0.6),
    )
    floor = solids.knocks(
        rng, n, times, level**2, lowest_hz=(50, 180), ring_s=(0.05, 0.2), blow_s=0.012, objects=1
    )
    out = thing + (1.2 - hard) * rng.uniform(0.2, 1.0) * floor
    if rng.random() < 0.4:
        roll = dsp.pulses(n, times[-1:], [rng.uniform(0.2, 0.9)], attack=0.05, release=0.8)
        knee = dsp.log_uniform(rng, 400, 2500)
        points = [80, 0.4 * knee, knee, 16000], [-24, -4, 0, -26]
        rolling = solids.rub(rng, n, roll, *points, grain_hz=rng.uniform(12, 40), depth=0.8)
        out += rng.uniform(0.02, 0.12) * rolling
    return out


def phone_vibration(rng: Generator, duration_s: float) -> np.ndarray:
    """A telephone vibrates on the table: bursts of a small motor, off balance at 130-220 Hz.

    The case hops on the top once a turn, so the buzz has many harmonics; the table's modes
    (150-1200 Hz) colour it, speed falls where it grips, bursts of 0.3-1.5 s repeat.
    """
    n = dsp.length(duration_s)
    starts, lengths = solids.spells(rng, duration_s, rng.uniform(0.3, 1.5), rng.uniform(0.15, 1.0))
    lengths = np.full(starts.size, lengths[0])  # a machine does not vary them
    level = dsp.pulses(n, starts, lengths, attack=0.06, release=0.1)
    spun = level ** rng.uniform(0.1, 0.3)  # the motor runs up and down within some 50 ms
    hz = dsp.log_uniform(rng, 130, 220) * (0.6 + 0.4 * spun)
    tilt, grip = rng.uniform(0.5, 1.3), rng.uniform(0.05, 0.35)
    buzz = solids.squeak(rng, n, hz, level, tilt=tilt, jitter=0.006, rough=grip)
    modes_hz = dsp.log_uniform(rng, 150, 1200, 5)
    top = dsp.resonators(buzz, modes_hz, dsp.log_uniform(rng, 0.015, 0.06, 5), [1] * 5)
    hops = solids.rub(rng, n, level, [200, 1500, 4000, 15000], [-20, 0, -4, -24], grain_hz=90)
    out = dsp.unit(top) + rng.uniform(0.2, 1.0) * dsp.unit(buzz)
    return out + rng.uniform(0.02, 0.2) * dsp.unit(hops)


# by class; "speech" is made by `sedutils.foley.talk`, which needs to know who speaks
RECIPES: dict[str, Callable[[Generator, float], np.ndarray]] = {
    "applause": applause,
    "chair_moving": chair_moving,
    "cough": coughing,
    "door_knock": door_knock,
    "door_open": door_open,
    "door_slam": door_slam,
    "falling_object": falling_object,
    "key_jingle": keys_jangling,
    "keyboard_clicking": keyboard,
    "laugh": laughter,
    "paper_wrapping": paper_rustling,
    "phone_ring": telephone,
    "phone_vibration": phone_vibration,
    "spoon_cup_jingle": spoon_cup_jingle,
    "steps": footsteps,
}
