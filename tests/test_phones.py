"""Phone labels, their times on frames, and edit distance; MFCCs against Kaldi's definition."""

import numpy as np
import pandas as pd
import pytest
from conftest import refused
from hypothesis import given, settings
from hypothesis import strategies as st

from sedutils.corpora import phones
from sedutils.features import mfcc

SEQUENCES = st.lists(st.sampled_from("ABC"), max_size=7)


def table(*rows, columns=("onset_s", "offset_s", "label")):
    return pd.DataFrame(rows, columns=list(columns))


def espeak(*rows):
    return phones.from_espeak(table(*rows, columns=("onset_s", "offset_s", "phoneme")))


def test_labels_are_the_39_phones_silence_and_noise():
    assert len(phones.LABELS) == len(set(phones.LABELS)) == 41
    assert phones.LABELS[-2:] == ("SIL", "SPN") and "ZH" in phones.ARPABET
    reached = {phone for names in phones.FROM_ESPEAK.values() for phone in names}
    assert reached == set(phones.LABELS) - {"SPN"}


def test_a_vowel_with_its_r_is_two_phones_and_a_repeated_r_is_one():
    rows = espeak((0.0, 0.1, "v"), (0.1, 0.3, "'e@"), (0.3, 0.4, "r"), (0.4, 0.5, "i"))
    assert rows.label.tolist() == ["V", "EH", "R", "IY"]
    assert rows.onset_s.tolist() == pytest.approx([0, 0.1, 0.2, 0.4])
    assert rows.offset_s.tolist() == pytest.approx([0.1, 0.2, 0.4, 0.5])


def test_glides_prolong_the_phone_before_them():
    rows = espeak((0.0, 0.1, ",i"), (0.1, 0.2, ";"), (0.2, 0.3, "3"), (0.3, 0.4, "r-"))
    assert rows.label.tolist() == ["IY", "ER"] and rows.offset_s.tolist() == [0.2, 0.4]


def test_stress_and_position_are_left_out():
    names = ["EH1 S", "AH0_I", "M E", "ZH", "SIL", "+NSN+", "SPN S"]
    plain = ["EH", "AH", "M", "ZH", "SIL", "SPN", "SPN"]
    assert [phones.from_cmudict(name) for name in names] == plain


def test_unknown_names_are_told():
    refused(ValueError, lambda: espeak((0.0, 0.1, "xyz")), "'xyz'")
    refused(ValueError, lambda: phones.from_cmudict("QQ1"), "'QQ1'")


def test_silence_fills_what_is_left():
    events = table((0.5, 0.6, "S"), (0.6, 0.7, "S"), (0.2, 0.3, "SIL"))
    rows = phones.filled(events, 1.0)
    assert rows.label.tolist() == ["SIL", "S", "S", "SIL"]
    assert rows.onset_s.tolist() == [0, 0.5, 0.6, 0.7] and rows.offset_s.iloc[-1] == 1.0


def test_a_frame_has_the_phone_of_its_middle():
    events = table((0.0, 0.014, "S"), (0.014, 0.036, "AA"))
    codes = phones.at_frames(events, 5, 0.01)
    assert [phones.LABELS[i] for i in codes] == ["S", "AA", "AA", "AA", "SIL"]


@pytest.mark.parametrize(
    ("found", "reference", "errors"),
    [("", "", 0), ("", "ABC", 3), ("AB", "", 2), ("ABC", "ABC", 0), ("AXC", "ABC", 1),
     ("SITTING", "KITTEN", 3), ("SUNDAY", "SATURDAY", 3), ("BA", "AB", 2)],
)  # fmt: skip
def test_edit_distance_by_hand(found, reference, errors):
    assert phones.edit_distance(found, reference) == errors


def slow_distance(a, b):
    if not a or not b:
        return len(a) + len(b)
    return min(
        slow_distance(a[1:], b[1:]) + (a[0] != b[0]),
        slow_distance(a[1:], b) + 1,
        slow_distance(a, b[1:]) + 1,
    )


@settings(deadline=None)
@given(SEQUENCES, SEQUENCES)
def test_edit_distance_against_the_recursion(a, b):
    assert phones.edit_distance(a, b) == slow_distance(a, b)


def slow_mfcc(audio, frame):
    """One frame by loops over the definition, in float64."""
    first = frame * 160 + 80 - 200
    mirrored = [i if 0 <= i < len(audio) else (-1 - i if i < 0 else 2 * len(audio) - 1 - i)
                for i in range(first, first + 400)]  # fmt: skip
    x = audio[mirrored].astype(float) * 32768
    x = x - x.mean()
    x = np.array([x[i] - 0.97 * x[max(i - 1, 0)] for i in range(400)])
    x = x * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 399)) ** 0.85
    n = np.arange(400)
    power = [abs(np.sum(x * np.exp(-2j * np.pi * k * n / 512))) ** 2 for k in range(257)]
    mel = [1127 * np.log(1 + hz / 700) for hz in (20.0, 7600.0)]
    edges = np.linspace(mel[0], mel[1], 42)
    logs = []
    for low, centre, high in zip(edges, edges[1:], edges[2:], strict=False):
        total = 0.0
        for k, p in enumerate(power):
            m = 1127 * np.log(1 + k * 16000 / 512 / 700)
            if low < m < high:
                total += p * (
                    (m - low) / (centre - low) if m <= centre else (high - m) / (high - centre)
                )
        logs.append(np.log(total))
    out = []
    for c in range(40):
        scale = np.sqrt((1 if c == 0 else 2) / 40)
        angle = np.pi * c * (np.arange(40) + 0.5) / 40
        out.append(scale * np.sum(logs * np.cos(angle)) * (1 + 11 * np.sin(np.pi * c / 22)))
    return np.array(out)


def test_mfccs_follow_kaldis_definition(rng):
    audio = (0.1 * rng.standard_normal(4000)).astype(np.float32)
    found = mfcc.mfcc(audio)
    assert found.shape == (25, 40) and found.dtype == np.float32
    for frame in (0, 1, 12, 24):
        assert np.abs(found[frame] - slow_mfcc(audio, frame)).max() < 0.02  # of values up to 100


def test_a_clip_of_30_s_has_3000_frames_whose_windows_are_centred(rng):
    click = np.zeros(16000, np.float32)
    click[8000 + 80] = 0.5  # in the middle of frame 50
    power = mfcc.mfcc(click)[:, 0]
    assert power.argmax() == 50 and power[49] == pytest.approx(power[51], rel=0.05)
    assert mfcc.frame_count(30 * 16000) == 3000 and len(power) == 100
    refused(ValueError, lambda: mfcc.mfcc(click[:399]), "399 samples")
