"""Detectors of rare events from clips to answers: what reaches training, and what is kept of it."""

import itertools
import json
import shutil

import numpy as np
import pandas as pd
import pytest
import rare_clips
import safetensors.torch
import torch
from conftest import refused
from rare_clips import BASE, CBRNN, FACTS, FRAMES, HOP_S, SETTINGS, task

from sedutils.corpora import corpus
from sedutils.papers.kao2018 import experiments
from sedutils.pipeline import places
from sedutils.training import loop, rare, systems
from sedutils.training.rare import Task


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    top = tmp_path_factory.mktemp("rare")
    rare_clips.make(top)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "cache_of", lambda kind: top / "cache")
        yield top


@pytest.mark.parametrize(("probability", "places"), [(0.5, [0, 1, 2]), (0.99, [3, 4, 5])])
def test_a_detector_hears_the_clips_of_its_class_and_probability(world, probability, places):
    one = task(world, probability=probability)
    train = one.frames("train")
    assert list(train.recordings.recording) == [f"shot-train-{i}" for i in places]
    assert train.targets.shape[1] == 1
    first = train.recordings.first_frame.iloc[0]
    whole = np.load(world / "features" / "targets.npy")
    _, y = train.batch(np.array([first]), FRAMES)
    np.testing.assert_array_equal(y[0, :, 0], whole[first : first + FRAMES, 1])
    assert list(
        task(world, probability=probability, most=2).frames("train").recordings.recording
    ) == [f"shot-train-{i}" for i in places[:2]]
    for split in rare.ANSWERED:  # whose clips are all of one set
        names = [f"shot-{split}-{i}" for i in range(2)]
        assert list(one.frames(split).recordings.recording) == names


def test_clips_of_unequal_lengths_are_refused(world, tmp_path):
    features = tmp_path / "features"
    shutil.copytree(world / "features", features)
    table = pd.read_csv(features / "recordings.csv")
    table.loc[table.recording == "shot-train-1", "frames"] = FRAMES - 3
    table.to_csv(features / "recordings.csv", index=False)
    one = Task(world / "corpus", features, "shot", 0.5)
    said = "recordings.csv", "shot-train-1 has 61 frames, other clips 64"
    refused(ValueError, lambda: one.frames("train"), *said)
    assert len(one.frames("development").recordings) == 2


def weights(folder):
    return safetensors.torch.load_file(folder / "model.safetensors")


@pytest.fixture(scope="module")
def round_(world):
    """One round of experiments: the three regimes of one detector, two seeds of none."""
    folder = world / "models"
    detectors = experiments.regimes("shot", 3, 4, [1])
    given = {
        "corpus": world / "corpus",
        "features": world / "features",
        "folder": folder,
        "base": BASE,
        "settings": SETTINGS,
        "probabilities": {"tagger": 0.5, "detector": 0.99},
        "pretraining": {"batch_frames": FRAMES, "learning_rate": 0.02},
        "facts": {k: FACTS[k] for k in ("corpus", "features")},
        "spread": {"backend": "in-process", "workers": 1},
    }
    heard, begun = [], {}
    fit = loop.fit

    def listening(model, batches, *rest, **options):
        names = list(batches.frames.recordings.recording)
        heard.append((type(model).__name__, names, batches.size))
        state = {k: v.clone() for k, v in model.state_dict().items()}
        begun[options["label"].removesuffix(" seed 1")] = state
        return fit(model, batches, *rest, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "fit", listening)
        experiments.train_round(detectors, **given)
    return folder, {d.regime: d for d in detectors}, heard, begun, given


def test_each_network_learns_from_the_set_of_its_probability(round_):
    _, _, heard, _, _ = round_
    names = {
        p: [f"shot-train-{i}" for i in places]
        for p, places in ((0.5, (0, 1, 2)), (0.99, (3, 4, 5)))
    }
    assert heard == [("ClipTagger", names[0.5], FRAMES), *[("RCRNN", names[0.99], 2 * FRAMES)] * 3]


def test_a_detector_begins_where_the_tagger_ended(round_):
    folder, detectors, _, begun, _ = round_
    tagger = weights(folder / detectors["fixed"].tagger)
    names = [name for name in tagger if name.startswith("extractor.")]
    ended = {regime: weights(folder / d.path) for regime, d in detectors.items()}
    assert len(names) > 10
    for name in names:
        for regime in ("fixed", "finetuned"):
            assert torch.equal(begun[f"{regime} bigru-3-4"][name], tagger[name])
        assert torch.equal(ended["fixed"][name], tagger[name]), name
    for regime in ("finetuned", "scratch"):
        assert any(not torch.equal(ended[regime][name], tagger[name]) for name in names)
    assert not torch.equal(begun["scratch bigru-3-4"][names[0]], tagger[names[0]])
    head = [name for name in ended["fixed"] if name.startswith("classifier.")]
    assert any(not torch.equal(ended["fixed"][k], begun["fixed bigru-3-4"][k]) for k in head)


def test_at_most_one_event_a_clip_is_kept(round_, world):
    folder, detectors, _, _, _ = round_
    made = corpus.read(world / "corpus")
    for detector, split in itertools.product(detectors.values(), rare.ANSWERED):
        events = pd.read_csv(folder / detector.path / f"events_{split}.csv")
        clips = made.recordings_of(split).query("scene == 'shot'").recording
        assert events.recording.is_unique and set(events.recording) <= set(clips)
        assert events.score.between(0, 1).all() and set(events.label) <= {"shot"}
        assert (events.onset_s >= 0).all() and (events.offset_s <= FRAMES * HOP_S + 1e-6).all()
        assert (events.onset_s < events.offset_s).all()


def test_what_is_there_is_not_trained_again(round_, monkeypatch):
    folder, detectors, _, _, given = round_
    monkeypatch.setattr(systems, "train", lambda **_: pytest.fail("trained again"))
    experiments.train_round(list(detectors.values()), **given)
    courses = experiments.courses(folder).set_index("regime")
    assert set(courses.index) == {"fixed", "finetuned", "scratch", "tagger"}
    assert set(courses.epochs) == {2} and set(courses["class"]) == {"shot"}
    assert courses.best_epoch["scratch"] == 2 and courses.network["tagger"] == "bigru-3"


def test_a_killed_round_leaves_nothing_that_looks_done(round_, world, monkeypatch):
    """Answers come before history.csv, by which a round knows what is there."""
    _, _, _, _, given = round_

    def dying(*_):
        raise KeyboardInterrupt

    detector = experiments.regimes("cry", 3, 4, [1])[0]
    given = given | {"folder": world / "killed"}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(rare, "best_events", dying)
        experiments.train_round([detector], **given)
    experiments.train_round([detector], **given)
    names = {p.name for p in (world / "killed" / detector.path).iterdir()}
    assert {f"events_{split}.csv" for split in rare.ANSWERED} < names


def test_a_killed_training_ends_with_the_same_numbers(world, monkeypatch):
    """The checkpoint is found again by what decides the training, label and first weights among it."""
    settings, note, calls = SETTINGS | {"max_epochs": 3}, loop.TrainingState.note, []

    def train(name):
        systems.train(name="x", seed=1, data=task(world), folder=world / name, arguments=BASE,
                      settings=settings, facts=FACTS, answers=rare.best_events)  # fmt: skip
        return weights(world / name), pd.read_csv(world / name / "history.csv")

    def dying(self, *values, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        note(self, *values, **options)

    with monkeypatch.context() as patch:
        patch.setattr(places, "cache_of", lambda kind: world / "other-cache")
        whole, history = train("whole")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop.TrainingState, "note", dying)
        train("resumed")
    with monkeypatch.context() as patch:
        epochs = []
        patch.setattr(
            loop.TrainingState,
            "note",
            lambda self, *v, **o: (epochs.append(1), note(self, *v, **o)),
        )
        resumed, again = train("resumed")
    assert len(epochs) == 1  # of three the last one
    pd.testing.assert_frame_equal(again, history)
    assert all(torch.equal(whole[k], resumed[k]) for k in whole)


@pytest.mark.parametrize("kind", ["CBRNN", "FinetuningNet", "none"])
def test_frame_scores_of_every_clip_are_kept(world, kind, tmp_path):
    asr = "none" if kind == "none" else "trained"
    arguments = CBRNN | {"asr": asr}
    if kind == "FinetuningNet":
        own = ("sequence_frames", "batch_frames", "learning_rate")
        arguments = {"kind": kind, "asr": asr} | {k: CBRNN[k] for k in own}
    # spectra of two times 160 columns stand where log_mel is looked for
    features = tmp_path / "features"
    features.mkdir()
    for name in ("targets.npy", "trained.npy", "recordings.csv"):
        (features / name).symlink_to(world / "features" / name)
    (features / "log_mel.npy").symlink_to(world / "features" / "wide.npy")
    kept = json.loads((world / "features" / "statistics.json").read_text())["fixed"]
    statistics = {"fixed": {"log_mel": kept["wide"], "trained": kept["trained"]}}
    (features / "statistics.json").write_text(json.dumps(statistics))
    facts = FACTS | {"features": {"mel_bands": 32, "context": 5, "hop_s": HOP_S}}
    one = Task(world / "corpus", features, "cry", 0.5)
    systems.train(
        name="x", seed=1, data=one, folder=tmp_path / "out", arguments=arguments, settings=SETTINGS,
        facts=facts, answers=rare.decisions,
    )  # fmt: skip
    scores = np.load(tmp_path / "out" / "scores_development.npy")
    assert scores.shape == (2, FRAMES) and ((scores > 0) & (scores < 1)).all()
    system = systems.System.read(tmp_path / "out")
    assert system.front_end == ("log_mel" if asr == "none" else "log_mel+trained")
    assert system.model.asr == (0 if asr == "none" else 3)
    again = system.scores_of(one.frames("development", system.front_end))
    np.testing.assert_allclose(again.reshape(2, -1), scores, atol=1e-6)
