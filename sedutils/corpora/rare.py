"""Rare-event mixtures: half a minute of a place, and in it one event of a target class or none.

The corpus `tut_rare_2017` (DCASE 2017 challenge, task 2; Kao et al. 2018, Sec. 3.1; gradual network,
Sec. 3). A recording belongs to the detector of one class, which is its ``scene``. A recording is a
recipe, a row of recipes.csv, from which `sedutils.corpora.recipes.render` makes its audio. So the papers'
training sets need no more than their sources on disk: whether mixtures are written is the setting
``audio``.

Both papers train on the split ``train``, which holds two sets that differ in ``event_probability``:
0.5 (pre-training of Kao et al., and the gradual network, which takes the first of it) and 0.99
(detection, Kao et al.). The other splits have 0.5, as the challenge's own.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.corpora import corpus, mixing, rare_sources
from sedutils.corpora.checks import TABLES
from sedutils.corpora.official import tut_rare_2017
from sedutils.corpora.recipes import SAMPLE_RATE, render
from sedutils.pipeline import files, jobs

NAME = "tut_rare_2017"
SPLITS = {
    "pretraining": "train",
    "detection": "train",
    "validation": "validation",
    "development": "development",
    "evaluation": "evaluation",
}
READY_MADE = ("development", "evaluation")  # of the official source
COLUMNS = list(TABLES["recipes.csv"])
TIMES = ["background_cut_s", "segment_onset_s", "segment_offset_s", "onset_s"]


def make(source: str, settings: dict, folder: Path, *, backend: str, workers: int) -> corpus.Corpus:
    """Write the corpus from ``source`` into a folder, and open it, its audio checked.

    Parameters
    ----------
    source : "foley", "bank" or "official"; of the last, development and evaluation mixtures are
        the challenge's, training and validation are mixed here from its source data
    settings : section ``corpora.tut_rare_2017`` of params.yaml
    backend, workers : section ``jobs``; neither changes a byte

    Raises
    ------
    ValueError : for another source; what readers and mixers raise names file, setting or source
    """
    if source not in ("foley", "bank", "official"):
        raise ValueError(f"corpora.{NAME}.source = {source!r}: none of foley, bank, official")
    with files.whole_folder(folder) as part:
        write(source, settings, part, backend=backend, workers=workers)
    return corpus.read(folder, check_audio=True)


def write(source: str, settings: dict, folder: Path, *, backend: str, workers: int) -> None:
    """Find the sounds, plan and mix the clips, and write the corpus into an empty folder."""
    clips, theirs = dict(settings["clips"]), None
    if source == "official":
        theirs = tut_rare_2017.read(settings["official"])
        clips = {name: count for name, count in clips.items() if name not in READY_MADE}
    events, backgrounds = rare_sources.find(
        source, settings, folder, backend=backend, workers=workers
    )
    recordings, recipes = plan(events, backgrounds, settings, clips)
    if settings["audio"]:
        recordings["path"] = "audio/" + recordings["recording"] + ".wav"
        write_audio(recordings, recipes, folder, backend=backend, workers=workers)
    labels = [label for label in tut_rare_2017.LABELS if label in set(recordings["scene"])]
    marked = annotation(recordings, recipes)
    if theirs:
        read = corpus.rebase(theirs[0], settings["official"], folder)
        recordings = pd.concat([recordings, read], ignore_index=True)
        marked = pd.concat([marked, theirs[1]], ignore_index=True)
    corpus.write(folder, recordings, marked, labels, recipes=recipes)


def plan(
    events: pd.DataFrame, backgrounds: pd.DataFrame, settings: dict, clips: dict[str, int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw the mixtures of every class.

    Parameters
    ----------
    events, backgrounds : the tables of `rare_sources`
    clips : set (a key of `SPLITS`) -> how many mixtures of each class

    Returns
    -------
    recordings : the columns of recordings.csv, paths empty
    recipes : those of recipes.csv

    Raises
    ------
    ValueError : a split lacks events of a class or backgrounds, or a source does not fit the clip
    """
    length_s = settings["clip_s"]
    longest = events["segment_offset_s"] - events["segment_onset_s"]
    refuse(events, longest > length_s, longest, f"an event longer than a clip of {length_s:g} s")
    refuse(
        backgrounds,
        backgrounds["duration_s"] < length_s - corpus.HOP_S,
        backgrounds["duration_s"],
        f"a background shorter than a clip of {length_s:g} s",
    )
    tables = []
    for label in sorted(events["label"].unique()):
        for name, count in clips.items():
            split = SPLITS[name]
            own = events[(events["label"] == label) & (events["split"] == split)]
            places = backgrounds[backgrounds["split"] == split]
            for table, what in ((own, f"event of {label}"), (places, "background")):
                if table.empty:
                    raise ValueError(f"no {what} for the {split} mixtures")
            recipes = draw(f"{label}-{name}", count, own, places, settings)
            tables.append(recipes.assign(scene=label, split=split))
    drawn = pd.concat(tables, ignore_index=True)
    recordings = drawn[["recording", "scene", "split"]].assign(
        path="", duration_s=length_s, sample_rate=SAMPLE_RATE
    )
    return recordings, drawn[COLUMNS]


def refuse(table: pd.DataFrame, bad: pd.Series, length_s: pd.Series, what: str) -> None:
    if bad.any():
        path, length_s = table["path"][bad].iloc[0], length_s[bad].iloc[0]
        raise ValueError(f"{path}: {what} ({length_s:.6g} s)")


def draw(
    name: str, count: int, events: pd.DataFrame, backgrounds: pd.DataFrame, settings: dict
) -> pd.DataFrame:
    """The recipes of one set of one class, recordings ``<name>-<number>``.

    As the challenge draws them: exactly the share of clips that the probability says has an event, at
    random; ratio and onset are uniform, the event wholly inside. Sources are dealt evenly, where the
    challenge draws each time from all: a small set then uses as many of them as it can.
    """
    rng = np.random.default_rng(mixing.stable_seed(settings["seed"], name))
    key = "detection_event_probability" if name.endswith("detection") else "event_probability"
    probability, length_s = settings[key], settings["clip_s"]
    present = rng.permutation(np.arange(count) < round(count * probability))
    event_deck = mixing.Deck(rng, range(len(events)))
    background_deck = mixing.Deck(rng, range(len(backgrounds)))
    rows = []
    for number in range(count):
        background = backgrounds.iloc[background_deck.next()]
        cut_s = rng.uniform(0, max(0.0, background["duration_s"] - length_s))
        row = [f"{name}-{number:04d}", probability, background["path"], cut_s]
        if present[number]:
            event = events.iloc[event_deck.next()]
            first_s, last_s = event["segment_onset_s"], event["segment_offset_s"]
            onset_s = rng.uniform(0, length_s - (last_s - first_s))
            ebr_db = rng.choice(settings["ebr_db"])
            row += [event["path"], first_s, last_s, onset_s, ebr_db]
        else:
            row += ["", np.nan, np.nan, np.nan, np.nan]
        rows.append(row)
    # microseconds, as the table is written: the recipe read back makes the same samples
    return pd.DataFrame(rows, columns=COLUMNS).round(dict.fromkeys(TIMES, 6))


def annotation(recordings: pd.DataFrame, recipes: pd.DataFrame) -> pd.DataFrame:
    """The events of all recipes that have one: recording, onset_s, offset_s, label."""
    label = recordings.set_index("recording")["scene"]
    rows = recipes[recipes["event"] != ""]
    lasting_s = rows["segment_offset_s"] - rows["segment_onset_s"]
    table = rows[["recording", "onset_s"]].assign(
        offset_s=(rows["onset_s"] + lasting_s).round(6), label=rows["recording"].map(label)
    )
    return table[list(corpus.EVENTS)].reset_index(drop=True)


def write_audio(recordings, recipes, folder: Path, *, backend: str, workers: int) -> None:
    """Render all mixtures to their paths."""
    given = zip(recordings.itertuples(), recipes.itertuples(), strict=True)
    tasks = [
        {
            "recipe": recipe,
            "folder": folder,
            "path": folder / row.path,
            "duration_s": row.duration_s,
        }
        for row, recipe in given
    ]
    jobs.parallel(write_mixture, tasks, label="mixtures", backend=backend, workers=workers)


def write_mixture(*, recipe, folder: Path, path: Path, duration_s: float) -> None:
    """Render one mixture to a file."""
    files.write_wav(path, render(recipe, folder, duration_s=duration_s), SAMPLE_RATE)


def summary(made: corpus.Corpus) -> pd.DataFrame:
    """What the corpus holds: clips, clips with an event, minutes and distinct sources, by class and split."""
    table = made.recordings.merge(made.recipes, on="recording", how="left")
    table["sounding"] = table["recording"].isin(made.events["recording"])
    table["event"] = table["event"].replace("", np.nan)
    table["split"] = pd.Categorical(table["split"], made.splits, ordered=True)
    groups = table.groupby(["scene", "split"], observed=True)
    rows = {
        "clips": groups.size(),
        "with event": groups["sounding"].sum(),
        "minutes": (groups["duration_s"].sum() / 60).round(1),
        "events": groups["event"].nunique(),
        "backgrounds": groups["background"].nunique(),
    }
    return pd.DataFrame(rows).rename_axis(["class", "split"])


def median_lengths(made: corpus.Corpus, published: pd.DataFrame) -> pd.DataFrame:
    """Median length of the training events in seconds, ours beside the paper's.

    ``published`` has the columns event, median_s (gradual network, Table 2). Each isolated event
    counts once, however often it is mixed.
    """
    names = made.recordings_of("train")[["recording", "scene"]]
    rows = made.recipes[made.recipes["event"] != ""].merge(names, on="recording")
    rows = rows.drop_duplicates(["event", "segment_onset_s"])
    lasting_s = (rows["segment_offset_s"] - rows["segment_onset_s"]).groupby(rows["scene"])
    table = pd.DataFrame({"events": lasting_s.size(), "median_s": lasting_s.median().round(2)})
    table["paper_median_s"] = published.set_index("event")["median_s"].reindex(table.index)
    return table.reindex(list(made.labels)).rename_axis("class")
