"""What the acoustic model hears in the isolated training events of each class: Table 2 and Figure 2."""

import numpy as np
import pandas as pd
import soxr

from sedutils.corpora import phones, recipes
from sedutils.corpora.corpus import Corpus
from sedutils.corpora.rare import median_lengths
from sedutils.features import mfcc
from sedutils.models.tdnnf import TDNNF
from sedutils.papers.gradual import acoustic_model

NO_SPEECH = [phones.SIL, phones.SPN]
MOST = 10  # phones of a class that Table 2 lists


def isolated_events(made: Corpus) -> pd.DataFrame:
    """The training events before they were mixed, each once: label, event, segment_onset_s, segment_offset_s."""
    names = made.recordings_of("train")[["recording", "scene"]].rename(columns={"scene": "label"})
    rows = made.recipes[made.recipes["event"] != ""].merge(names, on="recording")
    rows = rows.drop_duplicates(["event", "segment_onset_s"])
    columns = ["label", "event", "segment_onset_s", "segment_offset_s"]
    return rows[columns].sort_values(columns, ignore_index=True)


def decode(made: Corpus, model: TDNNF) -> pd.DataFrame:
    """Phones decoded in each isolated training event: label, lasting_s, and how often each of the 41.

    model : at full rate. The sounds are those of the source files, without any background.
    """
    rows = []
    for row in isolated_events(made).itertuples():
        lasting_s = row.segment_offset_s - row.segment_onset_s
        sound = recipes.piece(made.folder / row.event, row.segment_onset_s, lasting_s)
        audio = soxr.resample(sound, recipes.SAMPLE_RATE, mfcc.SAMPLE_RATE, quality="HQ")
        decoded = acoustic_model.phone_counts(model, [audio])
        rows.append({"label": row.label, "lasting_s": lasting_s} | decoded)
    return pd.DataFrame(rows)


def shares(decoded: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    """Figure 2: how frequent each phone is among those of a class, ``(classes, 41)``; a row sums to 1."""
    counts = decoded.groupby("label")[list(phones.LABELS)].sum().loc[labels]
    total = counts.sum(axis=1)
    return counts.div(total.where(total > 0), axis=0)


def phones_of(decoded: pd.DataFrame) -> pd.Series:
    """Phones of each event that are neither SIL nor SPN."""
    return decoded[list(phones.ARPABET)].sum(axis=1)


def table(made: Corpus, decoded: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Table 2, one row a class: lengths, phones of an event, and which are most frequent.

    no_speech : share of SIL and SPN among all decoded; most_frequent : phone and share in percent
    """
    labels = list(made.labels)
    result = median_lengths(made, published)
    share, groups = shares(decoded, labels), phones_of(decoded).groupby(decoded["label"])
    result["phones_per_event"] = groups.mean()
    result["phones_per_s"] = groups.sum() / decoded.groupby("label")["lasting_s"].sum()
    result["no_speech"] = share[NO_SPEECH].sum(axis=1)
    result["most_frequent"] = [listed(share.loc[label]) for label in labels]
    theirs = published.set_index("event")["phonemes"].reindex(labels)
    result["paper_phones"] = ["" if np.isscalar(x) else ", ".join(x) for x in theirs]
    return result.reset_index()


def listed(share: pd.Series) -> str:
    """The most frequent phones of one class, those never decoded left out."""
    first = share[share > 0].sort_values(ascending=False, kind="stable").head(MOST)
    return ", ".join(f"{phone} {100 * value:.0f}" for phone, value in first.items())
