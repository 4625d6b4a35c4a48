"""A home in chunks of four seconds, tagged with the seven labels of CHiME-Home; no events.

``plan`` draws a corpus: recordings in segments of several chunks (the column ``group``) that share
a family, a television and a room; folds and evaluation share no voice and no seed. ``chunk`` makes
one chunk. The shares of the labels are common sense, since none are published: people are heard in
most chunks, children most of all, most chunks have one to three labels.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.random import Generator

from sedutils.foley import dsp, home_sounds, talk
from sedutils.foley.recording import microphone_curve, room_response
from sedutils.foley.speech import KINDS, Speaker, cast, deal

SECONDS = 4.0
_Source = Callable[[Generator, Sequence[Speaker], Sequence[Speaker]], np.ndarray]
_SOURCES: dict[str, _Source] = {
    "child_speech": lambda rng, family, _: talk.child_speech(rng, SECONDS, family),
    "male_speech": lambda rng, family, _: talk.male_speech(rng, SECONDS, family),
    "female_speech": lambda rng, family, _: talk.female_speech(rng, SECONDS, family),
    "video_game_or_tv": lambda rng, _, programme: home_sounds.television(rng, SECONDS, programme),
    "percussive_sound": lambda rng, *_: home_sounds.percussive_sound(rng, SECONDS),
    "broadband_noise": lambda rng, *_: home_sounds.broadband_noise(rng, SECONDS),
    "other_sound": lambda rng, *_: home_sounds.other_sound(rng, SECONDS),
}
LABELS = tuple(_SOURCES)

# what a family is doing: how often, and the odds of each label (in the order of LABELS) meanwhile
_ACTIVITIES = {
    "play": (0.30, (0.85, 0.15, 0.25, 0.08, 0.45, 0.03, 0.30)),
    "talk": (0.22, (0.40, 0.50, 0.60, 0.05, 0.15, 0.03, 0.12)),
    "television": (0.25, (0.30, 0.20, 0.20, 0.95, 0.12, 0.03, 0.10)),
    "kitchen": (0.14, (0.30, 0.20, 0.40, 0.08, 0.60, 0.45, 0.15)),
    "cleaning": (0.09, (0.20, 0.12, 0.20, 0.05, 0.25, 0.85, 0.12)),
}
_LEVEL_DB = (-34.0, -16.0)  # of the loudest source: RMS where it sounds, full scale 0


def draw_activity(rng: Generator) -> str:
    """What the family is doing."""
    names = list(_ACTIVITIES)
    return names[rng.choice(len(names), p=[share for share, _ in _ACTIVITIES.values()])]


def draw_tags(rng: Generator, activity: str | None = None) -> tuple[str, ...]:
    """Labels of one chunk, at least one, in the order of ``LABELS``."""
    odds = np.array(_ACTIVITIES[activity or draw_activity(rng)][1])
    present = rng.random(odds.size) < odds
    while not present.any():
        present = rng.random(odds.size) < odds
    return tuple(label for label, here in zip(LABELS, present, strict=True) if here)


def chunk(
    tags: Sequence[str],
    *,
    seed: int,
    speakers: Sequence[Speaker],
    programme: Sequence[Speaker] = (),
    room_seed: int | None = None,
) -> np.ndarray:
    """Four seconds of a home with the sounds of ``tags``, shape (176400,) float32, peak <= 0.95.

    speakers: the family; needs the kinds that ``tags`` name. programme: voices of the television.
    room_seed: of room, microphone and background (default: ``seed``). Levels vary as they do in a
    home: nothing is normalised. No tags: the room alone. ValueError for an unknown tag.
    """
    unknown = [tag for tag in tags if tag not in _SOURCES]
    if unknown:
        raise ValueError(f"home: unknown tag {unknown[0]!r}; known: {', '.join(LABELS)}")
    rng = np.random.default_rng([seed, 0x40E])
    room = np.random.default_rng([seed if room_seed is None else room_seed, 0x400])
    response = dsp.shaped(room_response(room, "room"), *microphone_curve(room))
    loudest_db, out = rng.uniform(*_LEVEL_DB), np.zeros(dsp.length(SECONDS), dtype=np.float32)
    order = rng.permutation(len(tags))
    for place, tag in enumerate(sorted(tags, key=LABELS.index)):
        # a source of its own randomness: what else sounds does not change it
        own = np.random.default_rng([seed, 1 + LABELS.index(tag)])
        under_db = 0.0 if order[place] == 0 else rng.uniform(0, 15)
        sound = _active_unit(_SOURCES[tag](own, speakers, programme))
        out += (10 ** ((loudest_db - under_db) / 20) * sound).astype(np.float32)
    out = dsp.convolve(out, response) + _background(room, rng)
    return (out * min(1.0, 0.95 / max(float(np.abs(out).max()), 1e-9))).astype(np.float32)


def _active_unit(x: np.ndarray) -> np.ndarray:
    """``x`` at RMS one over its loud parts (20 ms blocks within 20 dB of the loudest)."""
    power = np.mean(x[: x.size // 882 * 882].reshape(-1, 882) ** 2, axis=1)
    return x / max(float(np.sqrt(power[power >= 0.01 * power.max()].mean())), 1e-9)


def _background(room: Generator, rng: Generator) -> np.ndarray:
    """The quiet room, some -60 dB: street and house rumble, mains hum, a fridge, preamp hiss.

    ``room`` draws what stays the same in a group of chunks, ``rng`` the noise itself.
    """
    n = dsp.length(SECONDS)
    levels = [0, rng.uniform(-4, 0), room.uniform(-22, -10), room.uniform(-36, -22), -40]
    rumble = dsp.coloured(rng, n, [30, 120, 700, 4000, 18000], levels)
    hum = dsp.harmonic_table(room.exponential(1.0, 8) / np.arange(1, 9))
    tone = dsp.look_up(hum, 50 * np.arange(n) / dsp.SAMPLE_RATE + rng.uniform())
    hiss = dsp.noise(rng, n)
    parts = rumble + room.uniform(0, 0.5) * tone + dsp.log_uniform(room, 0.03, 0.3) * hiss
    drift = dsp.spread(np.exp(0.15 * dsp.wander(rng, n, 0.5)), n)
    return 10 ** (room.uniform(-68, -52) / 20) * parts * drift


def plan(
    seed: int, development: int, evaluation: int, folds: int = 4
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A corpus of ``development`` chunks in ``folds`` and ``evaluation`` chunks: recipes and cast.

    Returns
    -------
    recordings: recording, fold (1.. for development, 0 for evaluation), group, tags, seed,
        room_seed, speakers, programme; the last two and tags are names with spaces between
    speakers: the table of ``speech.deal``; its group is the fold
    """
    if development < folds or evaluation < 1 or folds < 1:
        raise ValueError(
            f"home: {development} development chunks for {folds} folds, {evaluation} for evaluation"
        )
    people = deal(seed, [f"fold{fold}" for fold in range(folds + 1)], each=12)
    sizes = [evaluation, *(len(part) for part in np.array_split(np.arange(development), folds))]
    parts = []
    for fold, size in enumerate(sizes):
        mine = people[people["group"] == f"fold{fold}"]
        parts.append(_fold(np.random.SeedSequence([seed, 0x406, fold]), fold, size, mine))
    return pd.concat(parts, ignore_index=True), people


def _fold(source: np.random.SeedSequence, fold: int, size: int, people: pd.DataFrame):
    """The chunks of one fold: segments of 3 to 9 chunks, each of one family in one room."""
    rng, rows, segment = np.random.default_rng(source), [], 0
    while len(rows) < size:
        group = f"home-f{fold}-s{segment:03d}"
        names = {kind: rng.permutation(people["speaker"][people["kind"] == kind]) for kind in KINDS}
        family = [names["male"][0], names["female"][0], *names["child"][: rng.integers(1, 3)]]
        shared = {"fold": fold, "group": group, "room_seed": _new_seed(source)}
        voices = [names["male"][1], names["female"][1]]  # on television, nobody of the family
        usual = draw_activity(rng)
        for number in range(min(int(rng.integers(3, 10)), size - len(rows))):
            activity = usual if rng.random() < 0.75 else draw_activity(rng)
            row = {"recording": f"{group}-c{number}", **shared, "seed": _new_seed(source)}
            row |= {"tags": " ".join(draw_tags(rng, activity)), "speakers": " ".join(family)}
            rows.append(row | {"programme": " ".join(voices)})
        segment += 1
    order = ["recording", "fold", "group", "tags", "seed", "room_seed", "speakers", "programme"]
    return pd.DataFrame(rows)[order]


def _new_seed(source: np.random.SeedSequence) -> int:
    """A seed nobody else has: 53 bits, which any table keeps exactly."""
    return int(source.spawn(1)[0].generate_state(1, np.uint64)[0] >> np.uint64(11))


def made(recording: pd.Series, people: pd.DataFrame) -> np.ndarray:
    """The audio of one row of ``plan``."""
    names = recording["speakers"].split() + recording["programme"].split()
    known = cast(people[people["speaker"].isin(names)])
    return chunk(
        recording["tags"].split(),
        seed=int(recording["seed"]),
        room_seed=int(recording["room_seed"]),
        speakers=[known[name] for name in recording["speakers"].split()],
        programme=[known[name] for name in recording["programme"].split()],
    )
