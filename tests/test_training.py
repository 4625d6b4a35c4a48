"""Training: the same numbers again, also after a kill; other numbers from another seed."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import refused

from sedutils.features import triplets
from sedutils.features.frames import Frames
from sedutils.models import cakir2017, phan2018
from sedutils.models.kinds import KINDS
from sedutils.models.network import Network
from sedutils.pipeline import closure, files
from sedutils.training import loop, systems
from sedutils.training.average import Average, renew_statistics

DESIGN = {"sequence_frames": 16, "batch_frames": 64, "learning_rate": 0.01}
SETTINGS = {
    "patience": 3,
    "minimum_epochs": 2,
    "max_epochs": 6,
    "learning_rate_decay": 0.0,
    "shift_frames": 73,
    "hop_frames": 0,
    "checkpoint_epochs": 2,
    "device": "cpu",
}


@pytest.fixture
def folder(tmp_path, rng):
    """Features of five recordings in which a band tells the class."""
    targets = rng.random((5 * 60, 2)) < 0.3
    features = rng.normal(size=(300, 8)).astype(np.float32) + np.repeat(targets, 4, axis=1) * 2
    np.save(tmp_path / "log_mel.npy", features.astype(np.float32))
    np.save(tmp_path / "targets.npy", targets.astype(np.uint8))
    recordings = pd.DataFrame(
        {
            "recording": list("abcde"),
            "split": ["train"] * 3 + ["validation", "test"],
            "scene": "x",
            "first_frame": range(0, 300, 60),
            "frames": 60,
            "duration_s": 1.2,
        }
    )
    files.write_csv(tmp_path / "recordings.csv", recordings)
    (tmp_path / "statistics.json").write_text(
        json.dumps({"fixed": {"log_mel": {"mean": [0.0] * 8, "std": [1.0] * 8}}})
    )
    return tmp_path


RNN = partial(cakir2017.RNN, units=6, rnn_layers=1, fnn_layers=1, dropout=0.2)
CNN = partial(
    cakir2017.CNN, maps=4, pool=[2, 2], fnn_layers=1, filter_shape=[3, 3], dropout=0.2
)  # has batch norm


def train(folder, seed=1, checkpoint=None, network=RNN, **changes):
    torch.manual_seed(seed)
    net = network(bands=8, classes=2)
    splits = [Frames.read(folder, s) for s in ("train", "validation")]
    how = {"arguments": DESIGN, "settings": SETTINGS | changes, "seed": seed}
    history = loop.fit_sequences(net, *splits, checkpoint=checkpoint, **how)
    return history, net.predict(splits[1], 16, "cpu")


def test_same_seed_same_numbers_other_seed_other_numbers(folder):
    (first, scores), (again, _), (other, _) = train(folder), train(folder), train(folder, seed=2)
    assert first == again
    assert first != other
    assert scores.shape == (60, 2) and scores.dtype == np.float32


def test_it_learns(folder):
    history, _ = train(folder, max_epochs=40, patience=40)
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    assert max(e["validation_score"] for e in history) > 0.6


BUDGET = {"patience": 0, "max_epochs": 0, "steps": 11, "average": 0.9, "statistics_batches": 2}


@pytest.mark.parametrize("network", [RNN, CNN], ids=["rnn", "cnn"])
@pytest.mark.parametrize("schedule", [{"patience": 6}, BUDGET], ids=["patience", "budget"])
@pytest.mark.parametrize("killed_after", [1, 3, 5])
def test_a_killed_training_resumes_to_the_same_numbers(
    folder, tmp_path, monkeypatch, killed_after, schedule, network
):
    how = schedule | {"network": network}
    whole, scores = train(folder, **how)
    note, calls = loop.TrainingState.note, []

    def dying(self, *values, **options):
        note(self, *values, **options)
        calls.append(1)
        if len(calls) == killed_after:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop.TrainingState, "note", dying)
    checkpoint = tmp_path / "cache" / "x.pt"
    with pytest.raises(KeyboardInterrupt):
        train(folder, checkpoint=checkpoint, **how)
    monkeypatch.undo()
    resumed, resumed_scores = train(folder, checkpoint=checkpoint, **how)
    assert resumed == whole
    np.testing.assert_array_equal(resumed_scores, scores)


def test_a_finished_training_is_found_again(folder, tmp_path, monkeypatch):
    checkpoint = tmp_path / "x.pt"
    whole, _ = train(folder, checkpoint=checkpoint)
    monkeypatch.setattr(loop.TrainingState, "note", lambda *_, **__: pytest.fail("trained again"))
    assert train(folder, checkpoint=checkpoint)[0] == whole


def test_the_best_weights_come_back(folder):
    history, scores = train(folder, max_epochs=12, patience=12)
    targets = np.load(folder / "targets.npy")[180:240].astype(bool)
    on = scores >= 0.5
    f1 = 2 * (on & targets).sum() / (on.sum() + targets.sum())
    assert f1 == pytest.approx(max(e["validation_score"] for e in history), abs=1e-6)


def scored(folder, monkeypatch, scores, **changes):
    """The history of a training whose validation scores are given."""
    given = iter(scores)
    monkeypatch.setattr(Network, "validation_score", lambda *_, **__: next(given))
    return pd.DataFrame(train(folder, **changes)[0])


def test_the_first_epochs_are_neither_the_best_nor_the_start_of_patience(folder, monkeypatch):
    scores = [0.9, 0.1, 0.1, 0.1, 0.1, 0.3, *[0.2] * 9]
    history = scored(folder, monkeypatch, scores, patience=3, minimum_epochs=5, max_epochs=15)
    assert len(history) == 9 and history.epoch[history.best].item() == 6


def test_a_network_that_finds_nothing_yet_goes_on(folder, monkeypatch):
    scores = [0.0] * 8 + [0.1] + [0.0] * 6
    history = scored(folder, monkeypatch, scores, patience=2, minimum_epochs=2, max_epochs=15)
    assert len(history) == 11 and history.epoch[history.best].item() == 9


def test_without_patience_all_epochs_are_trained_and_the_last_weights_stay(folder, monkeypatch):
    scores = [0.9, 0.5, 0.7, 0.2]
    history = scored(folder, monkeypatch, scores, patience=0, max_epochs=4)
    assert len(history) == 4 and history.epoch[history.best].item() == 4


def test_a_budget_ends_within_an_epoch(folder):
    """Two batches of 64 frames in an epoch of 180, and five steps."""
    history = pd.DataFrame(train(folder, **BUDGET | {"steps": 5})[0])
    assert history.step.tolist() == [2, 4, 5] and history.best.tolist() == [False, False, True]
    with pytest.raises(ValueError, match="one of them must end a training"):
        train(folder, **BUDGET | {"steps": 0})


def test_averaged_weights_are_those_of_the_steps(monkeypatch):
    """With decays 2/11, 3/12 and then 0.3: the weights that Adam left, step by step."""
    weight = torch.nn.Parameter(torch.tensor([0.0]))
    average = Average([weight], 0.3)
    expected = 0.0
    for step, keep in ((1, 2 / 11), (2, 3 / 12), (3, 0.3), (4, 0.3)):
        weight.data.fill_(float(step))
        average.update(step)
        expected = keep * expected + (1 - keep) * step
    with average.in_place():
        assert weight.item() == pytest.approx(expected)
    assert weight.item() == 4


def test_averaged_weights_are_validated_and_stay(folder, monkeypatch):
    plain, scores = train(folder, **BUDGET | {"average": 0.0, "statistics_batches": 0})
    averaged, others = train(folder, **BUDGET | {"statistics_batches": 0})
    assert [e["loss"] for e in plain] == [e["loss"] for e in averaged]  # the steps are the same
    assert np.abs(scores - others).max() > 1e-3
    targets = np.load(folder / "targets.npy")[180:240].astype(bool)
    on = others >= 0.5
    f1 = 2 * (on & targets).sum() / (on.sum() + targets.sum())
    assert f1 == pytest.approx(averaged[-1]["validation_score"], abs=1e-6)


def test_statistics_of_batch_norm_are_those_of_the_weights(folder):
    """Without dropout, as means over the batches, and the training goes on as if they had not been taken."""
    net = CNN(bands=8, classes=2)
    batches = [((torch.randn(4, 16, 8) * 3 + 5,), ()) for _ in range(3)]
    inputs = []
    net.convolutions[0].norm.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    renew_statistics(net, batches)
    norm = net.convolutions[0].norm
    means = torch.stack([x.mean((0, 2, 3)) for x in inputs]).mean(0)
    torch.testing.assert_close(norm.running_mean, means)
    assert (norm.momentum, net.training, norm.training) == (0.01, False, False)
    net.convolutions[0].requires_grad_(False)  # a part that stays as it is
    renew_statistics(net, batches[:1])
    torch.testing.assert_close(norm.running_mean, means)


def test_the_learning_rate_decays_by_epoch(folder):
    """All but stopped by the second epoch: what was learnt in the first stays."""
    last = {"patience": 0, "learning_rate_decay": 1e9}
    first, third, moving = (
        train(folder, **options)[1]
        for options in (
            last | {"max_epochs": 1},
            last | {"max_epochs": 3},
            last | {"max_epochs": 3, "learning_rate_decay": 0.0},
        )
    )
    assert np.abs(first - third).max() < 1e-4 < np.abs(first - moving).max()


def test_boundaries_are_learnt_with_the_activity(folder):
    """The multi-task network (Phan et al. 2018) through the same loop, its own loss and triplets."""
    torch.manual_seed(1)
    shape = {"maps": 4, "pool": [2, 2], "filter_shape": [3, 3], "units": 6, "dropout": 0.0}
    net = phan2018.MultiTaskCRNN(bands=8, classes=2, **shape)
    train, validation = (Frames.read(folder, s) for s in ("train", "validation"))
    longest = triplets.longest_events(triplets.rolls(train))
    assert net.begin(train, 1) == {"longest_events": longest.tolist()}
    settings = SETTINGS | {"max_epochs": 30, "patience": 0, "hop_frames": 8}
    how = {"arguments": DESIGN, "settings": settings, "seed": 1}
    history = loop.fit_sequences(net, net.targets(train), validation, **how)
    assert history[-1]["loss"] < 0.6 * history[0]["loss"]
    assert history[-1]["validation_score"] > 0.6
    assert net.predict(validation, 16, "cpu").shape == (60, 3, 2)


def test_a_training_that_ran_out_of_epochs_is_told(folder, monkeypatch, tmp_path):
    settings = {"patience": 3, "max_epochs": 6}
    for name, scores in {
        "cut": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
        "done": [0.1, 0.6] + [0.5] * 4,
    }.items():
        history = scored(folder, monkeypatch, scores, minimum_epochs=1, **settings)
        assert systems.ran_out(history, settings) == (name == "cut")
        files.write_csv(tmp_path / name / "history.csv", history)
    said = systems.trainings_cut([tmp_path], settings)
    assert "2 trainings" in said and "at most 6 epochs; 1 of them" in said
    said = systems.trainings_cut([tmp_path], BUDGET)
    assert "11 steps" in said and "average" in said and "of them" not in said


def test_a_network_enters_by_being_defined():
    class Entering(cakir2017.RNN):
        """Nothing else is needed."""

    assert KINDS.pop("Entering") is Entering
    refused(TypeError, lambda: type("CRNN", (Network,), {}), "sedutils.models.cakir2017", "CRNN")
    assert "StopsByLoss" not in KINDS and {"GMM", "CRNN", "FBCRNN"} < set(KINDS)


def test_checkpoints_are_named_by_what_decides_the_result(tmp_path):
    def path(**facts):
        return loop.checkpoint_path(**facts)

    assert path(seed=1, data="x") == path(data="x", seed=1)
    assert path(seed=1, data="x") != path(seed=1, data="y")


@pytest.mark.parametrize("kind", ["CRNN", "MultiTaskCRNN"])
def test_a_checkpoint_holds_to_what_decides_its_numbers_and_no_more(kind):
    """Its network and the loop, but neither other papers' networks nor what writes and shows results."""
    behind = closure.definitions_behind(KINDS[kind], systems.Recordings, loop.fit_sequences)
    modules = {module.removeprefix("sedutils.") for module, _ in behind}
    own = {"CRNN": "cakir2017", "MultiTaskCRNN": "phan2018"}
    deciding = {"training.loop", "features.frames", "models.blocks", "models.gru"}
    assert deciding | {f"models.{own[kind]}"} < modules
    others = {"models.cakir2017", "models.phan2018", "models.kao2018", "models.gmm", "show.plots"}
    assert modules & others == {f"models.{own[kind]}"}
    definitions = {name for module, name in behind if module.startswith("sedutils.training.")}
    assert "fit" in definitions and "keep" not in definitions


def test_what_a_network_says_of_itself_ends_its_training(folder, monkeypatch):
    given, seen = iter([-3.0, -1.0, -2.0, -2.0, -2.0]), []

    def own(self, validation, *, length):
        seen.append((list(validation.recordings.recording), length))
        return next(given)

    monkeypatch.setattr(cakir2017.RNN, "validation_score", own, raising=False)
    history = pd.DataFrame(train(folder)[0])
    assert history.validation_score.tolist() == [-3, -1, -2, -2, -2]
    assert history.epoch[history.best].item() == 2
    assert seen == [(["d"], 16)] * 5


class Tags(cakir2017.FrameOrChunk, abstract=True):
    """A network that knows: the largest value of a clip's first columns."""

    def forward(self, x):
        return x[..., :2].amax(dim=1, keepdim=True)


def test_a_tag_is_there_where_any_frame_has_it():
    """Of two clips of four frames the first has class 0 in a frame alone, the second class 1."""
    x, y = np.zeros((8, 3), np.float32), np.zeros((8, 2), np.uint8)
    y[2, 0] = y[7, 1] = 1
    x[0, 0], x[4, 1] = 5, 5
    table = pd.DataFrame({"recording": ["a", "b"], "first_frame": [0, 4], "frames": [4, 4]})
    frames = Frames(x, y, table, torch.zeros(3), torch.ones(3))
    knows = Tags(time_pooling=True)
    assert knows.validation_score(frames, length=4) == 1
    frames.features[:] = np.roll(x, 4, axis=0)  # each clip has what belongs to the other
    assert knows.validation_score(frames, length=4) == 0


def test_training_runs_without_librosa_and_dvc():
    import subprocess
    import sys

    code = "import sys, sedutils.training.loop, sedutils.models.kinds; print({'librosa', 'dvc'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


@pytest.fixture
def chunks(tmp_path, rng):
    """Forty chunks of 20 frames; a tag is a burst of two frames somewhere in its bands."""
    tags = rng.random((40, 2)) < 0.5
    features = rng.normal(size=(40, 20, 8)).astype(np.float32)
    for chunk, row in zip(features, tags, strict=True):
        at = rng.integers(0, 18)
        chunk[at : at + 2] += 4 * np.repeat(row, 4)
    np.save(tmp_path / "log_mel.npy", features.reshape(-1, 8))
    np.save(tmp_path / "targets.npy", np.repeat(tags, 20, axis=0).astype(np.uint8))
    names = [f"c{i}" for i in range(40)]
    recordings = {"recording": names, "split": "", "scene": "", "first_frame": range(0, 800, 20)}
    table = pd.DataFrame(recordings | {"frames": 20, "duration_s": 0.4})
    files.write_csv(tmp_path / "recordings.csv", table)
    splits = ["train"] * 30 + ["validation"] * 5 + ["test"] * 5
    rows = [
        (f, n, s)
        for f, order in ((1, names), (2, names[::-1]))
        for n, s in zip(order, splits, strict=True)
    ]
    columns = ["fold", "recording", "split"]
    files.write_csv(tmp_path / "folds.csv", pd.DataFrame(rows, columns=columns))
    one = {"log_mel": {"mean": [0.0] * 8, "std": [1.0] * 8}}
    (tmp_path / "statistics.json").write_text(json.dumps({"fold 1": one, "fold 2": one}))
    return tmp_path


def test_time_pooling_learns_tags_and_gives_one_row_a_chunk(chunks):
    net = cakir2017.RNN(
        bands=8,
        classes=2,
        units=8,
        rnn_layers=1,
        fnn_layers=1,
        dropout=0.0,
        time_pooling=True,
    )
    splits = [Frames.read(chunks, s, fold=2) for s in ("train", "validation", "test")]
    design = DESIGN | {"sequence_frames": 20, "batch_frames": 120}
    settings = SETTINGS | {"max_epochs": 60, "patience": 60, "shift_frames": 0}
    history = loop.fit_sequences(net, *splits[:2], arguments=design, settings=settings, seed=1)
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert max(e["validation_score"] for e in history) > 0.8
    assert net.predict(splits[2], 20, "cpu").shape == (5, 2)
    # longer than the network's sequences: the best of both halves
    halves = net.predict(splits[2], 10, "cpu")
    assert halves.shape == (5, 2)


def test_folds_hold_out_other_recordings(chunks):
    tested = [set(Frames.read(chunks, "test", fold=f).recordings.recording) for f in (1, 2)]
    assert tested[0].isdisjoint(tested[1])
    with pytest.raises(ValueError, match="no recording of split 'dev' in fold 1"):
        Frames.read(chunks, "dev", fold=1)
