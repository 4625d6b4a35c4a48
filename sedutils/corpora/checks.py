"""What a corpus's tables must be: every check raises a `CorpusError` of one line for the first bad row."""

import os
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

SPLITS = ("train", "validation", "test")
CHALLENGE_SPLITS = ("train", "validation", "development", "evaluation")  # it has two test sets
DECIMALS = 6

TEXT, SECONDS, NUMBER, WHOLE = "text", "seconds", "number", "whole number"
EVENTS = {"recording": TEXT, "onset_s": SECONDS, "offset_s": SECONDS, "label": TEXT}
TABLES = {
    "recordings.csv": {
        "recording": TEXT,
        "path": TEXT,
        "duration_s": SECONDS,
        "sample_rate": WHOLE,
        "scene": TEXT,
        "split": TEXT,
    },
    "events.csv": EVENTS,
    "tags.csv": {"recording": TEXT, "label": TEXT},
    "folds.csv": {"fold": NUMBER, "recording": TEXT, "split": TEXT},
    "parts.csv": EVENTS | {"instance": TEXT, "cut_s": SECONDS, "level_db": NUMBER},
    "recipes.csv": {
        "recording": TEXT,
        "event_probability": NUMBER,
        "background": TEXT,
        "background_cut_s": SECONDS,
        "event": TEXT,
        "segment_onset_s": SECONDS,
        "segment_offset_s": SECONDS,
        "onset_s": SECONDS,
        "ebr_db": NUMBER,
    },
}
OF_EVENT = ("segment_onset_s", "segment_offset_s", "onset_s", "ebr_db")  # of recipes.csv
# by table: folds.csv may say the split, recipes.csv how to make the audio; some recipes have no event
MAY_BE_EMPTY = {
    "recordings.csv": {"path", "scene", "split"},
    "recipes.csv": {"event", *OF_EVENT},
}


class CorpusError(ValueError):
    """A corpus that cannot be used; the message is one line naming file, line and value."""


def check_all(tables: dict[str, pd.DataFrame], labels: list[str], tolerance_s: float, where: str):
    """Return the tables (file name -> DataFrame) typed, rounded and in column order, or raise CorpusError."""
    if "events.csv" not in tables and "tags.csv" not in tables:
        raise CorpusError(f"{where}events.csv, tags.csv: one of the two is needed")
    tables = {
        name: typed(table, f"{where}{name}", TABLES[name], MAY_BE_EMPTY.get(name, ()))
        for name, table in tables.items()
    }
    recordings, folds = tables["recordings.csv"], tables.get("folds.csv")
    check_labels(labels, f"{where}labels.txt")
    check_recordings(recordings, f"{where}recordings.csv", split=folds is None)
    events, tags = tables.get("events.csv"), tables.get("tags.csv")
    if events is not None:
        check_events(events, recordings, labels, tolerance_s, f"{where}events.csv")
    if tags is not None:
        check_tags(tags, recordings, labels, f"{where}tags.csv")
        timed = () if events is None else events["recording"]
        refuse(
            tags, tags["recording"].isin(timed), f"{where}tags.csv", "is in events.csv too", "label"
        )
    if folds is not None:
        check_folds(folds, recordings, f"{where}folds.csv")
        tables["folds.csv"] = folds.astype({"fold": int})
    if "parts.csv" in tables:
        parts, file = tables["parts.csv"], f"{where}parts.csv"
        # what sounds without being a class (background events) is placed all the same
        check_events(parts, recordings, parts["label"].unique(), tolerance_s, file)
        check_parts(parts, recordings, folds, file)
    recipes, made = tables.get("recipes.csv"), ()
    if recipes is not None:
        made = recipes["recording"]
        if events is None:
            raise CorpusError(f"{where}recipes.csv: without events.csv")
        check_recipes(recipes, recordings, events, f"{where}recipes.csv")
    silent = (recordings["path"] == "") & ~recordings["recording"].isin(made)
    refuse(recordings, silent, f"{where}recordings.csv", "path is empty and there is no recipe")
    return tables


def splits_of(split: pd.Series) -> tuple[str, ...]:
    """The splits that a column must have: those of a challenge where it has both of its test sets."""
    return CHALLENGE_SPLITS if set(CHALLENGE_SPLITS[2:]) <= set(split) else SPLITS


def typed(
    table: pd.DataFrame, file: str, columns: Mapping[str, str], may_be_empty: Collection[str]
) -> pd.DataFrame:
    missing = [column for column in columns if column not in table]
    unknown = [str(column) for column in table if column not in columns]
    if missing or unknown:
        parts = [f"missing column {', '.join(missing)}"] if missing else []
        parts += [f"unknown column {', '.join(unknown)}"] if unknown else []
        raise CorpusError(f"{file}: {'; '.join(parts)}")
    if len(table) == 0:
        raise CorpusError(f"{file}: empty table")
    table = table[list(columns)].reset_index(drop=True)
    for column, kind in columns.items():
        values = table[column]
        if kind == TEXT:
            empty = values.isna() | (values.astype(str).str.strip() == "")
            if column in may_be_empty:
                table[column] = values.where(~empty, "").astype(str)
                continue
            refuse(table, empty, file, f"{column} is empty")
            table[column] = values.astype(str)
            continue
        numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
        bad = ~np.isfinite(numbers)
        if column in may_be_empty:
            bad &= ~(values.isna() | (values.astype(str).str.strip() == ""))
        refuse(table, bad, file, f"{column} is no number", column)
        if kind == WHOLE:
            odd = (numbers != numbers.round()) | (numbers <= 0)
            refuse(table, odd, file, f"{column} is no positive whole number", column)
        table[column] = numbers.astype(np.int64) if kind == WHOLE else numbers.round(DECIMALS)
    return table


def refuse(table: pd.DataFrame, bad: pd.Series, file: str, what: str, *columns: str) -> None:
    """Raise CorpusError for the first row where `bad` holds, with the values of `columns`."""
    rows = np.flatnonzero(np.asarray(bad))
    if len(rows) == 0:
        return
    row = table.iloc[rows[0]]
    shown = "".join(f", {column} {plain(row[column])}" for column in columns)
    more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
    recording = plain(row["recording"])
    line = rows[0] + 2  # the header is line 1
    raise CorpusError(f"{file} line {line}: recording {recording}: {what}{shown}{more}")


def plain(value: object) -> str:
    return repr(value) if isinstance(value, str) else f"{value:.10g}"


def check_labels(labels: Sequence[str], file: str) -> None:
    if not labels:
        raise CorpusError(f"{file}: no label")
    for line, label in enumerate(labels, start=1):
        if not isinstance(label, str) or label != " ".join(label.split()) or not label:
            raise CorpusError(f"{file} line {line}: {label!r} is no label")
        if label in labels[: line - 1]:
            raise CorpusError(f"{file} line {line}: duplicate label {label!r}")


def check_recordings(table: pd.DataFrame, file: str, *, split: bool) -> None:
    name = table["recording"]
    plain = name.str.fullmatch(r"[^/\\\x00-\x1f]+") & ~name.isin([".", ".."])
    refuse(table, ~plain, file, "the name cannot be used as a file name")
    refuse(table, table["duration_s"] <= 0, file, "not longer than 0 s", "duration_s")
    wanted = splits_of(table["split"]) if split else ("",)
    refuse(table, split & (table["split"] == ""), file, "split is empty")
    refuse(table, ~table["split"].isin(wanted), file, "unknown split", "split")
    repeated = name.duplicated()
    shared = repeated & ~table.duplicated(["recording", "split"])
    refuse(table, shared, file, "is in two splits, the second is here", "split")
    refuse(table, repeated, file, "duplicate recording")
    same_audio = table["path"].map(os.path.normpath).duplicated()
    refuse(
        table,
        same_audio & (table["path"] != ""),
        file,
        "its audio is another recording's too",
        "path",
    )
    for name in wanted:
        if not (table["split"] == name).any():
            raise CorpusError(f"{file}: no recording in split {name!r}")


def check_events(table, recordings, labels, tolerance_s, file):
    duration = table["recording"].map(recordings.set_index("recording")["duration_s"])
    onset, offset = table["onset_s"], table["offset_s"]
    refuse(table, duration.isna(), file, "is not in recordings.csv")
    refuse(table, ~table["label"].isin(labels), file, "not in labels.txt", "label")
    refuse(table, onset < 0, file, "starts before the recording", "onset_s")
    refuse(table, offset <= onset, file, "ends before it starts", "onset_s", "offset_s")
    # the small addition absorbs the rounding of seconds to DECIMALS on both sides
    past = (offset > duration + tolerance_s + 2 * 10.0**-DECIMALS) | (onset >= duration)
    shown = table.assign(duration_s=duration)
    refuse(shown, past, file, "past the end", "onset_s", "offset_s", "duration_s")
    refuse(table, table.duplicated(), file, "duplicate row", "onset_s", "offset_s", "label")


def check_tags(table: pd.DataFrame, recordings: pd.DataFrame, labels, file: str) -> None:
    known = table["recording"].isin(recordings["recording"])
    refuse(table, ~known, file, "is not in recordings.csv")
    refuse(table, ~table["label"].isin(labels), file, "not in labels.txt", "label")
    refuse(table, table.duplicated(), file, "duplicate row", "label")


def check_folds(table: pd.DataFrame, recordings: pd.DataFrame, file: str) -> None:
    """Every fold has all splits, and every recording has its turn once.

    Its turn is the test; where all folds test on the same recordings (a test set of its own, as
    ITC-Irst has), it is the validation.
    """
    names = recordings["recording"]
    refuse(table, ~table["recording"].isin(names), file, "is not in recordings.csv")
    refuse(table, ~table["split"].isin(SPLITS), file, "unknown split", "split")
    refuse(table, table["fold"] != table["fold"].round(), file, "fold is no whole number", "fold")
    twice = table.duplicated(["fold", "recording"])
    refuse(table, twice, file, "twice in one fold", "fold", "split")
    tests = table[table["split"] == "test"].groupby("fold")["recording"].agg(frozenset)
    common = tests.iloc[0] if len(tests) > 1 and tests.nunique() == 1 else frozenset()
    done, split = ("validated", "validation") if common else ("tested", "test")
    held = table["split"] == split
    again = held & table["recording"].where(held).duplicated()
    refuse(table, again, file, f"{done} in two folds, the second is here", "fold")
    never = sorted(set(names) - common - set(table["recording"][held]))
    if never:
        raise CorpusError(f"{file}: recording {never[0]!r} is {done} in no fold")
    for fold, rows in table.groupby("fold"):
        for split in SPLITS:
            if not (rows["split"] == split).any():
                raise CorpusError(f"{file}: fold {fold:.0f} has no recording in split {split!r}")


def check_parts(table: pd.DataFrame, recordings: pd.DataFrame, folds, file: str) -> None:
    """No instance is in two splits; with folds none is in two recordings, as any two may part."""
    refuse(table, table["cut_s"] < 0, file, "cut before the instance starts", "cut_s")
    split = table["recording"]
    if folds is None:
        split = split.map(recordings.set_index("recording")["split"])
    first = split.groupby(table["instance"]).transform("first")
    shown = table.assign(split=split, also_in=first)
    what = "instance in two splits" if folds is None else "instance in two recordings"
    refuse(shown, split != first, file, what, "instance", "split", "also_in")


def check_recipes(table: pd.DataFrame, recordings: pd.DataFrame, events: pd.DataFrame, file: str):
    """One recipe a recording, whole, with the event that events.csv has; no source in two splits."""
    split = table["recording"].map(recordings.set_index("recording")["split"])
    refuse(table, split.isna(), file, "is not in recordings.csv")
    refuse(table, table["recording"].duplicated(), file, "duplicate recipe")
    chance = table["event_probability"].between(0, 1)
    refuse(table, ~chance, file, "no probability", "event_probability")
    cut = table["background_cut_s"]
    refuse(table, cut < 0, file, "cut before the background starts", "background_cut_s")
    present = table["event"] != ""
    for column in OF_EVENT:
        odd = table[column].isna() == present
        refuse(table, odd, file, f"{column} without an event, or the reverse", "event", column)
    empty = table["segment_offset_s"] <= table["segment_onset_s"]
    refuse(table, empty, file, "empty segment", "segment_onset_s", "segment_offset_s")
    first = events.drop_duplicates("recording").set_index("recording")["onset_s"]
    shown = table.assign(annotated_s=table["recording"].map(first))
    other = ~np.isclose(shown["onset_s"], shown["annotated_s"], atol=1e-5, equal_nan=True)
    refuse(shown, other, file, "not the event of events.csv", "onset_s", "annotated_s")
    for kind in ("background", "event"):
        first = split.groupby(table[kind]).transform("first").where(table[kind] != "", split)
        shown = table.assign(split=split, also_in=first)
        refuse(shown, split != first, file, f"{kind} in two splits", kind, "split", "also_in")
