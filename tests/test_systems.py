"""Systems from training to use: saved, found again, applied to any sound; bad files are named."""

import json

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from sections import FRONT_END, TRAINING

from sedutils.decoding.thresholds import decisions
from sedutils.features.frames import Frames
from sedutils.models.blocks import trainable_parameters
from sedutils.models.cakir2017 import RNN
from sedutils.models.gmm import GMM
from sedutils.pipeline import files, places
from sedutils.site import own_audio
from sedutils.training import evaluation, loop, systems, tasks

FACTS = {"size": "test", "corpus": "test", "source": "foley", "features": FRONT_END}
DESIGNS = {
    "rnn": {
        "kind": "RNN",
        "units": 8,
        "rnn_layers": 1,
        "fnn_layers": 1,
        "dropout": 0.1,
        "sequence_frames": 64,
        "batch_frames": 256,
        "learning_rate": 0.01,
    },
    "gmm": {
        "kind": "GMM",
        "components": 2,
        "iterations": 5,
        "frames_per_model": 0,
        "window_s": 1.0,
    },
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Features of four short recordings and both systems trained on them."""
    root, rng = tmp_path_factory.mktemp("systems"), np.random.default_rng(0)
    folder, frames = root / "features", 300
    folder.mkdir()
    targets = np.repeat(rng.random((4 * frames // 50, 2)) < 0.4, 50, axis=0)
    statistics = {}
    for name, width in (("log_mel", 40), ("mfcc", 59)):
        values = rng.normal(size=(4 * frames, width)).astype(np.float32)
        values[:, :10] += 2 * targets[:, :1]
        values[:, 10:20] += 2 * targets[:, 1:]
        np.save(folder / f"{name}.npy", values)
        statistics[name] = {"mean": [0.0] * width, "std": [1.0] * width}
    np.save(folder / "targets.npy", targets.astype(np.uint8))
    (folder / "statistics.json").write_text(json.dumps({"fixed": statistics}))
    (folder / "labels.txt").write_text("cat\ndog\n")
    recordings = pd.DataFrame(
        {
            "recording": list("abcd"),
            "split": ["train", "train", "validation", "test"],
            "scene": "x",
            "first_frame": range(0, 4 * frames, frames),
            "frames": frames,
            "duration_s": frames * 0.02,
        }
    )
    files.write_csv(folder / "recordings.csv", recordings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "cache_of", lambda kind: root / "cache")
        for name, design in DESIGNS.items():
            systems.train(
                name=name,
                seed=1,
                arguments=design,
                data=systems.Recordings(folder),
                folder=root / name / "1",
                settings=TRAINING,
                facts=FACTS,
            )
    return root


@pytest.fixture
def tone(tmp_path):
    path = tmp_path / "tone.wav"
    time = np.arange(3 * 22050) / 22050
    soundfile.write(path, np.stack([0.3 * np.sin(2000 * time), 0.1 * np.cos(900 * time)], 1), 22050)
    return path


def test_what_a_chapter_shows_of_a_training_is_its_beginning(trained, tmp_path, monkeypatch):
    """The network and the first batch that `loop.fit` gets; and torch's generator stays where it is."""
    data = systems.Recordings(trained / "features")
    task = tasks.of(
        systems.Trial("rnn", 3), folder=tmp_path, arguments=DESIGNS["rnn"], data=data, settings=TRAINING, facts=FACTS
    )  # fmt: skip
    assert tasks.by_class([task, task | {"seed": 4}]) == {RNN: task}
    state = torch.get_rng_state()
    model, (inputs, targets) = tasks.beginning(**task)
    assert torch.equal(torch.get_rng_state(), state)

    def compare(trained_model, batches, *rest, **how):
        for own, shown in zip(trained_model.parameters(), model.parameters(), strict=True):
            assert torch.equal(own, shown)
        ((x,), (y,)) = next(iter(batches(0)))
        assert torch.equal(x, inputs[0]) and torch.equal(y, targets[0])
        raise StopIteration("compared")

    monkeypatch.setattr(loop, "fit", compare)
    with pytest.raises(StopIteration, match="compared"):
        systems.train(**task)


@pytest.mark.parametrize(
    ("gpu", "calls"), [(True, [["b"], ["c", "a"]]), (False, [["c", "b", "a"]])]
)
def test_on_a_gpu_what_needs_none_is_trained_apart(staged, monkeypatch, gpu, calls):
    monkeypatch.chdir(staged)
    monkeypatch.setattr("torch.cuda.is_available", lambda: gpu)
    seen = []

    def parallel(function, arguments, **how):
        seen.append([task["name"] for task in arguments])
        return [task["name"].upper() for task in arguments]

    monkeypatch.setattr(tasks.jobs, "parallel", parallel)
    kinds = {"c": "CRNN", "b": "GMM", "a": "RNN"}
    todo = [
        {"name": n, "arguments": {"kind": k}, "settings": {"device": "auto"}}
        for n, k in kinds.items()
    ]
    assert tasks.train_all(todo, label="x") == ["C", "B", "A"]
    assert seen == calls


@pytest.mark.parametrize("name", DESIGNS)
def test_a_system_read_again_gives_the_kept_scores(trained, name):
    kept = np.load(trained / name / "1" / "scores_test.npy")
    again = systems.System.read(trained / name / "1")
    frames = Frames.read(trained / "features", "test", again.front_end)
    np.testing.assert_array_equal(again.scores_of(frames), kept)
    assert kept.shape == (300, 2) and kept.min() >= 0 and kept.max() <= 1


def test_the_gmm_finds_what_separates_the_classes(trained):
    reference = evaluation.Reference.read(trained / "features", "test")
    scores = evaluation.read_scores(trained, "gmm", 1, "test")
    counts = reference.counts(decisions(reference.split(scores), 0.5)).sum()
    assert counts.true_positives.sum() > 2 * (counts.false_positives + counts.false_negatives).sum()


def test_a_gmm_scores_0_what_training_never_hears_and_1_what_it_always_hears(rng):
    x = rng.normal(size=(400, 5)).astype(np.float32)
    y = np.stack([x[:, 0] > 0, np.zeros(400), np.ones(400), np.arange(400) == 7], 1)
    settings = {"components": 2, "iterations": 5, "frames_per_model": 0, "window_frames": 1}
    gmm = GMM(**settings).fit(x, y, seed=1)
    again = GMM(**settings)
    again.load_state_dict(gmm.state_dict())
    for model in (gmm, again):
        scores = model.scores(x)
        assert np.mean((scores[:, 0] > 0.5) == y[:, 0]) > 0.8
        assert (scores[:, 1:] == [0, 1, 0]).all()
    assert trainable_parameters(gmm) == trainable_parameters(again) == 2 * 2 * (5 + 5 + 1)


def test_weights_that_are_cut_or_of_another_layout_are_named(trained, tmp_path):
    for name, damage in (("cut", lambda b: b[:-100]), ("none", lambda b: b"")):
        folder = tmp_path / name
        folder.mkdir()
        for file in ("model.safetensors", "description.json"):
            content = (trained / "rnn/1" / file).read_bytes()
            (folder / file).write_bytes(damage(content) if file.startswith("model") else content)
        with pytest.raises(
            ValueError, match=r"model\.safetensors: not the weights of a RNN"
        ) as caught:
            systems.System.read(folder)
        assert "\n" not in str(caught.value)


def test_no_pickle_is_among_the_files_of_a_model(trained):
    assert {p.suffix for p in (trained / "rnn/1").iterdir()} == {
        ".safetensors",
        ".json",
        ".csv",
        ".npy",
    }


@pytest.mark.parametrize("name", DESIGNS)
def test_any_sound_becomes_events_labels_and_a_page(trained, tone, tmp_path, name):
    found = own_audio.detect(systems.System.read(trained / name / "1"), tone, threshold=0.3)
    assert found.scores.shape == (150, 2)
    assert (found.events.offset_s <= 3.0 + 1e-6).all()
    tsv, labels, page = own_audio.write(found, tmp_path / "out")
    lines = tsv.read_text().splitlines()
    assert lines[0] == "filename\tonset\toffset\tevent_label"
    assert len(lines) == len(found.events) + 1 == len(labels.read_text().splitlines()) + 1
    assert "<audio" in page.read_text() and "http" not in page.read_text().split("<audio")[1][:200]


def test_bad_sound_is_named_in_one_line(trained, tmp_path):
    system = systems.System.read(trained / "rnn/1")
    cases = {"missing.wav": None, "empty.wav": b"", "text.wav": b"no audio at all"}
    for name, content in cases.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises((ValueError, OSError), match=name) as caught:
            own_audio.detect(system, tmp_path / name)
        assert "\n" not in str(caught.value)
