"""Clips of a home, of which a few are labelled in full: the corpus `desed_2020`.

DCASE 2020 challenge, task 4 (Ebbers & Haeb-Umbach 2020, Sec. 1). A clip is a quiet room and one to three
classes over it. The column ``scene`` of recordings.csv holds the part of the data set: *weak* clips have
tags, *unlabelled* ones nothing, *synthetic*, *validation* and *public* ones events. The first three are
the split ``train``, the others ``validation`` and ``test``. What the tables hide of a clip mixed here
stays in parts.csv.
"""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import soxr

from sedutils import foley
from sedutils.corpora import corpus, domestic_sources, mixing
from sedutils.corpora.domestic_sources import PARTS
from sedutils.corpora.official import desed_2020
from sedutils.foley import dsp
from sedutils.metrics.activity import merged
from sedutils.pipeline import files, jobs

NAME = "desed_2020"
SAMPLE_RATE = 16000  # of the clips: what the paper's features take, and a third of the disk
CLASSES = {1: 0.5, 2: 0.35, 3: 0.15}  # how many a clip has, and how often: our guess
BACKGROUND_DB = -50.0  # RMS of the quiet room re full scale: few clips need turning down
NOISE_DB = (-55.0, -40.0)  # the microphone's own noise under the room
LEAST_EVENT_S = 0.001  # what the end of a part leaves of a sound may be shorter
MISSING, FACTS = "missing_clips.csv", "official.csv"
SPECTRUM_CLIPS = 40  # of each class, at most


def make(source: str, settings: dict, folder: Path, *, backend: str, workers: int) -> corpus.Corpus:
    """Write the corpus from ``source`` into a folder, and open it, its audio checked.

    Parameters
    ----------
    source : "foley", "bank" or "official"
    settings : section ``corpora.desed_2020`` of params.yaml
    backend, workers : section ``jobs``; neither changes a byte

    Raises
    ------
    ValueError : for another source; what readers and sources raise names file, setting or class
    """
    if source not in ("foley", "bank", "official"):
        raise ValueError(f"corpora.{NAME}.source = {source!r}: none of foley, bank, official")
    with files.whole_folder(folder) as part:
        if source == "official":
            take_over(settings, part)
        else:
            spread = {"backend": backend, "workers": workers}
            build(domestic_sources.find(source, settings, **spread), settings, part, **spread)
    return corpus.read(folder, check_audio=True)


def take_over(settings: dict, folder: Path) -> None:
    """Write the tables of the published data, and what is missing of them; audio stays where it lies."""
    found = desed_2020.read(settings["official"])
    recordings = corpus.rebase(found.recordings, settings["official"], folder)
    recordings = recordings.assign(split=recordings["scene"].map(PARTS))
    corpus.write(folder, recordings, found.events, desed_2020.LABELS, tags=found.tags)
    files.write_csv(folder / MISSING, found.missing)
    files.write_csv(folder / FACTS, found.facts)


def build(source, settings: dict, folder: Path, *, backend: str, workers: int) -> None:
    """Plan, render and annotate all clips, hide what their part does not tell, and write the corpus."""
    parts = plan(source, settings)
    tasks = [
        {
            "parts": rows,
            "source": source,
            "path": folder / "audio" / f"{recording}.wav",
            "settings": settings,
        }
        for recording, rows in parts.groupby("recording", sort=False)
    ]
    events = jobs.parallel(write_clip, tasks, label="clips", backend=backend, workers=workers)
    events = pd.concat(events, ignore_index=True)
    recordings = mixing.recordings_table(parts, settings["clip_s"])
    recordings["scene"] = recordings["recording"].str.rsplit("-", n=1).str[0]
    recordings["split"] = recordings["scene"].map(PARTS)
    scene = events["recording"].str.rsplit("-", n=1).str[0]
    tags = events.loc[scene == "weak", ["recording", "label"]].drop_duplicates()
    corpus.write(
        folder,
        recordings.assign(sample_rate=SAMPLE_RATE),
        events[~scene.isin(["weak", "unlabelled"])],
        source.labels,
        parts=parts,
        tags=tags,
    )


def plan(source, settings: dict) -> pd.DataFrame:
    """Draw the parts of all clips, ``<part>-<number>``: a table of `mixing.PART_COLUMNS`.

    Classes are dealt evenly within each part of the data set, those that ``source.often`` names that
    many times as often; all else is the clip's own draw. Levels are over the room's.
    """
    tables = []
    for part, count in settings["clips"].items():
        rng = np.random.default_rng(mixing.stable_seed(settings["seed"], part))
        deck = mixing.Deck(rng, [k for k in source.labels for _ in range(source.often.get(k, 1))])
        for number in range(count):
            recording = f"{part}-{number:05d}"
            classes = rng.choice(list(CLASSES), p=list(CLASSES.values()))
            labels = map(str, deck.distinct(min(classes, len(source.labels))))
            tables += draw(source, recording, labels, settings)
    parts = pd.DataFrame(tables, columns=mixing.PART_COLUMNS)
    return parts.round({"onset_s": 6, "offset_s": 6, "cut_s": 6, "level_db": 3})


def draw(source, recording: str, labels: Iterable[str], settings: dict) -> list[tuple]:
    """The parts of one clip with these classes; one level a class."""
    rng = np.random.default_rng(mixing.stable_seed(settings["seed"], recording))
    rows = []
    for label in labels:
        level_db = BACKGROUND_DB + rng.uniform(*settings["event_to_background_db"])
        for onset_s, offset_s, instance, cut_s in source.placed(
            rng, recording, label, settings["clip_s"]
        ):
            rows.append((recording, onset_s, offset_s, label, instance, cut_s, level_db))
    return rows


def write_clip(*, parts: pd.DataFrame, source, path: Path, settings: dict) -> pd.DataFrame:
    """Render one clip to a file; returns its events, whatever its part tells of them."""
    audio, stems = render(parts, source, seed=settings["seed"], clip_s=settings["clip_s"])
    files.write_wav(path, audio, SAMPLE_RATE)
    limits = {"range_db": settings["annotation_range_db"], "gap_s": settings["annotation_gap_s"]}
    return class_events(parts, stems, **limits)


def render(
    parts: pd.DataFrame, source, *, seed: int, clip_s: float
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Audio of one clip (samples,) float32 at 16 kHz, turned down as a whole where it would clip.

    Beside it the sounds of its parts at 44.1 kHz, at the levels of ``parts``.
    """
    room_seed = mixing.stable_seed(seed, parts["recording"].iloc[0], "background")
    audio = foley.background("home", seed=room_seed, duration_s=clip_s)
    hiss_db = np.random.default_rng([room_seed, 1]).uniform(*NOISE_DB)
    hiss = dsp.noise(np.random.default_rng([room_seed, 2]), len(audio))
    audio = audio + np.float32(10 ** (hiss_db / 20) * np.std(audio)) * hiss
    audio = mixing.at_level(audio, BACKGROUND_DB)
    stems = []
    for part, sound in zip(parts.itertuples(), source.sounds(parts, clip_s), strict=True):
        start = round(part.onset_s * mixing.SAMPLE_RATE)
        stem = sound[: len(audio) - start]
        stem = mixing.at_level(stem, part.level_db)
        audio[start : start + len(stem)] += stem
        stems.append(stem)
    audio = soxr.resample(audio, mixing.SAMPLE_RATE, SAMPLE_RATE, quality="HQ")
    return audio * np.float32(min(1.0, mixing.PEAK / float(np.abs(audio).max()))), stems


def class_events(
    parts: pd.DataFrame, stems: list[np.ndarray], *, range_db: float, gap_s: float
) -> pd.DataFrame:
    """Events (recording, onset_s, offset_s, label) of one clip from the frame energy of its sounds.

    As `mixing.annotate` in a quiet room, within the clip's end; beyond that, events of a class are
    joined across pauses shorter than ``gap_s``, also where two sounds of it meet.
    """
    spans: dict[str, list[tuple[float, float]]] = {}
    for part, stem in zip(parts.itertuples(), stems, strict=True):
        audible_db = mixing.audible_range_db(stem, range_db, BACKGROUND_DB)
        for onset_s, offset_s in mixing.sounding(stem, range_db=audible_db, gap_s=gap_s):
            onset_s = part.onset_s + onset_s
            offset_s = min(part.onset_s + offset_s, part.offset_s)
            if offset_s - onset_s > LEAST_EVENT_S:
                spans.setdefault(part.label, []).append((onset_s, offset_s))
    rows = [
        (parts["recording"].iloc[0], *span, label)
        for label, own in spans.items()
        for span in merged(own, gap_s)
    ]
    events = pd.DataFrame(rows, columns=list(corpus.EVENTS)).round(6)
    return events.sort_values(["onset_s", "label"], ignore_index=True)


def summary(made: corpus.Corpus) -> pd.DataFrame:
    """What each part holds: clips, minutes, events, tagged clips, clips with neither, and sources."""
    table = made.recordings.assign(
        tagged=made.recordings["recording"].isin(made.tagged),
        timed=made.recordings["recording"].isin(made.events["recording"]),
    )
    groups = table.groupby("scene", sort=False)
    scene = table.set_index("recording")["scene"]
    rows = {
        "split": groups["split"].first(),
        "clips": groups.size(),
        "minutes": (groups["duration_s"].sum() / 60).round(1),
        "clips with tags": groups["tagged"].sum(),
        "clips with events": groups["timed"].sum(),
        "events": made.events["recording"].map(scene).value_counts(),
    }
    if made.parts is not None:
        rows["sounds"] = made.parts.groupby(made.parts["recording"].map(scene))[
            "instance"
        ].nunique()
    columns = pd.DataFrame(rows).reindex(list(rows["clips"].index))
    return columns.fillna({"events": 0}).astype({"events": int}).rename_axis("part")


def facts(folder: Path) -> str:
    """What the reader found out about the published data, a line a fact; "" for clips mixed here."""
    file = Path(folder) / FACTS
    if not file.is_file():
        return ""
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    return "\n".join(f"{row.list}: {row.fact}" for row in table.itertuples())


def class_summary(made: corpus.Corpus) -> pd.DataFrame:
    """Per class: events in each part that has them, their lengths in seconds, and weak clips with it."""
    scene = made.recordings.set_index("recording")["scene"]
    events = made.events.assign(part=made.events["recording"].map(scene))
    table = events.groupby(["label", "part"]).size().unstack(fill_value=0)
    table = table.reindex(columns=[part for part in PARTS if part in table])
    table.columns = [f"{part} events" for part in table]
    length_s = (events["offset_s"] - events["onset_s"]).groupby(events["label"])
    for name, share in (("shortest tenth", 0.1), ("median", 0.5), ("longest tenth", 0.9)):
        table[f"{name} (s)"] = length_s.quantile(share).round(2)
    if made.tags is not None:
        table["weak clips"] = made.tags["label"].value_counts()
    counts = dict.fromkeys([name for name in table if not name.endswith("(s)")], 0)
    return (
        table.reindex(list(made.labels))
        .fillna(counts)
        .astype(dict.fromkeys(counts, int))
        .rename_axis("class")
    )


def spectra(made: corpus.Corpus) -> pd.DataFrame:
    """Mean power of each class in third octaves, dB re its loudest, where no other class sounds.

    Index: centre in Hz, up to what the clips' rate allows; a column a class, empty where a class is
    never alone. At most `SPECTRUM_CLIPS` clips of a class are read; each counts alike, at its own level.
    """
    rate = int(made.recordings["sample_rate"].min())
    centres = 1000 * 2 ** (np.arange(-13, 14) / 3)
    centres = centres[centres * 2 ** (1 / 6) <= rate / 2]
    counted = dict.fromkeys(made.labels, 0)
    total = {label: np.zeros(len(centres)) for label in made.labels}
    for recording, rows in made.events.groupby("recording", sort=False):
        wanted = [k for k in dict.fromkeys(rows["label"]) if counted[k] < SPECTRUM_CLIPS]
        if not wanted:
            continue
        audio, _ = files.read_audio(
            made.audio_path(recording), sample_rate=rate, allow_silence=True
        )
        for label in wanted:
            own = alone(rows, label, len(audio), rate)
            if own.sum() >= rate * 0.1:
                power = third_octaves(audio[own], rate, centres)
                total[label] += power / max(power.sum(), 1e-20)
                counted[label] += 1
    table = pd.DataFrame(total, index=centres.round().astype(int))
    table = table / table.max().replace(0, np.nan)
    return (10 * np.log10(table + 1e-8)).rename_axis("Hz")


def alone(events: pd.DataFrame, label: str, samples: int, rate: int) -> np.ndarray:
    """Which samples of a clip have this class and no other, bool (samples,)."""
    own, other = np.zeros(samples, bool), np.zeros(samples, bool)
    for event in events.itertuples():
        which = own if event.label == label else other
        which[round(event.onset_s * rate) : round(event.offset_s * rate)] = True
    return own & ~other


def third_octaves(audio: np.ndarray, rate: int, centres: np.ndarray) -> np.ndarray:
    """Power of a sound in the third octaves around ``centres`` (Hz), (bands,)."""
    power = np.abs(np.fft.rfft(audio)) ** 2 / len(audio)
    hz = np.fft.rfftfreq(len(audio), 1 / rate)
    edges = np.searchsorted(hz, np.append(centres * 2 ** (-1 / 6), centres[-1] * 2 ** (1 / 6)))
    return np.array([power[a:b].sum() for a, b in pairwise(edges)])
