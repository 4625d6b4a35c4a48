"""The 41 labels of the acoustic model: the 39 phones of CMUdict in ARPAbet, silence and noise.

Without stress and without position in the word, which the paper's Table 2 prints (``EH1 S``). SIL is
silence. SPN, in Kaldi "spoken noise", is here any sound that is no speech.

A phone is the one with which CMUdict spells the word in American English: the flap of "better" is T, the
end of "butter" ER, the vowel of "car" AA and R. espeak-ng's en-us says words so too; its other accents
leave out the R or say t for th, and are not used. Transcripts of real speech are aligned to CMUdict.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

ARPABET = (
    "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH",
    "IY", "JH", "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V",
    "W", "Y", "Z", "ZH",
)  # fmt: skip
SAMPLE_RATE = 16000  # of recordings of speech
SIL, SPN = "SIL", "SPN"
LABELS = (*ARPABET, SIL, SPN)
VOWELS = frozenset(phone for phone in ARPABET if phone[0] in "AEIOU")

# espeak-ng's names of the sounds in en-us and what it takes over from en. Syllabic consonants get the
# vowel that CMUdict writes, vowels that have drawn an R into them give it back.
_ESPEAK = {
    "AA": "A: A# 0 A~",
    "AE": "a aa a2",
    "AH": "@ @2 @5 @- @# V a# a#2 02 0#",
    "AO": "O O: O2 O~",
    "AW": "aU",
    "AY": "aI",
    "EH": "E E# E2",
    "ER": "3 3:",
    "EY": "eI e:",
    "IH": "I I2 I# I2# e#",
    "IY": "i i:",
    "OW": "oU oU# o:",
    "OY": "OI",
    "UH": "U",
    "UW": "u u:",
    "AA R": "A@",
    "AH L": "@L l-",
    "AH M": "m-",
    "AH N": "n-",
    "AH R": "VR",
    "AO R": "O@ o@",
    "AW ER": "aU@",
    "AY AH": "aI@",
    "AY ER": "aI3",
    "EH R": "e@",
    "IH R": "i@3 IR",
    "IY AH": "i@",
    "UH R": "U@",
    "B": "b",
    "CH": "tS",
    "D": "d d#",
    "DH": "D",
    "F": "f",
    "G": "g",
    "HH": "h C",
    "JH": "dZ",
    "K": "k x",
    "L": "l l/2",
    "M": "m",
    "N": "n",
    "NG": "N",
    "P": "p",
    "R": "r r/",
    "S": "s",
    "SH": "S",
    "T": "t t# t2 ?",
    "TH": "T",
    "V": "v v#",
    "W": "w w#",
    "Y": "j",
    "Z": "z z# z/2",
    "ZH": "Z",
    SIL: "_ _: _:: _! _| _;_",
}
# the glide behind an i ("idiom"), the r between a word's ER and a vowel: they prolong the phone before
_GOES_ON = (";", "r-")
_STRESS = "',%="
FROM_ESPEAK = {
    name: tuple(phones.split()) for phones, names in _ESPEAK.items() for name in names.split()
}


def from_espeak(table: pd.DataFrame) -> pd.DataFrame:
    """Phone times from espeak's: columns onset_s, offset_s, label.

    table : phoneme, onset_s, offset_s, as `sedutils.foley.speech.say` returns it. Two phones in place of
    one share its time evenly; an R that espeak repeats ("vary": e@ r) is one.
    ValueError for a phoneme that has no place in the table of this module.
    """
    rows = []
    for row in table.itertuples():
        name = row.phoneme.lstrip(_STRESS)
        if name not in FROM_ESPEAK and name not in _GOES_ON:
            raise ValueError(f"espeak-ng says {row.phoneme!r}: no ARPAbet phone stands for it yet")
        phones = FROM_ESPEAK.get(name, ())
        if rows and (not phones or (phones == ("R",) and rows[-1][2] == "R")):
            rows[-1] = (rows[-1][0], row.offset_s, rows[-1][2])
            continue
        borders = np.linspace(row.onset_s, row.offset_s, len(phones) + 1)
        rows += zip(borders[:-1], borders[1:], phones, strict=True)
    for i in range(1, len(rows)):
        (onset_s, _, vowel), (_, offset_s, label) = rows[i - 1], rows[i]
        before_vowel = i + 1 < len(rows) and rows[i + 1][2] in VOWELS
        if label == "L" and vowel in VOWELS and not before_vowel:
            middle_s = (onset_s + offset_s) / 2
            rows[i - 1 : i + 1] = [(onset_s, middle_s, vowel), (middle_s, offset_s, label)]
    return pd.DataFrame(rows, columns=["onset_s", "offset_s", "label"])


def from_cmudict(name: str) -> str:
    """A label from a phone of CMUdict, pocketsphinx or Kaldi: ``EH1``, ``AH0_I``, ``EH1 S``, ``+NSN+``.

    ValueError for any other name.
    """
    plain = name.replace("_", " ").split(" ")[0].rstrip("012")
    plain = SPN if plain in ("+SPN+", "+NSN+", "NSN") else plain
    if plain not in LABELS:
        raise ValueError(f"{name!r}: no phone of CMUdict, and none of {SIL}, {SPN}")
    return plain


def filled(events: pd.DataFrame, duration_s: float) -> pd.DataFrame:
    """Events in order of onset with SIL wherever there was none, from 0 to ``duration_s``.

    events : onset_s, offset_s, label, none before another's end
    """
    rows, now = [], 0.0
    for row in events.sort_values("onset_s").itertuples():
        if row.onset_s > now:
            rows.append((now, row.onset_s, SIL))
        rows.append((row.onset_s, row.offset_s, row.label))
        now = row.offset_s
    if duration_s > now:
        rows.append((now, duration_s, SIL))
    table = pd.DataFrame(rows, columns=["onset_s", "offset_s", "label"])
    run = (table["label"] != table["label"].shift()).cumsum()
    silent = table["label"] == SIL  # one SIL for two that touch; S S in "this sound" stays two
    table["run"] = np.where(silent, run, run.max() + 1 + np.arange(len(table)))
    merged = table.groupby("run", sort=False).agg(
        onset_s=("onset_s", "first"), offset_s=("offset_s", "last"), label=("label", "first")
    )
    merged = merged.round({"onset_s": 6, "offset_s": 6})
    return merged[merged["offset_s"] > merged["onset_s"]].reset_index(drop=True)


def at_frames(events: pd.DataFrame, frames: int, hop_s: float) -> np.ndarray:
    """The label in the middle of each frame as its place in `LABELS`, ``(frames,)`` uint8; SIL where none is."""
    middles = (np.arange(frames) + 0.5) * hop_s
    events = events.sort_values("onset_s")
    place = np.searchsorted(events["onset_s"].to_numpy(), middles, side="right") - 1
    codes = np.array([LABELS.index(label) for label in events["label"]], np.uint8)
    inside = (place >= 0) & (middles < events["offset_s"].to_numpy()[place])
    return np.where(inside, codes[place], LABELS.index(SIL)).astype(np.uint8)


def edit_distance(found: Sequence[str], reference: Sequence[str]) -> int:
    """Fewest substitutions, deletions and insertions that make one sequence of the other (Levenshtein)."""
    costs = np.arange(len(reference) + 1)
    steps = np.arange(1, len(reference) + 1)
    for i, phone in enumerate(found, start=1):
        differs = np.array([phone != other for other in reference], dtype=int)
        # an insertion runs along the row: the least of costs[k] + (j - k) over k <= j
        best = np.minimum(costs[:-1] + differs, costs[1:] + 1)
        run = np.minimum.accumulate(np.append(i, best - steps))
        costs = np.append(i, np.minimum(run[1:], run[:-1]) + steps)
    return int(costs[-1])
