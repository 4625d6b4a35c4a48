"""Weak training: which clips, how they are mixed, the same numbers after a kill, what is learnt."""

from functools import partial
from itertools import islice

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import refused
from weak_clips import HOP_S, SETTINGS, features_folder

from sedutils.decoding import tag_thresholds
from sedutils.features.frames import Frames
from sedutils.features.superposition import Mixtures, composed, mixtures, union
from sedutils.models.ebbers2020 import FBCRNN, TagConditionedCNN
from sedutils.models.pooled_crnn import PooledCRNN
from sedutils.training import loop, weak

NARROW = {"bands": 8, "classes": 2, "widths": [4, 6], "units": 6}
PLAIN = {name: 0.0 for name in SETTINGS["augmentation"]} | {"longest_s": 1.5}


@pytest.fixture
def folder(tmp_path, rng):
    return features_folder(tmp_path, rng)


def labelled(folder):
    return Frames.read(folder, "train", scenes=("weak", "synthetic"))


def unlabelled(folder):
    return Frames.read(folder, "train", scenes=("unlabelled",))


def tagger(folder, *, seed=1, checkpoint=None, more=True, make=FBCRNN, **changes):
    """History, tag scores and the network of a short training."""
    torch.manual_seed(seed)
    net = make(**NARROW)
    clips, validation = labelled(folder), Frames.read(folder, "validation")
    batches = weak.Tagging(
        net, clips, validation, unlabelled=unlabelled(folder) if more else None,
        settings=SETTINGS | changes, hop_s=HOP_S, seed=seed, device="cpu",
    )  # fmt: skip
    history = weak.fit(batches, checkpoint=checkpoint)
    return history, weak.tag_scores(net, validation), net


def localiser(
    folder, *, conditioned=True, seed=1, checkpoint=None, false_alarms=(0.0, 0.0), **changes
):
    torch.manual_seed(seed)
    net = TagConditionedCNN(**NARROW, conditioned=conditioned)
    clips, validation = (
        Frames.read(folder, "train", scenes=("synthetic",)),
        Frames.read(folder, "validation"),
    )
    batches = weak.Localising(
        net, clips, validation, train_tags=clips.tags, validation_tags=validation.tags,
        false_alarms=np.array(false_alarms), settings=SETTINGS | changes, hop_s=HOP_S, seed=seed,
        device="cpu",
    )  # fmt: skip
    history = weak.fit(batches, checkpoint=checkpoint)
    return history, weak.localised(net, validation, validation.tags), net


def test_clips_of_a_part_and_their_tags(folder):
    clips = labelled(folder)
    assert len(clips) == 20 and set(clips.recordings.scene) == {"weak", "synthetic"}
    assert len(Frames.read(folder, "train")) == 30
    row = clips.recordings.iloc[15]
    own = clips.targets[row.first_frame : row.first_frame + row.frames]
    assert clips.tags[15].tolist() == own.max(0).tolist() and clips.tags.dtype == np.float32
    assert clips.roll.shape == (clips.recordings.frames.sum(), 2)
    refused(
        ValueError,
        lambda: Frames.read(folder, "train", scenes=("public",)),
        "recordings.csv",
        "public",
    )


def test_batches_are_full_and_hardly_padded(folder):
    clips = labelled(folder)
    rng = np.random.default_rng(3)
    batches = mixtures(np.arange(20), clips.lengths, SETTINGS, hop_s=HOP_S, rng=rng)
    seen, pairs, longest = [], [], round(1.5 / HOP_S)
    for batch in islice(batches, 60):
        assert len(batch.clips) == SETTINGS["batch_clips"]
        assert batch.lengths.min() >= (1 - SETTINGS["padding"]) * batch.lengths.max()
        first, second = batch.clips.T
        ends = batch.offsets + np.where(batch.clips >= 0, clips.lengths[batch.clips], 0)
        assert (batch.lengths == ends.max(1)).all() and batch.lengths.max() <= longest
        assert (batch.offsets.min(1) == 0).all()
        seen.extend(first)
        pairs.extend(second >= 0)
    assert set(seen) == set(range(20)) and 0.55 < np.mean(pairs) < 0.78


def test_a_mixture_has_the_energies_and_the_labels_of_both(folder):
    clips = labelled(folder)
    batch = Mixtures(np.array([[2, 5], [15, -1]]), np.array([[0, 7], [0, 0]]),
                     np.array([7 + clips.lengths[5], clips.lengths[15]]))  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    x, lengths = composed(clips, batch, PLAIN, hop_s=HOP_S, generator=generator)
    assert lengths.tolist() == batch.lengths.tolist()
    energies, targets = np.zeros((lengths[0], 8)), np.zeros((lengths[0], 2))
    for clip, offset in ((2, 0), (5, 7)):
        row = clips.slices()[clip]
        place = slice(offset, offset + clips.lengths[clip])
        energies[place] += np.exp(clips.features[row].astype(float))
        targets[place] = np.maximum(targets[place], clips.targets[row])
    expected = clips.normalised(torch.from_numpy(np.log(energies)).float())
    torch.testing.assert_close(x[0, : lengths[0]], expected, rtol=1e-4, atol=1e-4)
    alone = clips.normalised(torch.from_numpy(np.array(clips.features[clips.slices()[15]])))
    torch.testing.assert_close(x[1, : lengths[1]], alone)
    assert (x[1, lengths[1] :] == 0).all()
    found = torch.maximum(*batch.placed(clips, clips.targets, 0.0))
    assert found[0, : lengths[0]].tolist() == targets.tolist()
    tags = [np.maximum(clips.tags[2], clips.tags[5]).tolist(), clips.tags[15].tolist()]
    assert union(clips.tags, batch).tolist() == tags


@pytest.mark.parametrize("train", [tagger, localiser])
def test_same_seed_same_numbers_other_seed_other_numbers(folder, train):
    (first, scores, _), (again, repeated, _), (other, _, _) = (
        train(folder), train(folder), train(folder, seed=2),
    )  # fmt: skip
    assert first == again != other
    np.testing.assert_array_equal(scores, repeated)
    assert [row["step"] for row in first] == [4, 8, 12] and sum(row["best"] for row in first) == 1
    assert scores.dtype == np.float32


@pytest.mark.parametrize(("train", "killed_after"), [(tagger, 1), (tagger, 2), (localiser, 2)])
def test_a_killed_training_resumes_to_the_same_numbers(
    folder, tmp_path, monkeypatch, train, killed_after
):
    """Also with unlabelled clips taken in, which follow from the averaged weights."""
    lax = {"precision": 0.0, "npv": 0.0, "average": 0.5, "statistics_batches": 2}
    whole, scores, _ = train(folder, **lax)
    note, calls = loop.TrainingState.note, []

    def dying(self, *values, **options):
        note(self, *values, **options)
        calls.append(1)
        if len(calls) == killed_after + 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop.TrainingState, "note", dying)
    checkpoint = tmp_path / "cache" / "x.pt"
    with pytest.raises(KeyboardInterrupt):
        train(folder, checkpoint=checkpoint, **lax)
    monkeypatch.undo()
    resumed, resumed_scores, _ = train(folder, checkpoint=checkpoint, **lax)
    assert resumed == whole
    np.testing.assert_array_equal(resumed_scores, scores)
    monkeypatch.setattr(loop.TrainingState, "note", lambda *_, **__: pytest.fail("trained again"))
    again, again_scores, _ = train(folder, checkpoint=checkpoint, **lax)
    assert again == whole
    np.testing.assert_array_equal(again_scores, scores)
    if train is tagger:
        assert whole[0]["included"] == 0 < max(row["included"] for row in whole)


def test_taggers_learn_and_take_in_clips_that_they_are_sure_of(folder):
    """The unlabelled clips that are in have the tags that the thresholds give them."""
    history, scores, net = tagger(folder, steps=400, validation_steps=40)
    best = max(row["validation_score"] for row in history)
    validation, more = Frames.read(folder, "validation"), unlabelled(folder)
    assert best > 0.9 and tag_thresholds.macro_f(scores, validation.tags) == pytest.approx(best)
    task = weak.Tagging(
        net, labelled(folder), validation, unlabelled=more, settings=SETTINGS, hop_s=HOP_S, seed=1
    )
    assert task.chosen.tolist() == list(range(20))
    task.validate()
    detected = tag_thresholds.detection(scores, validation.tags, 0.9)
    excluded = tag_thresholds.exclusion(scores, validation.tags, 0.98)
    found = weak.tag_scores(net, more)
    sure = tag_thresholds.included(found, detected, excluded)
    assert task.chosen.tolist() == [*range(20), *(20 + np.flatnonzero(sure))]
    assert sure.sum() > 0 and (task.tags[20:] == (found >= detected)).all()
    assert (task.tags[:20] == labelled(folder).tags).all()
    rows = task.clips.recordings.recording
    assert list(rows[20:]) == list(more.recordings.recording)


@pytest.mark.parametrize("pooling", ["attention", "linear"])
def test_pooled_frames_learn_what_and_where_from_tags(folder, pooling):
    make = partial(PooledCRNN, pooling=pooling)
    history, tags, net = tagger(folder, steps=160, validation_steps=40, make=make)
    validation = Frames.read(folder, "validation")
    best = max(row["validation_score"] for row in history)
    assert best > 0.9 and tag_thresholds.macro_f(tags, validation.tags) == pytest.approx(best)
    scores, start = weak.frame_scores(net, validation), 0
    assert scores.shape == validation.roll.shape
    for i, length in enumerate(validation.lengths):
        x, _ = validation.padded(validation.features, np.array([i]))
        with torch.no_grad():
            alone = net(validation.normalised(x)).scores.sigmoid()[0]
        np.testing.assert_allclose(scores[start : start + length], alone, rtol=0, atol=1e-5)
        start += length
    assert tag_thresholds.macro_f(scores, validation.roll) > 0.6


def test_localisers_learn_where_and_are_given_what(folder):
    history, scores, net = localiser(folder, steps=120, validation_steps=40)
    validation = Frames.read(folder, "validation")
    best = max(row["validation_score"] for row in history)
    assert best > 0.8 and all(row["included"] == 0 for row in history)
    assert tag_thresholds.macro_f(scores, validation.roll) == pytest.approx(best)
    other = weak.localised(net, validation, 1 - validation.tags)
    assert np.abs(other - scores).max() > 0.01
    _, _, blind = localiser(folder, conditioned=False)
    pair = [
        weak.localised(blind, validation, tags) for tags in (validation.tags, 1 - validation.tags)
    ]
    np.testing.assert_array_equal(*pair)


def test_false_tags_are_given_at_their_rate_and_true_ones_stay(folder):
    clips = Frames.read(folder, "train", scenes=("synthetic",))
    task = weak.Localising(
        None, clips, clips, train_tags=0 * clips.tags + [0, 1], validation_tags=clips.tags,
        false_alarms=[0.25, 0.0], settings=SETTINGS, hop_s=HOP_S, seed=1, device="cpu",
    )  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    batch = Mixtures(
        np.array([[0, -1]] * 400), np.zeros((400, 2), int), np.full(400, clips.lengths[0])
    )
    x, lengths = torch.zeros(400, clips.lengths[0], 8), torch.from_numpy(batch.lengths)
    (_, tags, _), _ = task.examples(x, lengths, batch, generator)
    assert tags[:, 1].eq(1).all() and 0.18 < tags[:, 0].mean() < 0.32
    task.false_alarms = [0.0, 0.0]
    (_, tags, _), _ = task.examples(x, lengths, batch, generator)
    assert tags[:, 0].eq(0).all()


def test_scores_lie_below_each_other_in_the_order_of_the_clips(folder):
    """Batches of unequal lengths give each clip what it gives alone."""
    _, tags, net = tagger(folder)
    validation = Frames.read(folder, "validation")
    windows = weak.window_scores(net, validation, [2, 4])
    inputs = weak.window_scores(net, validation, [2], cut="input")
    both = weak.direction_scores(net, validation)
    assert windows.shape == (2, validation.lengths.sum(), 2) and both.shape == windows.shape
    start = 0
    for i, length in enumerate(validation.lengths):
        x, _ = validation.padded(validation.features, np.array([i]))
        x, part = validation.normalised(x), slice(start, start + length)
        with torch.no_grad():
            outputs = net(x)
            near = {"rtol": 0, "atol": 1e-5}
            np.testing.assert_allclose(tags[i], net.tags(outputs)[0], **near)
            np.testing.assert_allclose(both[:, part], torch.cat(outputs).sigmoid(), **near)
            np.testing.assert_allclose(windows[:, part], net.detect(x, [2, 4])[:, 0], **near)
            np.testing.assert_allclose(inputs[:, part], net.detect_from_input(x, [2])[:, 0], **near)
        start += length
    refused(ValueError, lambda: weak.window_scores(net, validation, [2], cut="x"), "cut = 'x'")


def test_unlabelled_clips_of_other_features_are_refused(folder, tmp_path, rng):
    clips, odd = labelled(folder), unlabelled(folder)
    odd.features = odd.features[:-1]
    refused(
        ValueError,
        lambda: weak.Tagging(
            None, clips, clips, unlabelled=odd, settings=SETTINGS, hop_s=HOP_S, seed=1
        ),
        "unlabelled",
    )


def test_cuts_of_longer_recordings_are_clips(folder):
    clips = labelled(folder)
    start = clips.recordings.first_frame[3]
    cuts = pd.DataFrame(
        {"recording": ["a", "b"], "first_frame": [start, start + 5], "frames": [5, 9]}
    )
    cut = Frames(clips.features, clips.targets, cuts, clips.mean, clips.std)
    assert len(cut) == 2
    x, lengths = cut.padded(cut.features, np.array([1, 0]))
    assert lengths.tolist() == [9, 5]
    np.testing.assert_array_equal(x[1, :5], clips.features[start : start + 5])
