"""The acoustic model of a run: three networks are kept, and what one hears is counted right."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import PhoneOracle
from kaldi_writer import ChainModel

from sedutils.corpora import corpus, phones
from sedutils.features.frames import Frames
from sedutils.models.tdnnf import logits_of, recordings_of
from sedutils.papers.gradual import acoustic, acoustic_model
from sedutils.pipeline import files, places

IN_PROCESS = {"backend": "in-process", "workers": 1}

MODEL = {
    "kaldi": "",
    "dim": 12,
    "bottleneck": 4,
    "strides": [1, 0, 3],
    "prefinal": 6,
    "chunk_s": 0.6,
    "batch_chunks": 4,
    "learning_rate": 0.004,
    "patience": 2,
    "max_epochs": 2,
}


@pytest.fixture
def speech(tmp_path, rng):
    """MFCCs and phones of four recordings of 2 s, the phone written into the first coefficient."""
    codes = np.repeat(rng.integers(0, 41, 80), 10).astype(np.uint8)
    mfccs = rng.normal(size=(800, 40)).astype(np.float32)
    mfccs[:, 0] = codes
    np.save(tmp_path / "mfcc.npy", mfccs)
    np.save(tmp_path / "targets.npy", codes)
    splits = ["train", "train", "validation", "test"]
    table = pd.DataFrame({"recording": list("pqrs"), "split": splits, "scene": ""})
    table = table.assign(first_frame=range(0, 800, 200), frames=200, duration_s=2.0)
    files.write_csv(tmp_path / "recordings.csv", table)
    moments = {"mean": mfccs[:400].mean(0).tolist(), "std": mfccs[:400].std(0).tolist()}
    (tmp_path / "statistics.json").write_text(json.dumps({"fixed": {"mfcc": moments}}))
    return tmp_path


@pytest.fixture(autouse=True)
def checkpoints(monkeypatch, tmp_path):
    monkeypatch.setattr(places, "cache_of", lambda kind: tmp_path / "cache")
    return tmp_path / "cache"


def test_three_networks_are_kept(speech, tmp_path, checkpoints):
    folder = tmp_path / "models"
    network, history = acoustic.trained(MODEL, acoustic.splits(speech), folder, device="cpu")
    kept = {n: acoustic_model.read(folder / n) for n in ("phones", "trained", "untrained")}
    assert len(history) == 2 and len(list(checkpoints.iterdir())) == 1
    states = {name: model.state_dict() for name, model in kept.items()}
    assert all(torch.equal(v, states["trained"][k]) for k, v in states["phones"].items())
    assert all(torch.equal(v, states["trained"][k]) for k, v in network.state_dict().items())
    assert not torch.equal(states["trained"]["output.weight"], states["untrained"]["output.weight"])
    assert network.subsampling == 1 and network.widths == kept["untrained"].widths
    # a change of a value that decides is another training
    other = MODEL | {"learning_rate": 0.001}
    acoustic.trained(other, acoustic.splits(speech), tmp_path / "other", device="cpu")
    assert len(list(checkpoints.iterdir())) == 2


@pytest.mark.parametrize("ivector", [0, 2])
def test_a_kaldi_model_gives_the_features_and_the_twin_its_shape(speech, tmp_path, ivector):
    shape = {"dim": 10, "bottleneck": 4, "strides": [1, 0, 3], "prefinal": 5, "pdfs": 6}
    path = tmp_path / "final.mdl"
    path.write_bytes(ChainModel(mfcc=40, ivector=ivector, **shape).bytes())
    settings = MODEL | {"kaldi": str(path), "max_epochs": 1}
    network, _ = acoustic.trained(settings, acoustic.splits(speech), tmp_path, device="cpu")
    heard, twin = (acoustic_model.read(tmp_path / name) for name in ("trained", "untrained"))
    assert network.output.out_features == 41 and heard.output.out_features == 6
    assert heard.widths == twin.widths and twin.widths["ivector"] == ivector
    x = np.load(speech / "mfcc.npy")[:200]
    for model in (heard, twin):
        assert logits_of(model, x, features=True).shape == (200, 5)


def heard_as(said, heard):
    """A corpus of one recording and its frames: three frames a phone, said and heard."""
    rows = [(3 * i / 100, 3 * (i + 1) / 100, label) for i, label in enumerate(said)]
    events = pd.DataFrame(rows, columns=["onset_s", "offset_s", "label"]).assign(recording="x")
    recordings = pd.DataFrame({"recording": ["x"], "split": "test"})
    made = corpus.Corpus(None, recordings, events, phones.LABELS)
    codes = lambda labels: np.repeat([phones.LABELS.index(label) for label in labels], 3)  # noqa: E731
    table = recordings.assign(first_frame=0, frames=3 * len(said))
    mfccs = codes(heard).astype(np.float32)[:, None]
    return made, Frames(mfccs, codes(said).astype(np.uint8), table, torch.zeros(1), torch.ones(1))


def test_what_an_oracle_hears_by_hand():
    said = ["SIL", "S", "AA", "T", "SIL"]
    tried = {
        "right": heard_as(said, said),
        # AA and T heard as S: one run of three S, so two of three phones are missed
        "wrong": heard_as(said, ["SIL", "S", "S", "S", "SIL"]),
    }
    table = acoustic.score_table(PhoneOracle(), tried).set_index("speech")
    assert table.recordings.tolist() == [1, 1] and table.minutes.tolist() == [0, 0]
    assert table.frame_accuracy.tolist() == pytest.approx([1, 3 / 5])
    assert table.majority.tolist() == pytest.approx([2 / 5, 2 / 5])
    assert table.phone_error_rate.tolist() == pytest.approx([0, 2 / 3])


def test_a_whole_corpus_is_one_split(tmp_path, rng):
    rows, events = [], []
    for i, split in enumerate(("train", "validation", "test")):
        audio = 0.1 * rng.normal(size=16000 + 1600 * i)
        files.write_wav(tmp_path / "corpus" / f"{i}.wav", audio, 16000)
        rows.append((f"r{i}", f"{i}.wav", len(audio) / 16000, 16000, "", split))
        events.append((f"r{i}", 0.2, 0.7, "AA"))
    columns = ["recording", "path", "duration_s", "sample_rate", "scene", "split"]
    tables = pd.DataFrame(rows, columns=columns), pd.DataFrame(events, columns=corpus.EVENTS)
    corpus.write(tmp_path / "corpus", *tables, list(phones.LABELS))
    made, frames = acoustic.whole(tmp_path, **IN_PROCESS)
    assert list(made.recordings.recording) == ["r0", "r1", "r2"]
    assert frames.recordings.first_frame.tolist() == [0, 100, 210]
    assert frames.recordings.frames.tolist() == [100, 110, 120]
    pieces = [y for _, y in recordings_of(frames)]
    assert all((y[30:60] == phones.LABELS.index("AA")).all() for y in pieces)
