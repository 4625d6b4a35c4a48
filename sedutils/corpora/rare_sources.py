"""What rare-event mixtures are made of: foley, a bank of clips, or the challenge's source data.

Each source gives two tables, `EVENTS` (a row an isolated event: where it lies in which file) and
`BACKGROUNDS` (a row a recording). ``label`` is the target class, or the scene; ``group`` is what must
stay in one split: a source recording, a location. ``path`` is relative to the corpus folder or
absolute, as in recordings.csv.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.corpora import bank, corpus, mixing, rare_foley
from sedutils.corpora.official import tut_rare_2017
from sedutils.pipeline import files, jobs

EVENTS = ["path", "label", "split", "group", "segment_onset_s", "segment_offset_s"]
BACKGROUNDS = ["path", "label", "split", "group", "duration_s"]
SPLIT_OF = {"train": "train", "validation": "development", "test": "evaluation"}  # of a bank
SEAM_S = 0.25  # clips of a bank cross-fade over this
CLIP_RANGE_DB = 60.0  # what is further below a clip's loudest frame is the padding at its ends


def find(
    source: str, settings: dict, folder: Path, *, backend: str, workers: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and backgrounds of a source, a share of the training ones held out for validation.

    Made sound is written to ``sources/`` in the corpus folder; the rest is left where it lies.
    """
    if source == "foley":
        found = from_foley(settings, folder, backend=backend, workers=workers)
    elif source == "bank":
        return from_bank(settings, folder)  # which holds out before it joins clips
    else:
        found = [
            corpus.rebase(table, settings["official"], folder)
            for table in tut_rare_2017.read_sources(settings["official"])
        ]
    return tuple(hold_out(found, share=settings["validation_share"], seed=settings["seed"]))


def hold_out(tables: list[pd.DataFrame], *, share: float, seed: int) -> list[pd.DataFrame]:
    """Make a share of the groups that train validate, rounded up: class by class, all scenes as one.

    A group goes whole, in whichever tables it is; a single group stays for training.
    """
    training = pd.concat([table[table["split"] == "train"] for table in tables])
    target = training["label"].isin(tut_rare_2017.LABELS)
    held: set[str] = set()
    for label, rows in training.groupby(training["label"].where(target, "background")):
        names = sorted(rows["group"].unique())
        rest = [name for name in names if name not in held]
        wanted = int(np.ceil(share * len(names))) - (len(names) - len(rest))
        if len(names) > 1 and wanted > 0:
            rng = np.random.default_rng(mixing.stable_seed(seed, "validation", label))
            held.update(rng.choice(rest, wanted, replace=False).tolist())
    return [
        table.assign(split=table["split"].mask(table["group"].isin(held), "validation"))
        for table in tables
    ]


def from_foley(settings: dict, folder: Path, *, backend: str, workers: int) -> list[pd.DataFrame]:
    """Make events and backgrounds, one file each; every one of them is a group of its own."""
    seed = settings["seed"]
    events = rare_foley.plan_events(settings["events_share"], seed=seed)
    places = rare_foley.plan_backgrounds(settings["backgrounds_share"], seed=seed)
    events["path"] = "sources/events/" + events["source"] + ".wav"
    places["path"] = "sources/backgrounds/" + places["source"] + ".wav"
    limits = {"range_db": settings["annotation_range_db"], "gap_s": settings["annotation_gap_s"]}
    spread = {"backend": backend, "workers": workers}
    lengths = jobs.parallel(
        rare_foley.write_event, tasks(events, folder, "clip_s", **limits), label="events", **spread
    )
    length_s = settings["clip_s"]
    jobs.parallel(
        rare_foley.write_background,
        tasks(places, folder, "level_db", duration_s=length_s),
        label="backgrounds",
        **spread,
    )
    events = events.assign(group=events["source"], segment_onset_s=0.0, segment_offset_s=lengths)
    return [events[EVENTS], places.assign(group=places["source"], duration_s=length_s)[BACKGROUNDS]]


def tasks(table: pd.DataFrame, folder: Path, own: str, **common) -> list[dict]:
    """The arguments of `rare.write_event` or `rare.write_background` for each row."""
    return [
        {"path": folder / row["path"], "label": row["label"], "seed": int(row["seed"])}
        | {own: row[own]}
        | common
        for _, row in table.iterrows()
    ]


def from_bank(settings: dict, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events are the sounding stretches of the clips of a class; clips of other classes make backgrounds.

    The bank's validation clips go into the development mixtures, its test clips into the
    evaluation mixtures. ValueError where the bank has no target class.
    """
    place = Path(settings["bank"])
    there = set(bank.labels_in(place))
    wanted = settings["bank_events"]
    names = {wanted[label]: label for label in tut_rare_2017.LABELS if wanted[label] in there}
    if not names:
        raise ValueError(f"{place}: no clips of label {', '.join(map(repr, wanted.values()))}")
    backgrounds = list(settings["bank_backgrounds"])
    clips = bank.Bank(place, labels=[*names, *backgrounds], seed=settings["seed"])
    table = clips.instances.replace({"label": names}).replace({"split": SPLIT_OF})
    (table,) = hold_out([table], share=settings["validation_share"], seed=settings["seed"])
    events = bank_events(clips, table[table["label"].isin(list(names.values()))], settings)
    joined = [
        join_background(clips, rows, folder / "sources" / "backgrounds", settings)
        for _, rows in table[table["label"].isin(backgrounds)].groupby(["label", "split"])
    ]
    events = corpus.rebase(events.rename(columns={"instance": "path"}), place, folder)
    return events[EVENTS], pd.DataFrame(joined, columns=BACKGROUNDS)


def bank_events(clips: bank.Bank, table: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Every stretch of a clip that sounds is an event, unless it is over in an instant."""
    range_db, gap_s = settings["bank_annotation_range_db"], settings["bank_annotation_gap_s"]
    rows = []
    for _, clip in table.iterrows():
        stretches = mixing.sounding(clips.load(clip["instance"]), range_db=range_db, gap_s=gap_s)
        for onset_s, offset_s in stretches:
            if offset_s - onset_s >= rare_foley.SHORTEST_S:
                times = {"segment_onset_s": onset_s, "segment_offset_s": offset_s}
                rows.append(clip.to_dict() | times)
    return pd.DataFrame(rows)


def join_background(
    clips: bank.Bank, table: pd.DataFrame, folder: Path, settings: dict
) -> tuple[str, str, str, str, float]:
    """Join the clips of one class and split into one background and write it; returns its row."""
    label, split = table["label"].iloc[0], table["split"].iloc[0]
    rng = np.random.default_rng(mixing.stable_seed(settings["seed"], "background", label, split))
    pieces = []
    for name in table["instance"]:
        ((onset_s, offset_s),) = mixing.sounding(
            clips.load(name), range_db=CLIP_RANGE_DB, gap_s=np.inf
        )
        start, stop = (
            round(onset_s * mixing.SAMPLE_RATE),
            round(offset_s * mixing.SAMPLE_RATE),
        )
        pieces.append(clips.load(name)[start:stop])
    audio = cross_faded(pieces, rng, least_s=settings["clip_s"])
    path = folder / f"{label}-{split}.wav"
    files.write_wav(path, audio, mixing.SAMPLE_RATE)
    place = f"sources/backgrounds/{path.name}"
    return place, label, split, f"{label}-{split}", len(audio) / mixing.SAMPLE_RATE


def cross_faded(
    pieces: list[np.ndarray], rng: np.random.Generator, *, least_s: float
) -> np.ndarray:
    """Pieces of equal level one after another in random order, again and again until `least_s` is filled.

    Every piece comes once at least. Neighbours cross-fade with equal power over `SEAM_S`; pieces
    too short for two seams are left out, ValueError where no piece is left.
    """
    seam = round(SEAM_S * mixing.SAMPLE_RATE)
    pieces = [piece for piece in pieces if len(piece) > 2 * seam]
    if not pieces:
        raise ValueError(f"no clip for a background lasts {2 * SEAM_S} s")
    ramp = np.sin(np.linspace(0, np.pi / 2, seam, dtype=np.float32))
    deck, out = mixing.Deck(rng, range(len(pieces))), np.zeros(0, np.float32)
    count = 0
    while count < len(pieces) or len(out) < least_s * mixing.SAMPLE_RATE:
        piece = mixing.at_level(pieces[deck.next()], mixing.LEVEL_DB)
        if len(out):
            piece[:seam] = piece[:seam] * ramp + out[-seam:] * ramp[::-1]
        out = np.concatenate([out[:-seam] if len(out) else out, piece])
        count += 1
    return out * np.float32(min(1.0, mixing.PEAK / float(np.abs(out).max())))
