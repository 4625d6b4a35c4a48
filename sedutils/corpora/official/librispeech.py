"""LibriSpeech (Panayotov et al. 2015): read speech with transcripts, aligned here to phone times.

Layout under the folder, or under ``LibriSpeech/`` in it, any of the published subsets::

    <subset>/<speaker>/<chapter>/<speaker>-<chapter>-<utterance>.flac      16 kHz, one channel
    <subset>/<speaker>/<chapter>/<speaker>-<chapter>.trans.txt             name, words in capitals

`build` aligns the transcripts with pocketsphinx, whose wheel ships an acoustic model and CMUdict, in its
two passes (words, then phones within them), and writes a corpus of phones like that of
`sedutils.corpora.synthesised`. Words that the dictionary lacks are spelled as espeak-ng says them. An
utterance that cannot be aligned is left out. Both are counted in a notice.
"""

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from sedutils.corpora import corpus, phones
from sedutils.corpora.official.annotations import OfficialError, few, numbered_lines
from sedutils.corpora.synthesised import ACCENT, SCENE, SHARES
from sedutils.foley import speech
from sedutils.pipeline import files, jobs

SUBSETS = (
    "dev-clean",
    "dev-other",
    "test-clean",
    "test-other",
    "train-clean-100",
    "train-clean-360",
    "train-other-500",
)
FETCHED = {"dev-clean": 2703, "test-clean": 2620}  # utterances of the subsets in packages.tsv
_NAME = re.compile(r"\d+-\d+-\d{4}")
_WORDS = re.compile(r"[A-Z']+( [A-Z']+)*")
# pocketsphinx labels a window of 25.6 ms from i * 10 ms on; its middle is not that of our frame
_HOP_S = 0.01
_SHIFT_S = (0.0256 - _HOP_S) / 2


def is_unpacked(folder: str | Path) -> bool:
    """Tell whether both subsets that the downloader fetches are there."""
    top = _top(Path(folder))
    return all(len(list(top.glob(f"{s}/*/*/*.flac"))) >= n for s, n in FETCHED.items())


def is_there(folder: str | Path) -> bool:
    """Tell whether there is any utterance at all."""
    return any(_top(Path(folder)).glob("*/*/*/*.flac"))


def read(folder: str | Path) -> pd.DataFrame:
    """The utterances: recording, path (relative to `folder`), duration_s, sample_rate, subset, speaker, text.

    FileNotFoundError for a missing folder; OfficialError for no subset or an unknown one, audio without
    transcript or the reverse, names that are not speaker-chapter-utterance of their folders, a transcript
    that is not words in capitals, another rate or more channels, a speaker in two subsets; AudioError
    for broken audio.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder (its README says how to get it)")
    top = _top(folder)
    found = sorted(path.name for path in top.glob("[!.]*/"))
    unknown = [name for name in found if name not in SUBSETS]
    if unknown or not found:
        problem = f"unknown subset {few(unknown)}" if unknown else "no subset"
        raise OfficialError(f"{top}: {problem}, expected {', '.join(SUBSETS)}")
    rows = [row for subset in found for row in _read_subset(top / subset, folder)]
    columns = ["recording", "path", "duration_s", "sample_rate", "subset", "speaker", "text"]
    table = pd.DataFrame(rows, columns=columns)
    subsets = table.groupby("speaker")["subset"].unique()
    for speaker, names in subsets[subsets.map(len) > 1].items():
        raise OfficialError(f"{top}: speaker {speaker} is in {names[0]} and in {names[1]}")
    return table


def _top(folder: Path) -> Path:
    inner = folder / "LibriSpeech"
    return inner if inner.is_dir() else folder


def _read_subset(subset: Path, folder: Path) -> list[tuple]:
    rows = []
    for chapter in sorted(subset.glob("[!.]*/[!.]*/")):
        prefix = f"{chapter.parent.name}-{chapter.name}"
        texts = _transcripts(chapter / f"{prefix}.trans.txt", prefix)
        audio = {path.stem: path for path in sorted(chapter.glob("*.flac"))}
        for name in sorted(audio.keys() ^ texts.keys()):
            missing = "no transcript" if name in audio else "no audio"
            raise OfficialError(f"{chapter / name}: {missing}")
        for name, path in audio.items():
            info = files.audio_info(path)
            if (info.sample_rate, info.channels) != (phones.SAMPLE_RATE, 1):
                problem = f"{info.channels} channels at {info.sample_rate} Hz"
                raise OfficialError(f"{path}: {problem}, expected 1 at {phones.SAMPLE_RATE} Hz")
            place = path.relative_to(folder).as_posix()
            speaker = chapter.parent.name
            facts = (info.duration_s, info.sample_rate, subset.name, speaker, texts[name])
            rows.append((name, place, *facts))
    if not rows:
        raise OfficialError(f"{subset}: no utterance in it")
    return rows


def _transcripts(file: Path, prefix: str) -> dict[str, str]:
    texts = {}
    for line, text in numbered_lines(file):
        name, _, words = text.strip().partition(" ")
        if not (_NAME.fullmatch(name) and name.startswith(f"{prefix}-")):
            raise OfficialError(f"{file} line {line}: {name!r} is no utterance of {prefix}")
        if not _WORDS.fullmatch(words):
            raise OfficialError(f"{file} line {line}: not words in capitals: {words!r}")
        if name in texts:
            raise OfficialError(f"{file} line {line}: a second transcript of {name}")
        texts[name] = words
    return texts


def splits(speakers: list[str], seed: int) -> dict[str, str]:
    """The split of each speaker: drawn, at least one speaker in each. ValueError for fewer than three."""
    if len(speakers) < len(SHARES):
        raise ValueError(f"{len(speakers)} speakers: three splits need one each")
    held = max(1, round(SHARES["test"] * len(speakers)))
    names = ["test"] * held + ["validation"] * held
    names += ["train"] * (len(speakers) - len(names))
    drawn = np.random.default_rng([seed, 0x11B5]).permutation(sorted(speakers))
    return dict(zip(map(str, drawn), names, strict=True))


def build(folder: Path, settings: dict, *, backend: str, workers: int) -> None:
    """Align all utterances and write the corpus; what was left out is said on stderr.

    ``settings``: official (the folder to read), seed (of the split by speakers)
    """
    source = Path(settings["official"]).resolve()
    table = read(source)
    split = splits(list(table["speaker"].unique()), settings["seed"])
    chapter = table["recording"].str.rpartition("-")[0]
    tasks = [{"folder": source, "utterances": rows} for _, rows in table.groupby(chapter)]
    found = jobs.parallel(align, tasks, label="alignment", backend=backend, workers=workers)
    events = pd.concat([events for events, _ in found], ignore_index=True)
    kept = table[table["recording"].isin(events["recording"])]
    spelled = sum(words for _, words in found)
    left_out = f"{len(table) - len(kept)} of {len(table)} utterances not aligned and left out"
    print(f"{source}: {left_out}, {spelled} words spelled by espeak-ng", file=sys.stderr)
    recordings = kept[["recording", "path", "duration_s", "sample_rate"]]
    recordings = recordings.assign(scene=SCENE, split=kept["speaker"].map(split))
    recordings = corpus.rebase(recordings, source, folder)
    corpus.write(folder, recordings, events, phones.LABELS)


def align(*, folder: Path, utterances: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Phones of utterances with their times, and how many words espeak-ng has spelled.

    utterances : of `read`; those that cannot be aligned have no events: recording, onset_s, offset_s, label
    """
    import pocketsphinx  # takes half a second, and reading needs none

    # batch: an utterance's normalisation does not depend on the one before. Best paths through the
    # lattice give words fewer frames than their phones have states, and the second pass then fails.
    beams = dict.fromkeys(("beam", "wbeam", "pbeam"), 1e-80)
    decoder = pocketsphinx.Decoder(lm=None, cmn="batch", bestpath=False, loglevel="FATAL", **beams)
    words = sorted({word for text in utterances["text"] for word in text.lower().split()})
    missing = [word for word in words if decoder.lookup_word(word) is None]
    for word, spelling in zip(missing, spellings(missing), strict=True):
        decoder.add_word(word, spelling)
    tables = [pd.DataFrame(columns=list(corpus.EVENTS))]
    for row in utterances.itertuples():
        audio, _ = soundfile.read(folder / row.path, dtype="int16")
        times = _phone_times(decoder, audio.tobytes(), row.text.lower())
        if times:
            events = phones.filled(
                pd.DataFrame(times, columns=["onset_s", "offset_s", "label"]), row.duration_s
            )
            tables.append(events.assign(recording=row.recording)[list(corpus.EVENTS)])
    tables = [table for table in tables if len(table)] or tables
    return pd.concat(tables, ignore_index=True), len(missing)


def spellings(words: list[str]) -> list[str]:
    """ARPAbet phones of words as espeak-ng says them."""
    speaker = speech.Speaker("any", ACCENT, 50, 50, 1.0, 175.0)
    said = speech.say([speech.Line(word, speaker) for word in words])
    tables = [phones.from_espeak(table) for _, table in said]
    return [" ".join(table["label"][table["label"] != phones.SIL]) for table in tables]


def _phone_times(decoder, pcm: bytes, text: str) -> list[tuple[float, float, str]]:
    """Onset, offset and label of each phone, the silences among them; [] where the alignment fails."""
    try:
        decoder.set_align_text(text)
        for second in (False, True):
            if second:
                decoder.set_alignment()
            decoder.reinit_feat()  # else normalisation goes on from the utterance before
            decoder.start_utt()
            decoder.process_raw(pcm, full_utt=True)
            decoder.end_utt()
        found = list(decoder.get_alignment().phones())
    except RuntimeError:  # no path through the words, or none through their phones
        return []
    borders = [phone.start * _HOP_S + _SHIFT_S for phone in found]
    borders = [0.0, *borders[1:], (found[-1].start + found[-1].duration) * _HOP_S + _SHIFT_S]
    labels = [phones.from_cmudict(phone.name) for phone in found]
    return list(zip(borders[:-1], borders[1:], labels, strict=True))
