"""The recorded corpora: made here by foley, or read where the official ones lie. All of them come with folds.

Cakir et al. 2017 (Sec. III-A): TUT-SED 2009 and TUT Sound Events 2016 are scenes with events, CHiME-Home is
chunks with tags: its fold 0 trains on the development chunks and tests on the evaluation chunks, its other
folds divide the development chunks. Phan et al. 2018 (Sec. 4.1): ITC-Irst is sessions of isolated events;
a fold validates on one training session, and all folds test on the same three.
"""

from pathlib import Path

import pandas as pd

from sedutils import claims, corpus, files, jobs, mixing, places, scene_mixing, session_mixing
from sedutils.foley import home
from sedutils.official import chime_home, itc_irst, tut_sed_2009, tut_sound_events_2016
from sedutils.tables import DATASETS

READERS = {
    "tut_sed_2009": tut_sed_2009,
    "tut_sound_events_2016": tut_sound_events_2016,
    "chime_home": chime_home,
    "itc_irst": itc_irst,
}


def make(
    name: str, source: str, settings: dict, folder: Path, *, backend: str, workers: int
) -> corpus.Corpus:
    """Write the corpus ``name`` from ``source`` into a folder, and open it, its audio checked.

    Parameters
    ----------
    source : "foley" or "official"
    settings : the section of ``corpora`` of params.yaml
    backend, workers : section ``jobs``; neither changes a byte

    Raises
    ------
    ValueError : for another name or source; what readers and makers raise names file or setting
    """
    if name not in READERS:
        raise ValueError(f"recorded: no corpus {name!r}; known: {', '.join(READERS)}")
    if source not in ("foley", "official"):
        raise ValueError(f"corpora.{name}.source = {source!r}: neither foley nor official")
    with files.whole_folder(folder) as part:
        if source == "official":
            take_over(name, settings, part)
        elif name == "chime_home":
            make_chunks(settings, part, backend=backend, workers=workers)
        elif name == "itc_irst":
            session_mixing.build(part, settings, backend=backend, workers=workers)
        else:
            scene_mixing.build(name, part, settings, backend=backend, workers=workers)
    return corpus.read(folder, check_audio=True)


def take_over(name: str, settings: dict, folder: Path) -> None:
    """Write the tables of an official corpus; its audio stays where it lies.

    A share of the training recordings of every fold is held out for validation (Sec. III-A, reading
    A28): recordings of every scene, or whole five-minute segments of CHiME-Home. The folds of
    ITC-Irst say themselves which session validates.
    """
    found, labelled, labels, folds = READERS[name].read(settings["official"])
    if "validation" not in set(folds.split):
        share, seed = settings["validation_share"], settings["seed"]
        folds = corpus.hold_out(folds, found, share=share, seed=seed)
    recordings = found.drop(columns="group", errors="ignore").assign(split="")
    recordings = corpus.rebase(recordings, settings["official"], folder)
    tables = {"events": None, "tags": labelled} if name == "chime_home" else {"events": labelled}
    corpus.write(folder, recordings, labels=labels, folds=folds, **tables)


def make_chunks(settings: dict, folder: Path, *, backend: str, workers: int) -> None:
    """Make a home in chunks by `sedutils.foley.home`, one file a chunk."""
    plan, people = home.plan(settings["seed"], settings["development"], settings["evaluation"])
    tasks = [
        {"row": row, "people": people, "path": folder / "audio" / f"{row['recording']}.wav"}
        for _, row in plan.iterrows()
    ]
    jobs.parallel(write_chunk, tasks, label="chunks", backend=backend, workers=workers)
    recordings = pd.DataFrame(
        {
            "recording": plan.recording,
            "path": "audio/" + plan.recording + ".wav",
            "duration_s": home.SECONDS,
            "sample_rate": mixing.SAMPLE_RATE,
            "scene": "home",
            "split": "",
        }
    )
    tags = [(row.recording, tag) for row in plan.itertuples() for tag in row.tags.split()]
    tags = pd.DataFrame(tags, columns=["recording", "label"])
    corpus.write(folder, recordings, None, home.LABELS, tags=tags, folds=folds_of(plan, settings))


def write_chunk(*, row: pd.Series, people: pd.DataFrame, path: Path) -> None:
    """Make one chunk; speech comes from a process of its own, so nothing depends on the order."""
    files.write_wav(path, home.made(row, people), mixing.SAMPLE_RATE)


def folds_of(plan: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """The folds of a made home (fold, recording, split).

    Two segments of a part may share a voice, two parts never do: so validation takes whole parts.

    Parameters
    ----------
    plan : table of `home.plan`; its ``fold`` is the part, 0 for evaluation
    """
    development, rows = plan[plan.fold > 0], []
    for fold in sorted(plan.fold.unique()):
        tested = plan[plan.fold == fold]
        trained = development[development.fold != fold]
        rows += [(fold, name, "test") for name in tested.recording]
        rows += [(fold, name, "train") for name in trained.recording]
    folds = pd.DataFrame(rows, columns=["fold", "recording", "split"])
    parts = plan[["recording"]].assign(scene="home", group=plan.fold.astype(str))
    share, seed = settings["validation_share"], settings["seed"]
    return corpus.hold_out(folds, parts, share=share, seed=seed)


def described(name: str) -> dict:
    """What the paper on a corpus says of it: its entry in section ``datasets`` of the facts."""
    cakir = name in DATASETS
    paper = "cakir2017_crnn" if cakir else "phan2018_multitask"
    facts = claims.read_published(places.published(paper))
    return facts.dataset(DATASETS[name] if cakir else name)


def summary(made: corpus.Corpus, paper: dict) -> pd.DataFrame:
    """What a corpus holds, ours beside what the paper says of its own (`described`), blank if nothing."""
    if "sessions" in paper:  # in Phan et al.'s words: one room, a fold a training session
        sessions = {"classes": paper["evaluated_classes"], "folds": paper["split"]["train"]}
        paper = paper | sessions | {"scenes": 1}
    minutes, classes = made.recordings.duration_s.sum() / 60, paper["classes"]
    if isinstance(classes, dict):  # of each scene
        classes = " + ".join(str(count) for count in classes.values())
    chunks = [paper.get(f"{part}_chunks", 0) for part in ("development", "evaluation")]
    rows = {
        "recordings": (len(made.recordings), sum(chunks) or paper.get("sessions", "")),
        "minutes": (round(minutes, 1), paper.get("total_minutes", "")),
        "scenes": (made.recordings.scene.nunique(), paper.get("scenes", "")),
        "classes": (len(made.labels), classes),
        "folds": (
            sum(fold > 0 for fold in made.fold_numbers),
            paper.get("folds", paper.get("development_folds")),
        ),
    }
    if made.events is None:
        rows["mean tags of a chunk"] = (round(len(made.tags) / len(made.recordings), 2), "")
    else:
        sounding_s = (made.events.offset_s - made.events.onset_s).sum()
        polyphony = round(sounding_s / made.recordings.duration_s.sum(), 2)
        rows["events"] = (len(made.events), "")
        rows["mean polyphony"] = (polyphony, paper.get("mean_polyphony", ""))
    return pd.DataFrame(rows, index=["ours", "paper"], dtype=object).T


def class_minutes(made: corpus.Corpus) -> pd.Series:
    """Minutes of every class in events, or in chunks tagged with it; the longest last."""
    if made.events is None:
        seconds = made.tags.merge(made.recordings).groupby("label").duration_s.sum()
    else:
        seconds = (made.events.offset_s - made.events.onset_s).groupby(made.events.label).sum()
    return (seconds / 60).reindex(made.labels, fill_value=0.0).sort_values(kind="stable")


def as_events(made: corpus.Corpus, recording: str, seconds: float) -> pd.DataFrame:
    """The events of the first seconds of a recording; a tag is an event as long as the chunk."""
    if made.events is None:
        tags = made.tags_of(recording)
        return pd.DataFrame({"onset_s": 0.0, "offset_s": seconds, "label": tags})
    events = made.events_of(recording)
    return events[events.onset_s < seconds].assign(
        offset_s=lambda e: e.offset_s.clip(upper=seconds)
    )
