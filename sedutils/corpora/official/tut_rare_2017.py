"""TUT Rare Sound Events 2017: the challenge's mixtures, and the source data to train on.

Layout under the folder, as the archives and the challenge's synthesiser leave it::

    data/mixture_data/{devtest,evaltest}/<hash>/meta/event_list_<subset>_<class>.csv
    data/mixture_data/{devtest,evaltest}/<hash>/audio/<mixture>.wav
    data/source_data/cv_setup/{events,bgs}_{devtrain,devtest}.yaml
    data/source_data/events/<class>/<id>.wav, <id>.yaml         valid_segments: [[start, end], ...]
    data/source_data/bgs/audio/<location>_<start>_<end>.wav

A line of an event list is the mixture's file name, and onset, offset (seconds) and class where it
has an event; TAB, no header. ``<hash>`` depends on the library that wrote it: any one folder will do.
"""

import re
import sys
from pathlib import Path

import pandas as pd
import yaml

from sedutils.corpora import corpus
from sedutils.corpora.official.annotations import OfficialError, few, numbered_lines
from sedutils.corpora.official.scenes import RECORDINGS
from sedutils.pipeline import files

LABELS = ("babycry", "glassbreak", "gunshot")
SUBSETS = {"devtest": "development", "evaltest": "evaluation"}
SOURCE_SUBSETS = {"devtrain": "train", "devtest": "development"}
N_MIXTURES = 500
N_PATCHED = {("devtest", "babycry"): 496}  # a patch took out those whose background has a baby
N_EVENTS = {
    "devtrain": {"babycry": 106, "glassbreak": 96, "gunshot": 134},
    "devtest": {"babycry": 42, "glassbreak": 43, "gunshot": 53},
}
N_BACKGROUNDS = {"devtrain": 844, "devtest": 277}
SAMPLE_RATE = 44100
MIXTURES, SOURCES = Path("data", "mixture_data"), Path("data", "source_data")
_NUMBER = re.compile(r"\d+(\.\d*)?(e-?\d+)?", re.I)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """The safe loader, with the plain values that Python 2 gave tags of its own."""


for _tag, _kind in (("unicode", "str"), ("str", "str"), ("long", "int"), ("tuple", "seq")):
    _Loader.add_constructor(
        f"tag:yaml.org,2002:python/{_tag}",
        _Loader.yaml_constructors[f"tag:yaml.org,2002:{_kind}"],
    )


def is_unpacked(folder: str | Path) -> bool:
    """Tell whether everything lies there that can be downloaded: all but the devtest mixtures."""
    folder = Path(folder)
    mixtures = folder.glob(f"{MIXTURES}/evaltest/*/audio/[!.]*.wav")
    events = folder.glob(f"{SOURCES}/events/*/[!.]*.yaml")
    backgrounds = folder.glob(f"{SOURCES}/bgs/audio/[!.]*.wav")
    return (
        len(list(mixtures)) >= N_MIXTURES * len(LABELS)
        and any(events)
        and len(list(backgrounds)) >= sum(N_BACKGROUNDS.values())
    )


def read(
    folder: str | Path, *, tolerance_s: float = corpus.HOP_S
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
    """Return (recordings, events, labels) of the ready-made mixtures, paths relative to `folder`.

    recordings: recording, path, duration_s, sample_rate, scene (the target class), split
    ("development": devtest, "evaluation": evaltest).
    events: recording, onset_s, offset_s, label; at most one a recording.
    tolerance_s: how far an event may reach past its recording's end.
    stderr says whether babycry is the patched set of 496 or the first one of 500.
    FileNotFoundError for a missing folder, list or mixture; OfficialError for several folders of
    mixtures, another count, a line that is not as published, a class that is not the list's, an
    event outside its clip; AudioError for broken audio.
    """
    folder = _there(folder)
    recordings, events = [], []
    for subset, split in SUBSETS.items():
        place = _mixtures(folder, subset)
        for label in LABELS:
            listed = _read_list(place, subset, label)
            for name, (line, event) in listed.items():
                path = place / "audio" / name
                info = files.audio_info(path)
                if info.sample_rate != SAMPLE_RATE:
                    raise OfficialError(f"{path}: sample rate {info.sample_rate}")
                row = (path.stem, path.relative_to(folder).as_posix(), info.duration_s)
                recordings.append((*row, info.sample_rate, label, split))
                if event:
                    if not event[0] < event[1] <= info.duration_s + tolerance_s:
                        file = _list_of(place, subset, label)
                        why = f"event {event[0]:.10g} to {event[1]:.10g} s"
                        problem = f"{why} in a clip of {info.duration_s:.10g} s"
                        raise OfficialError(f"{file} line {line}: {problem}")
                    events.append((path.stem, *event, label))
    recordings = pd.DataFrame(recordings, columns=[*RECORDINGS, "split"])
    return recordings, pd.DataFrame(events, columns=list(corpus.EVENTS)), LABELS


def read_sources(folder: str | Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (events, backgrounds) of the source data, as `sedutils.corpora.rare_sources` has them.

    events: path, label, split ("train": devtrain, "development": devtest), group (the freesound
    recording), segment_onset_s, segment_offset_s.
    backgrounds: path, label (the scene), split, group (the location), duration_s.
    FileNotFoundError for a missing folder, list or recording; OfficialError for other counts than
    published, an entry that is malformed, twice, or no valid segment of its recording, and for a
    recording or location in both subsets; AudioError for broken audio.
    """
    folder = _there(folder)
    events, backgrounds = [], []
    for subset, split in SOURCE_SUBSETS.items():
        events += _read_events(folder, subset, split)
        backgrounds += _read_backgrounds(folder, subset, split)
    times = ["segment_onset_s", "segment_offset_s"]
    events = pd.DataFrame(events, columns=["path", "label", "split", "group", *times])
    columns = ["path", "label", "split", "group", "duration_s"]
    backgrounds = pd.DataFrame(backgrounds, columns=columns)
    for table in (events, backgrounds):
        splits = table.groupby("group")["split"].nunique()
        shared = splits.index[splits > 1].tolist()
        if shared:
            problem = f"in devtrain and in devtest: {few(shared)}"
            raise OfficialError(f"{folder / SOURCES / 'cv_setup'}: {problem}")
    return events, backgrounds


def _there(folder: str | Path) -> Path:
    folder = Path(folder)
    if not folder.is_dir():
        fetch = "python -m sedutils.corpora.official.download tut_rare_2017 fetches it"
        raise FileNotFoundError(f"{folder}: no such folder ({fetch})")
    return folder


def _mixtures(folder: Path, subset: str) -> Path:
    """Return the one folder of a subset's mixtures, whatever the hash it is called by."""
    place = folder / MIXTURES / subset
    found = sorted(path for path in place.glob("[!.]*") if path.is_dir())
    if not found:
        made = "; the challenge's synthesiser makes it, see the README" * (subset == "devtest")
        raise FileNotFoundError(f"{place}: no folder of mixtures{made}")
    if len(found) > 1:
        problem = f"several folders of mixtures ({few([path.name for path in found])}), keep one"
        raise OfficialError(f"{place}: {problem}")
    return found[0]


def _list_of(place: Path, subset: str, label: str) -> Path:
    return place / "meta" / f"event_list_{subset}_{label}.csv"


def _read_list(
    place: Path, subset: str, label: str
) -> dict[str, tuple[int, tuple[float, float] | None]]:
    """Return file name -> (line, (onset, offset) or None) of a class's mixtures."""
    file, found = _list_of(place, subset, label), {}
    for line, text in numbered_lines(file):
        name, *event = (field.strip() for field in text.split("\t"))
        if len(event) not in (0, 3) or not all(map(_NUMBER.fullmatch, event[:2])):
            problem = f"neither a file name nor file name, onset, offset, class: {text!r}"
            raise OfficialError(f"{file} line {line}: {problem}")
        if event and event[2] != label:
            problem = f"class {event[2]!r} in the list of {label}"
            raise OfficialError(f"{file} line {line}: {problem}")
        if not re.fullmatch(rf"mixture_{subset}_{label}_\d+\w*\.wav", name):
            raise OfficialError(f"{file} line {line}: {name!r} is no mixture of {subset}, {label}")
        if name in found:
            raise OfficialError(f"{file} line {line}: duplicate mixture {name!r}")
        found[name] = line, (float(event[0]), float(event[1])) if event else None
    patched = N_PATCHED.get((subset, label))
    if len(found) not in {N_MIXTURES, patched}:
        expected = f"{N_MIXTURES} or {patched}" if patched else N_MIXTURES
        problem = f"{len(found)} mixtures, expected {expected} (there is no header)"
        raise OfficialError(f"{file}: {problem}")
    if patched:
        kind = "patched" if len(found) == patched else "not patched, the challenge scored 496"
        print(f"{file}: {len(found)} mixtures ({kind})", file=sys.stderr)
    return found


def _load(file: Path) -> object:
    """Read YAML without building anything but plain values."""
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such file")
    try:
        return yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or " ".join(str(error).split())
        raise OfficialError(f"{file}{line}: not plain YAML ({reason})") from error


def _pair(value: object) -> tuple[float, float] | None:
    """Return (start, end) in seconds of a segment that is one."""
    numbers = isinstance(value, list | tuple) and len(value) == 2
    if not numbers or any(isinstance(x, bool) or not isinstance(x, int | float) for x in value):
        return None
    return (float(value[0]), float(value[1])) if 0 <= value[0] < value[1] else None


def _name(entry: object, key: str) -> str:
    value = entry.get(key) if isinstance(entry, dict) else None
    return value if isinstance(value, str) else ""


def _read_events(folder: Path, subset: str, split: str) -> list[tuple]:
    file = folder / SOURCES / "cv_setup" / f"events_{subset}.yaml"
    listed = _load(file)
    if not isinstance(listed, dict) or sorted(listed) != list(LABELS):
        raise OfficialError(f"{file}: not a list of events for each of {', '.join(LABELS)}")
    rows = []
    for label, expected in N_EVENTS[subset].items():
        entries = listed[label] if isinstance(listed[label], list) else []
        if len(entries) != expected:
            raise OfficialError(f"{file}: {len(entries)} events of {label}, expected {expected}")
        seen = set()
        for number, entry in enumerate(entries, start=1):
            where = f"{file}: {label} {number}"
            name, segment = _name(entry, "audio_filename"), None
            if isinstance(entry, dict):
                segment = _pair(entry.get("segment"))
            if Path(name).name != name or Path(name).suffix != ".wav" or segment is None:
                raise OfficialError(f"{where}: not audio_filename and segment: {str(entry)[:80]!r}")
            if (name, segment) in seen:
                raise OfficialError(f"{where}: duplicate event, {name} {list(segment)}")
            seen.add((name, segment))
            path = folder / SOURCES / "events" / label / name
            _check_segment(path, segment, where)
            place = path.relative_to(folder).as_posix()
            rows.append((place, label, split, f"freesound {path.stem}", *segment))
    return rows


def _check_segment(path: Path, segment: tuple[float, float], where: str) -> None:
    """Raise OfficialError unless a recording's own annotation has the segment, within its end."""
    note = path.with_suffix(".yaml")
    known = _load(note)
    valid = known.get("valid_segments") if isinstance(known, dict) else None
    pairs = [_pair(value) for value in valid] if isinstance(valid, list) else []
    if not pairs or None in pairs:
        raise OfficialError(f"{note}: no valid_segments of start and end")
    if not any(abs(a - segment[0]) + abs(b - segment[1]) < 1e-3 for a, b in pairs):
        raise OfficialError(f"{where}: segment {list(segment)} is none of {note}")
    end_s = files.audio_info(path).duration_s
    if segment[1] > end_s + corpus.HOP_S:
        raise OfficialError(f"{where}: segment {list(segment)}, {path} ends at {end_s:.10g} s")


def _read_backgrounds(folder: Path, subset: str, split: str) -> list[tuple]:
    file = folder / SOURCES / "cv_setup" / f"bgs_{subset}.yaml"
    entries = _load(file)
    entries = entries if isinstance(entries, list) else []
    if len(entries) != N_BACKGROUNDS[subset]:
        problem = f"{len(entries)} backgrounds, expected {N_BACKGROUNDS[subset]}"
        raise OfficialError(f"{file}: {problem}")
    rows, seen = [], set()
    for number, entry in enumerate(entries, start=1):
        name, scene = _name(entry, "filepath"), _name(entry, "classname")
        if not re.fullmatch(r"audio/[^/]+\.wav", name) or not scene:
            problem = f"not filepath and classname: {str(entry)[:80]!r}"
            raise OfficialError(f"{file}: entry {number}: {problem}")
        if name in seen:
            raise OfficialError(f"{file}: entry {number}: duplicate background {name}")
        seen.add(name)
        path = folder / SOURCES / "bgs" / name
        group = f"location {path.stem.split('_')[0]}"
        scene = scene.replace("/", "_")
        place = path.relative_to(folder).as_posix()
        rows.append((place, scene, split, group, files.audio_info(path).duration_s))
    return rows
