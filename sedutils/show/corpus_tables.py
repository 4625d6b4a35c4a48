"""What a corpus holds, ours beside what its paper says of it."""

import pandas as pd

from sedutils.claims import facts
from sedutils.corpora import corpus
from sedutils.corpora.corpus import SPLITS
from sedutils.corpora.polyphonic import paper_name
from sedutils.pipeline import places
from sedutils.show.titles import DATASETS


def corpus_summary(corpus) -> pd.DataFrame:
    """Recordings, minutes, events, polyphony and reuse of instances, one column a split."""
    columns = {}
    for split in SPLITS:
        recordings = corpus.recordings_of(split)
        events = corpus.events[corpus.events.recording.isin(recordings.recording)]
        seconds = recordings.duration_s.sum()
        columns[split] = {
            "recordings": len(recordings),
            "minutes": round(seconds / 60, 1),
            "events": len(events),
            "classes": events.label.nunique(),
            "mean polyphony": round((events.offset_s - events.onset_s).sum() / seconds, 2),
        }
        if corpus.parts is not None:
            parts = corpus.parts[corpus.parts.recording.isin(recordings.recording)]
            columns[split]["instances"] = parts.instance.nunique()
            columns[split]["uses of an instance"] = round(len(parts) / parts.instance.nunique(), 1)
    return pd.DataFrame(columns).astype(object)


def fold_summary(corpus) -> pd.DataFrame:
    """Recordings, minutes and classes of every split of every fold; events or tags, whichever there are."""
    marked = corpus.tags if corpus.events is None else corpus.events
    rows = []
    for fold in corpus.fold_numbers:
        for split in SPLITS:
            recordings = corpus.recordings_of(split, fold)
            own = marked[marked.recording.isin(recordings.recording)]
            rows.append(
                {
                    "fold": fold,
                    "split": split,
                    "recordings": len(recordings),
                    "minutes": round(recordings.duration_s.sum() / 60, 1),
                    "tags" if corpus.events is None else "events": len(own),
                    "classes": own.label.nunique(),
                }
            )
    table = pd.DataFrame(rows).set_index(["fold", "split"]).unstack()
    return table.reindex(columns=SPLITS, level="split")


def class_summary(corpus, published: pd.DataFrame) -> pd.DataFrame:
    """Mean and total event length per class, and the share of all event time, ours and Table III's.

    ``published`` has the columns class, avg_s, total_s; classes it does not know stay blank.
    """
    length = (corpus.events.offset_s - corpus.events.onset_s).groupby(corpus.events.label)
    ours = pd.DataFrame({"mean_s": length.mean(), "total_s": length.sum()}).reindex(corpus.labels)
    ours["share_percent"] = 100 * ours.total_s / ours.total_s.sum()
    theirs = published.set_index("class")[["avg_s", "total_s"]]
    theirs = theirs.reindex([paper_name(label) for label in ours.index]).set_index(ours.index)
    ours["paper_mean_s"] = theirs.avg_s
    ours["paper_share_percent"] = 100 * theirs.total_s / published.total_s.sum()
    return ours.round(1)


def described(name: str) -> dict:
    """What the paper on a corpus says of it: its entry in section ``datasets`` of its file; or nothing."""
    if name in DATASETS:
        return facts.read(places.published("cakir2017_crnn")).dataset(DATASETS[name])
    if name == "itc_irst":
        return facts.read(places.published("phan2018_multitask")).dataset(name)
    return {}


def summary(made: corpus.Corpus, paper: dict) -> pd.DataFrame:
    """What a corpus holds, ours beside what the paper says of its own (`described`), blank if nothing."""
    if "sessions" in paper:  # in Phan et al.'s words: one room, a fold a training session
        sessions = {"classes": paper["evaluated_classes"], "folds": paper["split"]["train"]}
        paper = paper | sessions | {"scenes": 1}
    minutes, classes = made.recordings.duration_s.sum() / 60, paper.get("classes", "")
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
            paper.get("folds", paper.get("development_folds", "")),
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
