import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from conftest import features_folder, refused

from sedutils.corpora import corpus
from sedutils.decoding import thresholds
from sedutils.decoding.confidence import confidence
from sedutils.decoding.smoothing import median_filter, tidy
from sedutils.metrics import activity
from sedutils.models.kao2018 import Detections, most_probable
from sedutils.papers.comparison import cuts, entries, figures, page, scoring, smoothing, trainings
from sedutils.papers.comparison.results import CutRun
from sedutils.pipeline import files, places, schema
from sedutils.show import columns
from sedutils.training import systems

LABELS = ["a", "b"]


def mixtures(*durations, hop_s):
    frames = [activity.frame_count(s, hop_s=hop_s) for s in durations]
    return pd.DataFrame(
        {
            "recording": [f"m{i}" for i in range(len(durations))],
            "duration_s": durations,
            "first_frame": np.cumsum(frames) - frames,
            "frames": frames,
        }
    )


def test_cuts_are_of_one_length_within_their_mixture_and_begin_at_most_a_frame_early():
    for hop_s in (0.02, 0.02322, 0.04, 0.1):
        whole = mixtures(34.0, 9.9, 20.0, hop_s=hop_s)
        table = cuts.table(whole, 10.0, hop_s)
        names = ["m0@0", "m0@10", "m0@20", "m2@0", "m2@10"]
        assert list(table.recording) == names and table.frames.nunique() == 1
        of = whole.set_index("recording").loc[table.mixture]
        within = table.first_frame.to_numpy() - of.first_frame.to_numpy()
        assert (within + table.frames.to_numpy() <= of.frames.to_numpy()).all()
        early = table.start_s - within * hop_s
        assert (early > -1e-6).all() and (early < hop_s).all()
        assert np.allclose(table.shift_s, -early)
        assert (10.0 - table.frames * hop_s < hop_s).all()
    assert list(cuts.table(mixtures(20.0, hop_s=0.02322), 10.0, 0.02322).first_frame) == [0, 430]
    refused(
        ValueError, lambda: cuts.table(mixtures(9.9, hop_s=0.02), 10.0, 0.02), "seconds = 10", "9.9"
    )


def test_a_frame_of_the_grid_has_what_was_said_of_the_frame_its_middle_lies_in(rng):
    for hop_s in (0.02, 0.02322, 0.04, 0.1):
        table = cuts.table(mixtures(9.0, hop_s=hop_s), 3.0, hop_s)
        values = rng.random((3, table.frames[0], 2))
        found = cuts.on_grid(values, table, 3.0, hop_s)
        assert found.shape == (3, 150, 2)
        for number, row in table.iterrows():
            for n in range(150):
                second = row.start_s + (n + 0.5) * 0.02
                frame = int(second / hop_s) - row.first_frame
                assert (found[number, n] == values[number, min(frame, row.frames - 1)]).all()


def test_annotation_of_cuts_is_the_annotation_of_the_mixture_cut(rng):
    table = cuts.table(mixtures(30.0, 20.0, hop_s=0.02), 10.0, 0.02)
    by_hand = pd.DataFrame(
        [("m0", 8.0, 12.5, "a"), ("m0", 12.0, 13.0, "a"), ("m0", 1.0, 2.0, "b"), ("m1", 10.0, 30.0, "b")],
        columns=["recording", "onset_s", "offset_s", "label"],
    )  # fmt: skip
    found = cuts.annotation(by_hand, table, 10.0)
    assert found.to_numpy().tolist() == [
        ["m0@0", 1.0, 2.0, "b"],
        ["m0@0", 8.0, 10.0, "a"],
        ["m0@10", 0.0, 3.0, "a"],  # two that overlap, cut
        ["m1@10", 0.0, 10.0, "b"],
    ]
    onset = rng.uniform(0, 29, 40)
    some = pd.DataFrame(
        {"recording": "m0", "onset_s": onset, "offset_s": onset + rng.uniform(0.1, 5, 40)}
    )
    some["label"] = rng.choice(LABELS, 40)
    whole = activity.event_roll(some, LABELS, n_frames=1500)
    found = cuts.annotation(some, table, 10.0)
    for number, name in enumerate(table.recording[:3]):
        own = found[found.recording == name]
        roll = activity.event_roll(own, LABELS, n_frames=500)
        assert (roll == whole[500 * number :][:500]).all()


def test_filters_of_scores_are_filters_of_decisions_at_every_threshold(rng):
    scores = np.round(rng.random((3, 80, 2)) ** 2, 1)
    without = smoothing.Tidy(event_frames=5, gap_frames=5).fitted(None, scores)(scores)
    median = smoothing.Median((7,)).fitted(7, scores)(scores)
    for threshold in np.arange(0.05, 1, 0.1):
        for before, tidied, smooth in zip(scores, without, median, strict=True):
            roll = before >= threshold
            expected = tidy(roll, event_frames=5, gap_frames=5)
            assert ((tidied >= threshold) == expected).all()
            assert ((smooth >= threshold) == median_filter(roll, 7)).all()
    rules = {"gmm_minimum_event_s": 0.1, "gmm_minimum_gap_s": 0.1}
    chosen = entries.chosen(["gmm", "fbcrnn"], rules, {"medians": [11, 21]}, 0.04)
    assert chosen["gmm"].smoothing == smoothing.Tidy(5, 5)
    assert chosen["fbcrnn"].smoothing.choices == (21, 41)
    refused(ValueError, lambda: entries.named(["crnn_3x3"]), "crnn_3x3")


def test_confidence_is_that_of_the_cut_and_at_most_1(rng):
    estimates = rng.random((2, 40, 3, 2)) * np.array([1, 9, 9])[:, None]
    votes = smoothing.Confidence((0.3,)).fitted(0.3, estimates)
    found = votes(estimates)
    raw = np.stack([confidence(cut, np.array([0.3, 0.3])) for cut in estimates])
    assert np.allclose(found, raw / raw.max(axis=(0, 1)))
    assert votes(estimates + np.array([1, 0, 0])[:, None]).max() == 1


def test_the_threshold_is_the_best_of_all(rng):
    for _ in range(20):
        scores = np.round(rng.random((2, 15, 2)), 1)
        truth = rng.random(scores.shape) < 0.3 * scores + 0.05
        threshold, f1 = thresholds.search_values(scores, truth)

        def of(t, scores=scores, truth=truth):
            on = scores >= t
            return 2 * (on & truth).sum() / max(1, on.sum() + truth.sum())

        best = max(of(t) for t in np.unique(scores[scores > 0]))
        assert f1 == pytest.approx(best) and of(threshold) == pytest.approx(best)
    nothing = np.zeros((1, 5, 2))
    assert thresholds.search_values(nothing, nothing + 1) == (np.inf, 0.0)
    rule = smoothing.search(smoothing.Median((1, 9)), scores, truth)
    assert rule.choice in (1, 9) and rule.threshold > 0


def test_all_events_of_a_clip_and_class_count_with_the_surest_on_top(rng):
    batch, classes, candidates, points = 2, 3, 4, 50
    onset = torch.tensor(rng.uniform(0, 40, (batch, classes * candidates)))
    offset = onset + torch.tensor(rng.uniform(1, 20, onset.shape))
    score, present = (
        torch.tensor(rng.random(onset.shape)),
        torch.tensor(rng.random(onset.shape) < 0.8),
    )
    label = torch.arange(classes).repeat_interleave(candidates).expand(batch, -1)
    middles = torch.arange(points).double().expand(batch, -1) + 0.5
    found = most_probable(Detections(onset, offset, label, score, present), middles, classes)
    expected = torch.zeros(batch, points, classes, dtype=torch.double)
    for b in range(batch):
        for i in range(classes * candidates):
            for n in range(points):
                if present[b, i] and onset[b, i] <= n + 0.5 < offset[b, i]:
                    k = label[b, i]
                    expected[b, n, k] = max(expected[b, n, k], score[b, i])
    assert torch.equal(found, expected)


def test_labels_of_a_crowd_do_not_overlap(rng):
    fig, ax = plt.subplots(figsize=(5, 4))
    names = [entry.title for entry in entries.ENTRIES]
    x, y = 10 ** rng.normal(4, 0.05, len(names)), rng.normal(50, 0.3, len(names))
    ax.set(xscale="log", xlim=(1e3, 1e5), ylim=(30, 70))
    fig.draw_without_rendering()
    figures.label_points(ax, pd.Series(x), pd.Series(y), names, ["k"] * len(names))
    fig.draw_without_rendering()
    renderer = fig.canvas.get_renderer()
    text = plt.Text.get_window_extent
    boxes = [text(t, renderer).extents for t in ax.texts]
    assert len(boxes) == len(names)
    assert not any(figures.overlap(a, b) for i, a in enumerate(boxes) for b in boxes[:i])
    dots = ax.transData.transform(np.column_stack([x, y]))
    assert not any(figures.overlap(box, (*dot, *dot)) for box in boxes for dot in dots)
    plt.close(fig)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """CNN (perfect), CRNN+TA (noise) and FBCRNN (right, but half of it) on eight mixtures of 20 s."""
    folder, rng = tmp_path_factory.mktemp("comparison"), np.random.default_rng(1)
    names = [f"{split}{i}" for split in ("train", "validation", "test") for i in range(4)]
    recordings = pd.DataFrame({"recording": names, "path": [f"{n}.wav" for n in names]})
    recordings = recordings.assign(
        duration_s=20.0, sample_rate=44100, scene="none", split=[n[:-1] for n in names]
    )
    events = pd.DataFrame(
        [
            (name, start + 0.1, start + 2.1, LABELS[(i + j) % 2])
            for i, name in enumerate(names)
            for j, start in enumerate((1.0, 6.0, 11.0, 16.0))
        ],
        columns=["recording", "onset_s", "offset_s", "label"],
    )
    made = folder / "laptop" / "tut_sed_synthetic_2016-foley"
    corpus.write(made, recordings, events, LABELS)
    chosen = entries.named(["cnn", "crnn_ta", "fbcrnn"])
    seeds = {"cnn": [1, 2, 3], "crnn_ta": [1, 2], "fbcrnn": [1, 2]}
    hops = dict.fromkeys(entries.FRONT_ENDS, 0.02)
    spread = {"backend": "in-process", "workers": 1}
    of = CutRun(
        corpus=corpus.read(made),
        features=folder,
        models=folder / "models",
        systems=list(chosen),
        entries=chosen,
        seeds=seeds,
        hops=hops,
        seconds=10.0,
        resamples=200,
        spread=spread,
    )
    for name, seed in of.trials:
        where = of.folder(name, seed)
        for split in ("validation", "test"):
            truth = of.truth(split)
            scores = {
                "cnn": 0.2 + 0.6 * truth,
                "crnn_ta": rng.random(truth.shape),
                "fbcrnn": 0.1 + 0.5 * truth * (np.arange(500) % 250 < 105)[:, None],
            }[name].astype(np.float32)
            kept = scores if chosen[name].family is None else np.concatenate(scores)
            files.write_npy(where / f"scores_{split}.npy", kept)
        files.write_text(where / "description.json", json.dumps({"parameters": 1000 * len(name)}))
        column = "step" if name == "fbcrnn" else "epoch"
        files.write_csv(where / "history.csv", pd.DataFrame({column: [10, 20 * seed]}))
    return of


@pytest.fixture(scope="module")
def scored(results):
    rows = scoring.all_scores(results, backend="in-process", workers=1)
    speed = pd.DataFrame(
        [
            ("comparison, training of cnn, one epoch", 2.0),
            ("comparison, cnn from samples to scores", 5.0),
            ("comparison, training of fbcrnn, one step", 0.5),
        ],
        columns=["what", "value"],
    )
    table = scoring.table(results, rows, speed)
    return rows, table, scoring.leads(results, "cnn")


def test_a_perfect_system_has_all_points_and_leads(results, scored):
    rows, table, leads = scored
    assert len(rows) == 7
    best = table.set_index("system").loc["cnn"]
    for metric in ("F1_frm", "F1_1s", "event_F1", "PSDS1", "PSDS2"):
        assert best[f"{metric}_mean"] == pytest.approx(100), metric
    assert best.ER_frm_mean == 0 and best.F1_frm_low == pytest.approx(100)
    assert best.training_s == 2.0 * np.mean([20, 40, 60]) and best.real_time_factor == 0.005
    by = table.set_index("system")
    assert by.loc["fbcrnn"].training_s == 0.5 * 30 and np.isnan(by.loc["crnn_ta"].training_s)
    assert by.loc["fbcrnn"].supervision == entries.WEAK
    # frames 0..104 of each 250 are heard: of an event from 1.1 to 3.1 s all but the end
    roll = results.truths["test"] & (np.arange(500) % 250 < 105)[:, None]
    expected = 2 * roll.sum() / (roll.sum() + results.truths["test"].sum())
    assert by.loc["fbcrnn"].F1_frm_mean == pytest.approx(100 * expected)
    assert list(leads.system) == ["fbcrnn", "crnn_ta"] and leads.clear.all()
    assert leads.behind[0] == pytest.approx(100 - 100 * expected)
    share = results.truths["test"].mean()
    assert results.always_on == pytest.approx(2 * share / (1 + share))
    assert (rows[rows.system == "crnn_ta"].F1_frm >= 95 * results.always_on).all()


def test_the_page_says_who_is_best_and_what_was_not_measured(results, scored):
    rows, table, leads = scored
    assert [row.system for row in page.parted(table)] == ["cnn", "fbcrnn"]
    html = columns.html(page.ranked(table), page.SCORES)
    assert html.count("<tr") == 4 and "<strong>100.0 ± 0.0" in html and "weak (tags)" in html
    html = columns.html(table, [page.SYSTEM, *page.COSTS.values()])
    assert html.count("<tr") == 4 and html.count("<strong>") == 3 and "<td>–</td>" in html
    choice = "\n".join(page.choice(table, leads))
    assert "Most frames right: CNN. All others are clearly behind it." in choice
    assert "FBCRNN" in choice and "(clearly)" in choice
    assert [results.rules["cnn", s].threshold for s in (1, 2, 3)] == pytest.approx([0.8] * 3)
    designs = {"cnn": {"maps": 16}, "crnn_ta": {"channels": 8}, "fbcrnn": {"units": 32}}
    assert page.widths(results, designs) == "CNN 16, CRNN+TA 8, FBCRNN 32"
    for figure in (figures.scores(table, rows), figures.costs(table)):
        assert figure.axes
        plt.close(figure)
    assert results.shown() in set(results.test.recording)


def test_training_sees_cuts_and_answers_on_the_grid(tmp_path, monkeypatch, rng):
    monkeypatch.setattr(places, "cache_of", lambda kind: tmp_path / "cache")
    names = ["t0", "t1", "v0", "e0"]
    recordings = pd.DataFrame({"recording": names, "scene": "none", "duration_s": 12.0})
    recordings["split"] = ["train", "train", "validation", "test"]
    targets = rng.random((4 * 120, 2)) < 0.2
    features = tmp_path / "features"
    features_folder(features, recordings, None, LABELS, targets)
    files.write_npy(features / "log_mel.npy", rng.normal(size=(480, 400)).astype(np.float32))
    moments = {"fixed": {"log_mel": {"mean": [0.0] * 400, "std": [1.0] * 400}}}
    files.write_text(features / "statistics.json", json.dumps(moments))
    design = {
        "kind": "CBRNN", "asr": "none", "channels": 2, "units": 2, "layers": 1, "spectral_units": 2,
        "temporal_units": 2, "spectral_attention": True, "attention": "sigmoid", "dropout": 0.0,
        "sequence_frames": 300, "batch_frames": 100, "learning_rate": 0.01,
    }  # fmt: skip
    settings = {
        "patience": 1, "minimum_epochs": 1, "max_epochs": 2, "learning_rate_decay": 0.0, "shift_frames": 73,
        "hop_frames": 5, "checkpoint_epochs": 1, "device": "cpu", "seeds": [1],
    }  # fmt: skip
    front_end = {"hop_s": 0.01, "mean_frames": 5, "mel_bands": 40, "context": 5}
    cut = trainings.Cuts(features, seconds=5.0, hop_s=trainings.hop_of(front_end))
    given = {"settings": settings, "pretraining": {}, "weak": {}, "context": 5}
    entry = entries.named(["cbrnn"])["cbrnn"]
    row = systems.train(
        name="cbrnn", seed=1, data=cut, folder=tmp_path / "out", facts={"features": front_end},
        **trainings.task(entry, cut, design, **given),
    )  # fmt: skip
    assert 1 <= row["best_epoch"] <= 2 and row["parameters"] > 0
    scores = np.load(tmp_path / "out/scores_test.npy")
    assert scores.shape == (2, 250, 2)  # two cuts of 5 s, 20 ms
    decisions = scores.reshape(2, 50, 5, 2)
    assert (decisions == decisions[:, :, :1]).all() and len(np.unique(decisions)) > 100
    with_asr = design | {"asr": "trained"}
    refused(ValueError, lambda: trainings.task(entry, cut, with_asr, **given), "trained")


def test_params_yaml_is_checked_against_the_systems_there_are():
    assert {entry.system: entry.family for entry in entries.ENTRIES} == schema.COMPARED
