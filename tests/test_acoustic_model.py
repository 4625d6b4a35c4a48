"""The acoustic model learns, resumes, and tells phones and features of any sound."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import PhoneOracle, refused

from sedutils.corpora import corpus, phones, synthesised
from sedutils.features import mfcc, speech
from sedutils.features.frames import Frames
from sedutils.models.tdnnf import TDNNF, frame_accuracy, logits_of, recordings_of, shift
from sedutils.papers.gradual import acoustic_model as acoustic

WIDTHS = {
    "mfcc": 40,
    "dim": 48,
    "bottleneck": 16,
    "strides": [1, 0, 3, 3],
    "prefinal": 24,
    "phones": 41,
    "subsampling": 3,
}
TRAINING = {
    "chunk_s": 0.6,
    "batch_chunks": 8,
    "learning_rate": 0.004,
    "patience": 5,
}
HOW = {"seed": 0, "device": "cpu"}


def network():
    torch.manual_seed(1)
    return TDNNF(**WIDTHS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    top = tmp_path_factory.mktemp("speech")
    settings = {"seed": 1, "minutes": 1.5, "recording_s": 6.0, "noise_share": 0.3}
    synthesised.build(
        top / "corpus", settings | {"snr_db": (25, 40)}, backend="in-process", workers=1
    )
    speech.extract(corpus.read(top / "corpus"), top, backend="in-process", workers=1)
    return top


@pytest.fixture(scope="module")
def splits(folder):
    return [Frames.read(folder, name, speech.ARRAY) for name in ("train", "validation")]


@pytest.fixture(scope="module")
def trained(splits):
    model = network()
    history = acoustic.fit(model, *splits, TRAINING | {"max_epochs": 9}, **HOW)
    return model, history


@pytest.fixture(scope="module")
def full(trained, folder):
    """The trained network, written and read again at one output a frame."""
    acoustic.write(trained[0], folder / "model")
    return acoustic.read(folder / "model")


def test_an_untrained_network_has_its_shape_and_norms_that_know_speech(full, splits):
    """Nothing is learnt: the weights are those drawn, and only the norms' statistics have moved."""
    net = acoustic.untrained(WIDTHS, splits[0], seed=1, chunk_s=0.6)
    for (name, drawn), (_, kept) in zip(
        network().named_parameters(), net.named_parameters(), strict=True
    ):
        assert name.startswith("lda") or torch.equal(drawn, kept), name
    x, _ = next(iter(recordings_of(splits[0])))
    features = logits_of(net, x, features=True)
    assert features.shape == (-(-len(x) // 3), 24)
    assert 0.5 < features.std() < 2 and frame_accuracy(net, splits[1]) < 0.2


def test_features_and_targets_stand_beside_each_other(folder, splits):
    made = corpus.read(folder / "corpus")
    row = splits[0].recordings.iloc[1]
    audio_frames = mfcc.frame_count(round(row.duration_s * 16000))
    part = slice(row.first_frame, row.first_frame + row.frames)
    assert row.frames == audio_frames and splits[0].features.shape[1] == 40
    direct = speech.read_mfcc(made.audio_path(row.recording))
    assert (splits[0].features[part] == direct).all()
    codes = phones.at_frames(made.events_of(row.recording), row.frames, 0.01)
    assert (splits[0].targets[part] == codes).all()
    train = np.concatenate([x for x, _ in recordings_of(splits[0])])
    assert splits[0].mean.numpy() == pytest.approx(train.mean(0), rel=1e-3, abs=1e-3)
    assert splits[0].std.numpy() == pytest.approx(train.std(0), rel=1e-3)


def test_other_labels_are_refused(folder, tmp_path):
    made = corpus.read(folder / "corpus")
    corpus.write(tmp_path, made.recordings, made.events, [*made.labels, "XX"])
    refused(ValueError, lambda: speech.extract(
        corpus.read(tmp_path), tmp_path, backend="in-process", workers=1), "41 phone labels")  # fmt: skip


def test_it_learns_phones_of_voices_it_never_heard(trained, splits):
    model, history = trained
    counts = acoustic.confusions(model, splits[1])
    majority = counts.sum(1).max() / counts.sum()
    accuracy = frame_accuracy(model, splits[1])
    assert accuracy == pytest.approx(np.trace(counts) / counts.sum())
    assert accuracy > majority + 0.05 and frame_accuracy(model, splits[0]) > 0.5
    assert accuracy == pytest.approx(max(epoch["validation_score"] for epoch in history))
    assert history[-1]["loss"] < 0.7 * history[0]["loss"]
    for factor in model.factors():
        gram = factor.weight @ factor.weight.T
        gram = gram if len(gram) <= factor.weight.shape[1] else factor.weight.T @ factor.weight
        gram = gram.detach() / gram.trace() * len(gram)
        assert (gram - torch.eye(len(gram))).abs().max() < 0.3


def test_input_is_standardised_by_the_fixed_transform(splits):
    model = network()
    model.begin(splits[0], 1)
    x = torch.from_numpy(np.array(splits[0].features[: splits[0].recordings.frames.sum()]))
    h = model.spliced(x[None])[0]
    assert h.mean(0).abs().max() < 0.05 and (h.std(0) - 1).abs().max() < 0.05


def test_a_recording_is_brought_to_the_channel_it_was_trained_on():
    """300 frames of the channel stand beside the recording's own: of 100 frames a quarter of the way."""
    channel = torch.tensor([1.0, -2.0])
    x = channel + torch.tensor([4.0, 0.0]) + torch.zeros(100, 2)
    assert shift(x, channel).tolist() == [-1.0, 0.0]
    long = channel + torch.tensor([4.0, 0.0]) + torch.zeros(30000, 2)
    assert shift(long, channel).numpy() == pytest.approx([-4.0, 0.0], abs=0.05)


def test_each_chunk_gets_the_shift_of_its_own_recording(splits):
    row = splits[0].recordings.iloc[2]
    starts = np.array([row.first_frame, row.first_frame + row.frames - 1])
    chunks = acoustic.Chunks(splits[0], length=1, size=2, seed=0)
    raw = torch.from_numpy(np.array(splits[0].features[starts]))[:, None]
    got = chunks.shifted(starts) - raw
    x = torch.from_numpy(np.array(splits[0].features[row.first_frame :][: row.frames]))
    expected = shift(x, splits[0].mean)
    assert got.shape == (2, 1, 40) and torch.allclose(got[0, 0], expected, atol=1e-5)
    assert torch.allclose(got[0], got[1], atol=1e-5)


def test_a_killed_training_ends_with_the_same_numbers(splits, tmp_path):
    whole = network()
    first = acoustic.fit(whole, *splits, TRAINING | {"max_epochs": 2}, **HOW)
    path = tmp_path / "kept.pt"
    acoustic.fit(network(), *splits, TRAINING | {"max_epochs": 1}, checkpoint=path, **HOW)
    state = torch.load(path, weights_only=True)
    torch.save(state | {"finished": False}, path)
    resumed = network()
    again = acoustic.fit(resumed, *splits, TRAINING | {"max_epochs": 2}, checkpoint=path, **HOW)
    assert first == again
    pairs = zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_at_full_rate_every_third_output_is_the_same(full, trained, splits):
    model, _ = trained
    x, _ = next(iter(recordings_of(splits[1])))
    full = logits_of(full, x)
    assert len(full) == len(x)
    assert torch.allclose(full[::3], logits_of(model, x), atol=1e-4)


def codes(text):
    return np.array([phones.LABELS.index(label) for label in text.split()])


def test_decoding_by_hand():
    text = "SIL SIL SIL S S S S T T AA AA AA S AA AA AA SIL SIL SIL AA AA AA"
    assert acoustic.decoded(codes(text)) == ["SIL", "S", "AA", "SIL", "AA"]
    assert acoustic.decoded(codes(text), shortest=1)[:4] == ["SIL", "S", "T", "AA"]
    assert acoustic.spoken(["SIL", "S", "SIL", "S", "SPN"]) == ["S", "S", "SPN"]


def test_phone_error_rate_by_hand():
    said = codes("SIL SIL SIL S S S AA AA AA SIL SIL SIL T T T").astype(np.float32)
    table = pd.DataFrame({"recording": ["a"], "first_frame": [0], "frames": [len(said)]})
    nothing = torch.zeros(1)
    frames = Frames(said[:, None], said.astype(np.uint8), table, nothing, nothing)
    rate = acoustic.phone_error_rate
    assert rate(PhoneOracle(), frames, {"a": ["SIL", "S", "AA", "SIL", "T"]}) == 0
    assert rate(PhoneOracle(), frames, {"a": ["S", "AE", "T", "SIL"]}) == pytest.approx(1 / 3)
    assert rate(PhoneOracle(), frames, {"a": ["S", "T"]}) == pytest.approx(1 / 2)
    assert frame_accuracy(PhoneOracle(), frames) == 1


def test_asr_features_are_means_over_100_ms(full, rng):
    audio = (0.1 * rng.standard_normal(2 * 16000 + 900)).astype(np.float32)
    found = acoustic.asr_features(full, audio)
    assert found.shape == (20, 24) and found.dtype == np.float32
    x = torch.from_numpy(mfcc.mfcc(audio))
    each = full.features((x + shift(x, full.channel))[None])[0].detach().numpy()
    assert found[7] == pytest.approx(each[70:80].mean(0), abs=1e-4)
    assert acoustic.asr_features(full, np.zeros(30 * 16000, np.float32)).shape == (300, 24)


def test_phones_of_segments_are_counted(full, rng):
    silence = [np.full(8000, 1e-4, np.float32) * rng.standard_normal(8000) for _ in range(2)]
    counts = acoustic.phone_counts(full, [x.astype(np.float32) for x in silence])
    assert list(counts) == list(phones.LABELS) and sum(counts.values()) >= 2
    single = [acoustic.phone_counts(full, [x.astype(np.float32)]) for x in silence]
    assert counts == {label: single[0][label] + single[1][label] for label in phones.LABELS}


def test_it_imports_without_librosa():
    code = (
        "import sys; sys.modules['librosa'] = None; import sedutils.papers.gradual.acoustic_model"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
