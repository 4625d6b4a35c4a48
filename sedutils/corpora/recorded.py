"""The recorded corpora: made here by foley, or read where the official ones lie. All of them come with folds.

Cakir et al. 2017 (Sec. III-A): TUT-SED 2009 and TUT Sound Events 2016 are scenes with events, CHiME-Home is
chunks with tags: its fold 0 trains on the development chunks and tests on the evaluation chunks, its other
folds divide the development chunks. Phan et al. 2018 (Sec. 4.1): ITC-Irst is sessions of isolated events;
a fold validates on one training session, and all folds test on the same three.
"""

from pathlib import Path

import pandas as pd

from sedutils.corpora import corpus, mixing, scenes
from sedutils.corpora import sessions as session_mixing
from sedutils.corpora.official import chime_home, itc_irst, tut_sed_2009, tut_sound_events_2016
from sedutils.foley import home
from sedutils.pipeline import files, jobs

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
            scenes.build(name, part, settings, backend=backend, workers=workers)
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
