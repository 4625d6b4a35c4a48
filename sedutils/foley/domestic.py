"""The ten sounds of a home of DESED (DCASE 2020, task 4): a recipe each, and how long they sound in a clip.

Five recipes stand here, the others other files have already; speech is made by `sedutils.foley.talk`,
which needs to know who speaks. Nothing here has been in a room yet. ``lasting`` draws when a class
sounds. Nobody published lengths: ours are guesses that fit the challenge's annotation, where machines,
pans and taps run for most of a clip, cats and dogs come in bouts, and dishes clink for an instant.
"""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp, solids
from sedutils.foley.animals import cat_meowing, dog_barking
from sedutils.foley.household import dishes
from sedutils.foley.signals import telephone
from sedutils.foley.water import water_tap_running

SPEECH = "Speech"
# How long one sounds. Of a clip, where it runs on past both ends as often as not, ...
RUNNING = {
    "Blender": (0.3, 1.4),
    "Electric_shaver_toothbrush": (0.5, 1.6),
    "Frying": (0.7, 1.8),
    "Running_water": (0.3, 1.4),
    "Vacuum_cleaner": (0.7, 1.8),
}
# ... in seconds a bout, ...
BOUTS_S = {
    "Alarm_bell_ringing": (0.8, 8.0),
    "Cat": (0.8, 8.0),
    "Dog": (0.8, 8.0),
    SPEECH: (1.0, 9.0),
}
# ... and in seconds an instant, of which a clip has some.
INSTANTS_S = {"Dishes": (0.25, 0.9)}
INSTANTS = (2, 7)
LABELS = tuple(sorted([*RUNNING, *BOUTS_S, *INSTANTS_S]))


def lasting(rng: Generator, label: str, clip_s: float) -> list[tuple[float, float, float]]:
    """When a class sounds in a clip: (onset_s, offset_s, cut_s) of each sound, within the clip.

    What began before the clip is cut: ``cut_s`` of it are over already.
    """
    if label in INSTANTS_S:
        count = int(rng.integers(INSTANTS[0], INSTANTS[1] + 1))
        lengths_s = np.minimum(dsp.log_uniform(rng, *INSTANTS_S[label], count), 0.9 * clip_s)
        onsets_s = rng.uniform(0, clip_s - lengths_s)
        spans = sorted(zip(onsets_s, lengths_s, strict=True))
        return [(onset_s, onset_s + length_s, 0.0) for onset_s, length_s in spans]
    if label in RUNNING:
        length_s = rng.uniform(*RUNNING[label]) * clip_s
        onset_s = rng.uniform(0.3 * clip_s - length_s, 0.7 * clip_s)  # at least 0.3 of the clip
    else:
        length_s = min(rng.uniform(*BOUTS_S[label]), 0.9 * clip_s)
        onset_s = rng.uniform(0, clip_s - length_s)
    return [(max(onset_s, 0.0), min(onset_s + length_s, clip_s), max(-onset_s, 0.0))]


def alarm_bell_ringing(rng: Generator, duration_s: float) -> np.ndarray:
    """Alarm clock, smoke alarm, doorbell or telephone: made to be heard, in a fixed rhythm.

    Twin bells are struck 10-25 times a second, gongs of inharmonic modes (0.8-3 kHz); quartz clocks beep
    at 2-4 kHz in groups; smoke alarms near 3.1 kHz in threes (ISO 8201); a doorbell's two bars fall by
    a third.
    """
    n = dsp.length(duration_s)
    kind = rng.choice(["bells", "beeps", "smoke", "door", "telephone"], p=[0.3, 0.3, 0.1, 0.1, 0.2])
    if kind == "telephone":
        return telephone(rng, duration_s)
    if kind == "bells":
        starts, lengths = solids.spells(rng, duration_s, rng.uniform(1, 12), rng.uniform(0.3, 1.5))
        gate = dsp.pulses(n, starts, lengths, attack=0.02, release=0.02)
        times = np.arange(0, duration_s, 1 / rng.uniform(10, 25))
        times = times + rng.normal(0, 0.0015, times.size)
        at = np.clip((times * dsp.CONTROL_RATE).astype(int), 0, gate.size - 1)
        force = gate[at] * np.exp(rng.normal(0, 0.12, times.size))
        gongs = {"lowest_hz": (800, 2800), "ring_s": (0.15, 1.2), "blow_s": 0.001}
        return solids.knocks(rng, n, times, force, **gongs, modes=int(rng.integers(4, 8)), dry=0.15)
    if kind == "door":
        first_s, gap_s = rng.uniform(0, 0.2), rng.uniform(0.25, 0.9)
        times = np.arange(first_s, max(duration_s, first_s + 0.01), rng.uniform(2.0, 4.0))
        low_hz = dsp.log_uniform(rng, 400, 900)
        bars = {"ring_s": (0.5, 2.0), "blow_s": 0.002, "objects": 1, "dry": 0.1}
        ding = solids.knocks(rng, n, times, 1.0, lowest_hz=(1.26 * low_hz,) * 2, **bars)
        dong = solids.knocks(rng, n, times + gap_s, 1.0, lowest_hz=(low_hz,) * 2, **bars)
        return ding + rng.uniform(0.5, 1.2) * dong
    return _beeps(rng, n, duration_s, smoke=kind == "smoke")


def _beeps(rng: Generator, n: int, duration_s: float, *, smoke: bool) -> np.ndarray:
    """A piezo disc: groups of equal beeps, a few harmonics, loud where the disc resonates."""
    on_s = rng.uniform(0.4, 0.55) if smoke else dsp.log_uniform(rng, 0.04, 0.35)
    gap_s = on_s if smoke else on_s * rng.uniform(0.5, 1.2)
    group = 3 if smoke else int(rng.integers(1, 5))
    pause_s = 1.5 if smoke else rng.uniform(0.1, 0.9)
    cycle_s = group * (on_s + gap_s) + pause_s
    firsts = np.arange(0, duration_s, cycle_s)
    starts = (firsts[:, None] + np.arange(group) * (on_s + gap_s)).ravel() + rng.uniform(0, 0.1)
    level = dsp.pulses(n, starts, np.full(starts.size, on_s), attack=0.03, release=0.05)
    base = rng.uniform(2900, 3300) if smoke else dsp.log_uniform(rng, 900, 4000)
    hz = np.full(dsp.controls(n), base)
    tone = solids.squeak(rng, n, hz, level, tilt=rng.uniform(0.8, 3.0), jitter=0.0, rough=0.0)
    centre = base * rng.uniform(0.8, 1.3)
    return dsp.shaped(tone, [200, centre, 3 * centre, 20000], [-18, 3, -6, -24])


def _motor(
    rng: Generator, n: int, turns_hz: np.ndarray, *, tilt: float, bars: int, whine: float
) -> np.ndarray:
    """A brushed motor at ``turns_hz`` (a control): harmonics of its turns, whining at its ``bars``."""
    count = int(np.clip(15000 / float(np.max(turns_hz)), bars + 1, 120))
    level = np.arange(1, count + 1) ** -tilt * np.exp(rng.normal(0, 0.6, count))
    level[bars - 1] += whine
    table = dsp.harmonic_table(level, rng.uniform(0, 2 * np.pi, count))
    uneven = turns_hz * (1 + 0.004 * dsp.wander(rng, n, 5))
    return dsp.look_up(table, dsp.phase(uneven, n))


def _switched(rng: Generator, n: int, duration_s: float, rise_s: float) -> np.ndarray:
    """Speed of a motor switched on at the beginning and off at the end (a control, 0..1)."""
    fall_s = min(rng.uniform(0.15, 0.5), 0.3 * duration_s)
    rise_s = min(rise_s, 0.3 * duration_s)
    times_s = [0, rise_s, duration_s - fall_s, duration_s]
    return dsp.contour(times_s, [0.1, 1.0, 1.0, 0.15], n)


def _spits(rng: Generator, n: int, density: np.ndarray, **click) -> np.ndarray:
    """Crackles as `solids.crackle` makes them, the tallest rounded: one must not outshout the rest."""
    return 5 * np.tanh(solids.crackle(rng, n, density, **click) / 5)


def blender(rng: Generator, duration_s: float) -> np.ndarray:
    """Blender: a fast motor under a jar of liquid, with ice or nuts that the blades break first.

    Universal motors turn 150-350 times a second, four or six blades beat the load at as many times that;
    chunks hit the glass (0.6-4 kHz) ever less often, and the load's slosh moves the speed.
    """
    n = dsp.length(duration_s)
    turns = dsp.log_uniform(rng, 150, 350)
    on = _switched(rng, n, duration_s, rng.uniform(0.1, 0.5))
    slosh = rng.uniform(0.01, 0.05) * dsp.wander(rng, n, rng.uniform(1.5, 6))
    thinner = 1 + rng.uniform(0, 0.15) * (1 - np.exp(-dsp.control_times(n) / rng.uniform(1, 5)))
    hz = turns * np.maximum(on * thinner * (1 + slosh), 0.05)
    motor = _motor(
        rng,
        n,
        hz,
        tilt=rng.uniform(0.5, 1.2),
        bars=int(rng.integers(10, 24)),
        whine=rng.uniform(0, 1),
    )
    blades = dsp.look_up(dsp.harmonic_table([1, 0.5, 0.3]), rng.choice([4, 6]) * dsp.phase(hz, n))
    churn_hz = dsp.log_uniform(rng, 500, 2500)
    points = [60, 0.3 * churn_hz, churn_hz, 5 * churn_hz, 19000], [-24, -8, 0, -8, -26]
    churn = dsp.coloured(rng, n, *points) * (1 + rng.uniform(0.2, 0.6) * blades)
    left = np.exp(-dsp.control_times(n) / dsp.log_uniform(rng, 0.5, 8.0))
    hits = _spits(
        rng,
        n,
        dsp.log_uniform(rng, 4, 60) * left,
        click_s=rng.uniform(0.003, 0.012),
        ring_hz=(600, 4000),
    )
    jar = dsp.resonators(churn, dsp.log_uniform(rng, 250, 2200, 3), [0.02] * 3, [1] * 3)
    out = dsp.unit(motor) + rng.uniform(0.3, 1.5) * churn + rng.uniform(0.2, 0.8) * dsp.unit(jar)
    return (out + rng.uniform(0.0, 1.0) * hits) * dsp.spread(on**1.5, n)


def electric_shaver_toothbrush(rng: Generator, duration_s: float) -> np.ndarray:
    """Shaver or toothbrush: a small buzz, pressed to cheek or teeth and moved about.

    Shavers turn at 90-180 Hz and crackle where they cut; sonic brushes swing at about 250 Hz,
    oscillating ones at 60-150 Hz. The mouth filters a brush, a vowel without a word (0.3-3 kHz), and each
    stroke changes load and filter one to five times a second.
    """
    n = dsp.length(duration_s)
    shaver = rng.random() < 0.5
    low, high = (90, 180) if shaver else ((230, 270) if rng.random() < 0.5 else (60, 150))
    on = _switched(rng, n, duration_s, rng.uniform(0.05, 0.2))
    stroke = dsp.wander(rng, n, dsp.log_uniform(rng, 1.0, 5.0))
    hz = (
        dsp.log_uniform(rng, low, high)
        * on
        * (1 - rng.uniform(0.005, 0.04) * np.clip(stroke, 0, 2))
    )
    level = on * np.exp(rng.uniform(0.1, 0.45) * stroke)
    tilt, rough = rng.uniform(0.3, 0.9), rng.uniform(0.05, 0.3)
    buzz = dsp.unit(solids.squeak(rng, n, hz, level, tilt=tilt, jitter=0.004, rough=rough))
    case = dsp.resonators(buzz, dsp.log_uniform(rng, 400, 6000, 4), [0.008] * 4, [1, 1, 0.8, 0.6])
    hiss = solids.rub(rng, n, level, [300, 2500, 7000, 19000], [-30, -6, 0, -14], grain_hz=60)
    out = 0.6 * buzz + dsp.unit(case) + rng.uniform(0.05, 0.5) * dsp.unit(hiss)
    out = dsp.shaped(
        out, [50, 400, 2000, 18000], [-24, -6, 0, -12]
    )  # a small case radiates no lows
    if shaver:
        cutting = dsp.log_uniform(rng, 10, 120) * level * (stroke > 0)
        hairs = _spits(rng, n, cutting, click_s=0.001, ring_hz=(2500, 9000))
        return out + rng.uniform(0.05, 0.5) * hairs
    wide, shut = np.array([650, 1200, 2600]), np.array([320, 900, 2300])
    size, mix = rng.uniform(0.85, 1.2), dsp.spread(0.5 + 0.5 * np.tanh(stroke), n)
    mouth = mix * dsp.tract(out, size * wide, [120, 160, 250]) + (1 - mix) * dsp.tract(
        out, size * shut, [100, 140, 220]
    )
    return dsp.unit(out) + rng.uniform(0.3, 1.2) * dsp.unit(mouth)


def frying(rng: Generator, duration_s: float) -> np.ndarray:
    """Frying: fat that sizzles and spits; something is turned over now and then.

    Drops of water burst to steam in hundreds of crackles a second whose energies follow a power law,
    most of it above 2 kHz; a fresh side sizzles up and dies away within seconds; pans ring at 0.4-3 kHz
    under a spatula.
    """
    n = dsp.length(duration_s)
    turned = dsp.poisson_times(rng, rng.uniform(0.02, 0.3), duration_s)
    heat = rng.uniform(0.5, 1.0) * np.exp(rng.uniform(0.05, 0.3) * dsp.wander(rng, n, 0.6))
    fades_s, fresh = rng.uniform(0.5, 3.0), rng.uniform(0.0, 1.5)
    for start_s in turned:
        after_s = dsp.control_times(n) - start_s
        heat += fresh * (after_s > 0) * np.exp(-np.maximum(after_s, 0) / fades_s)
    spit = _spits(
        rng,
        n,
        dsp.log_uniform(rng, 40, 500) * heat,
        click_s=dsp.log_uniform(rng, 0.0008, 0.006),
        ring_hz=(1500, dsp.log_uniform(rng, 4000, 12000)),
    )
    knee = dsp.log_uniform(rng, 3000, 9000)
    points = [100, 700, knee, 19000], [-36, rng.uniform(-18, -8), 0, rng.uniform(-16, -2)]
    sizzle = solids.rub(rng, n, heat, *points, grain_hz=rng.uniform(20, 60), depth=0.25)
    bubble = _spits(rng, n, dsp.log_uniform(rng, 5, 60) * heat, click_s=0.01, ring_hz=(300, 1500))
    out = dsp.unit(sizzle) + rng.uniform(0.2, 1.2) * spit + rng.uniform(0.0, 0.4) * bubble
    strokes = (turned[:, None] - 0.15 + rng.uniform(0, 0.3, (turned.size, 3))).ravel()
    pan = solids.knocks(
        rng,
        n,
        strokes,
        rng.uniform(0.3, 1, strokes.size),
        lowest_hz=(400, 1200),
        ring_s=(0.08, 0.5),
        blow_s=0.004,
    )
    return out + rng.uniform(0.0, 2.0) * (rng.random() < 0.5) * pan


def vacuum_cleaner(rng: Generator, duration_s: float) -> np.ndarray:
    """Vacuum cleaner: the roar of air through hose and nozzle over the whine of a fast turbine.

    Turbines turn 250-600 times a second with seven to nine vanes; the hose is a pipe whose modes
    colour the roar; pushed to and fro (0.3-1 Hz), the nozzle shuts and opens: less air, faster motor.
    """
    n = dsp.length(duration_s)
    turns = dsp.log_uniform(rng, 250, 600)
    on = _switched(rng, n, duration_s, rng.uniform(0.3, 1.2))
    pace = dsp.log_uniform(rng, 0.3, 1.0) * np.exp(0.2 * dsp.wander(rng, n, 0.4))
    sweep = np.sin(2 * np.pi * np.cumsum(pace) / dsp.CONTROL_RATE + rng.uniform(0, 6.28))
    shut = np.clip(sweep * rng.uniform(0.1, 0.8) + 0.2 * dsp.wander(rng, n, 1.5), -1, 1)
    hz = turns * np.maximum(on * (1 + rng.uniform(0.01, 0.06) * shut), 0.05)
    tilt, vanes = rng.uniform(0.6, 1.4), int(rng.integers(7, 10))
    turbine = _motor(rng, n, hz, tilt=tilt, bars=vanes, whine=rng.uniform(0.2, 1.2))
    air_hz = dsp.log_uniform(rng, 350, 1600)
    points = [40, 0.35 * air_hz, air_hz, 4 * air_hz, 19000], [-16, -5, 0, rng.uniform(-10, -3), -26]
    air = dsp.coloured(rng, n, *points) * dsp.spread(np.exp(-0.35 * shut), n)
    pipe_hz = dsp.log_uniform(rng, 80, 220) * np.array([1, 2, 3, 4, 5])
    hose = dsp.resonators(
        air, pipe_hz * rng.uniform(0.97, 1.03, 5), [0.05] * 5, [1, 1, 0.8, 0.7, 0.5]
    )
    out = air + rng.uniform(0.2, 0.9) * dsp.unit(hose) + rng.uniform(0.1, 0.7) * dsp.unit(turbine)
    grit = dsp.log_uniform(rng, 0.5, 15) * np.clip(sweep, 0, 1)
    picked = _spits(rng, n, grit, click_s=0.003, ring_hz=(1200, 6000))
    return (out + rng.uniform(0.0, 0.3) * picked) * dsp.spread(on**1.5, n)


RECIPES: dict[str, Callable[[Generator, float], np.ndarray]] = {
    "Alarm_bell_ringing": alarm_bell_ringing,
    "Blender": blender,
    "Cat": cat_meowing,
    "Dishes": dishes,
    "Dog": dog_barking,
    "Electric_shaver_toothbrush": electric_shaver_toothbrush,
    "Frying": frying,
    "Running_water": water_tap_running,
    "Vacuum_cleaner": vacuum_cleaner,
}
