"""Speech by espeak-ng: many speakers made of its voices, dealt to groups that share none.

A speaker is an espeak voice with a pitch and a pace, its formants moved by resampling: children
have a higher pitch and a shorter tract than women, women than men. ``deal`` gives every group of
recordings speakers whose voices no other group has. ``say`` makes all the speech of one recording
in one fresh process (see ``espeak``), so bytes depend on nothing but its arguments.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import soxr
from numpy.random import Generator

from sedutils.foley.dsp import SAMPLE_RATE, log_uniform

KINDS = ("child", "male", "female")
ACCENTS = ("en", "en-us", "en-gb-scotland", "en-029", "en-us-nyc", "en-gb-x-rp")

# espeak's variants that sound like people, with their median pitch in Hz as it was measured (yin);
# one of each pair of twins is left out (john, Nguyen, Reed, aunty, linda: nearly m2, m7, adam, f4,
# belinda), so that no voice is on both sides of a split under two names
_MEN = {
    "m1": 89, "m2": 97, "m3": 100, "m4": 89, "m5": 98, "m6": 96, "m7": 101, "m8": 81,
    "Alex": 103, "Gene2": 111, "Lee": 93, "Michael": 102,
    "adam": 97, "david": 71, "ed": 119, "ian": 79, "iven3": 95, "marcelo": 92,
    "miguel": 104, "paul": 82, "quincy": 82, "robert": 93, "sandro": 94, "travis": 96,
}  # fmt: skip
_WOMEN = {
    "f1": 171, "f2": 183, "f3": 196, "f4": 171, "f5": 194, "Andrea": 235, "Annie": 223,
    "anika": 260, "belinda": 223, "shelby": 165, "steph": 180,
}  # fmt: skip
_BASE_HZ = _MEN | _WOMEN

# pitch (Hz) and formants (factor on the voice's own): adults after Hillenbrand et al. (1995),
# children of some 4 to 10 years after Lee, Potamianos & Narayanan (1999)
_PITCH_HZ = {"child": (250, 360), "male": (88, 150), "female": (168, 238)}
_SHIFT = {"child": (1.18, 1.38), "male": (0.93, 1.06), "female": (0.95, 1.07)}
_PACE_WPM = {"child": (125, 190), "male": (145, 215), "female": (150, 220)}
_PITCH_STEP = 0.0108  # espeak's pitch of 0..99: each step adds it to the log of the pitch
_VOLUME = 40  # of espeak's 100: the loudest variants clip above 55


@dataclass(frozen=True)
class Speaker:
    """Somebody. ``voice`` is espeak's ("en-us+f3"), ``pitch`` and ``range`` its 0..99 settings.

    ``shift`` multiplies all frequencies (resampling); ``pace_wpm`` is in words a minute after it.
    """

    kind: str
    voice: str
    pitch: int
    range: int
    shift: float
    pace_wpm: float


@dataclass(frozen=True)
class Line:
    """One utterance of a speaker; ``seed`` draws the noise of a breathy voice."""

    text: str
    speaker: Speaker
    seed: int = 1


def voices() -> pd.DataFrame:
    """espeak's variants that are used: columns variant, kind ("male", "female"), pitch_hz."""
    rows = [(name, "male" if name in _MEN else "female", hz) for name, hz in _BASE_HZ.items()]
    return pd.DataFrame(rows, columns=["variant", "kind", "pitch_hz"])


def draw_speaker(rng: Generator, kind: str, variants: Sequence[str] | None = None) -> Speaker:
    """A speaker of a kind from ``variants`` (default: all). Children are built on women's voices.

    ValueError for an unknown kind and for variants that hold no voice for it.
    """
    if kind not in KINDS:
        raise ValueError(f"speech: unknown kind {kind!r}; known: {', '.join(KINDS)}")
    fitting = _MEN if kind == "male" else _WOMEN
    fitting = [each for each in fitting if variants is None or each in variants]
    if not fitting:
        raise ValueError(f"speech: no voice for kind {kind!r} among {list(variants)}")
    variant = fitting[rng.integers(len(fitting))]
    shift = round(log_uniform(rng, *_SHIFT[kind]), 3)
    wanted_hz = log_uniform(rng, *_PITCH_HZ[kind])
    steps = np.log(wanted_hz / (shift * _BASE_HZ[variant])) / _PITCH_STEP
    return Speaker(
        kind=kind,
        voice=f"{ACCENTS[rng.integers(len(ACCENTS))]}+{variant}",
        pitch=int(np.clip(round(50 + steps), 0, 99)),
        range=int(rng.integers(40, 85 if kind == "child" else 75)),
        shift=shift,
        pace_wpm=round(log_uniform(rng, *_PACE_WPM[kind]), 1),
    )


def most_groups(*kinds: str) -> int:
    """How many groups can have a voice of their own of each of ``kinds``."""
    return min(len(_MEN if kind == "male" else _WOMEN) for kind in kinds)


def deal(seed: int, groups: Sequence[str], each: int, kinds: Sequence[str] = KINDS) -> pd.DataFrame:
    """Speakers for disjoint groups (train, validation, test; folds): ``each`` of every kind.

    No two groups share an espeak variant. Columns: speaker, group, and those of ``Speaker``.
    ValueError for more groups than ``most_groups`` of the kinds.
    """
    most = most_groups(*kinds)
    if not 1 <= len(groups) <= most:
        raise ValueError(f"speech: speakers go to 1 to {most} groups, not {len(groups)}")
    rng = np.random.default_rng([seed, 0x5BEA])
    men, women = (list(rng.permutation(list(names))) for names in (_MEN, _WOMEN))
    rows = []
    for place, group in enumerate(groups):
        mine = men[place :: len(groups)] + women[place :: len(groups)]
        own = np.random.default_rng([seed, 0x5BEA, place])
        for kind in kinds:
            for number in range(each):
                name = f"{group}-{kind}-{number:02d}"
                rows.append({"speaker": name, "group": group} | vars(draw_speaker(own, kind, mine)))
    return pd.DataFrame(rows)


def cast(table: pd.DataFrame) -> dict[str, Speaker]:
    """The speakers of a table from ``deal`` by name."""
    fields = list(Speaker.__dataclass_fields__)
    rows = table[fields].astype(object).to_dict("records")
    return {name: Speaker(**row) for name, row in zip(table["speaker"], rows, strict=True)}


def render(utterances: Sequence[dict]) -> tuple[int, list[np.ndarray], list[list]]:
    """Run ``espeak`` on its own utterances: sample rate, int16 arrays, (phoneme, sample) rows.

    RuntimeError, one line, where the library is missing or fails.
    """
    try:
        import espeakng_loader
    except ImportError as error:
        message = "speech needs espeak-ng: pip install espeakng-loader (see requirements.txt)"
        raise RuntimeError(message) from error
    library = Path(espeakng_loader.get_library_path())
    done = subprocess.run(
        [sys.executable, "-I", "-S", Path(__file__).with_name("espeak.py"), library.name],
        input=json.dumps(list(utterances)).encode(),
        capture_output=True,
        cwd=library.parent,
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").split("\n")
        reason = next((line for line in reversed(lines) if line.strip()), "no message")
        raise RuntimeError(f"espeak-ng {reason} (exit code {done.returncode}, {library})")
    header, body = done.stdout.split(b"\n", 1)
    header = json.loads(header)
    ends = np.cumsum(header["sizes"]) // 2
    sounds = np.split(np.frombuffer(body, dtype="<i2"), ends[:-1])
    return header["sample_rate"], sounds, header["phonemes"]


def say(lines: Sequence[Line]) -> list[tuple[np.ndarray, pd.DataFrame]]:
    """All the speech of one recording: for each line float32 audio at 44.1 kHz and its phonemes.

    The table has the columns phoneme (espeak's ASCII names; "_" and "_:" are pauses), onset_s and
    offset_s, in order, without gaps, within the audio.
    """
    if not lines:
        return []
    rate, sounds, phonemes = render([_request(line) for line in lines])
    out = []
    for line, pcm, rows in zip(lines, sounds, phonemes, strict=True):
        source_rate = rate * line.speaker.shift
        audio = soxr.resample(pcm.astype(np.float32) / 32768, source_rate, SAMPLE_RATE)
        out.append((audio, _times(rows, pcm.size, source_rate, audio.size / SAMPLE_RATE)))
    return out


def _request(line: Line) -> dict:
    """A line in espeak's terms; resampling speeds speech up, so it is spoken that much slower."""
    who = line.speaker
    return {
        "text": line.text,
        "voice": who.voice,
        "seed": line.seed,
        "rate": int(np.clip(round(who.pace_wpm / who.shift), 80, 450)),
        "volume": _VOLUME,
        "pitch": who.pitch,
        "range": who.range,
    }


def _times(rows: list, samples: int, rate: float, duration_s: float) -> pd.DataFrame:
    """Phoneme names and first samples as a table; a phoneme lasts until the next begins.

    One of no length (an l drawn into the vowel before it) takes half of the one before.
    """
    starts = np.minimum.accumulate(np.array([at for _, at in rows] + [samples])[::-1])[::-1]
    for i in np.flatnonzero(starts[1:-1] == starts[2:]) + 1:
        starts[i] = (starts[i - 1] + starts[i]) // 2
    seconds = np.clip(starts / rate, 0.0, duration_s)
    table = pd.DataFrame(
        {
            "phoneme": [name for name, _ in rows],
            "onset_s": seconds[:-1],
            "offset_s": seconds[1:],
        }
    )
    return table[table["offset_s"] > table["onset_s"]].reset_index(drop=True)


def speak(
    text: str,
    *,
    voice: str = "en-us",
    speed_wpm: float = 175.0,
    pitch: int = 50,
    pitch_range: int = 50,
    shift: float = 1.0,
    seed: int = 1,
    phonemes: bool = False,
):
    """``text`` as float32 at 44.1 kHz, with ``phonemes`` also the table of ``say``.

    Arguments are those of ``Speaker``. ValueError for an empty text and settings out of range.
    """
    if not text.strip():
        raise ValueError("speech: there is nothing to say, text is empty")
    if not (0 <= pitch <= 99 and 0 <= pitch_range <= 99):
        raise ValueError(f"speech: pitch and pitch_range go from 0 to 99: {pitch}, {pitch_range}")
    if not (0.5 <= shift <= 2 and 80 <= speed_wpm / shift <= 450):
        raise ValueError(f"speech: {speed_wpm} words a minute at shift {shift} cannot be spoken")
    speaker = Speaker("any", voice, pitch, pitch_range, shift, speed_wpm)
    audio, table = say([Line(text, speaker, seed)])[0]
    return (audio, table) if phonemes else audio
