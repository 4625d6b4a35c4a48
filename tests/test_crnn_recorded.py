"""Tables II, V and VI on folds of scenes and chunks: hand-worked scores, and every claim once."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import features_folder, refused

from sedutils.claims import facts, verdicts
from sedutils.corpora import corpus
from sedutils.corpora.official.tut_sound_events_2016 import LABELS
from sedutils.metrics import bootstrap, segments
from sedutils.metrics.scenes import error_rate, f1_score
from sedutils.papers.cakir2017 import (
    chapter,
    claims,
    legacy,
    page,
    recorded,
    tagging,
)
from sedutils.pipeline import files
from sedutils.show import columns, titles

PUBLISHED = facts.read("data/published/cakir2017_crnn.yaml")
SETTINGS = {
    "threshold": 0.5,
    "resamples": 100,
    "gmm_minimum_event_s": 0.1,
    "gmm_minimum_gap_s": 0.1,
}
IN_PROCESS = {"backend": "in-process", "workers": 1}
FRAMES, HOP_S = 150, 0.02
NETS = ("gmm", "fnn", "rnn", "cnn", "crnn")
VARIANTS = ("gmm", "fnn", "rnn_scenes", "cnn_scenes", "crnn")


def roll(text):
    return np.array([[c == "1" for c in row] for row in text.split()])


def test_weights_of_small_strata_keep_the_variance_of_a_mean():
    strata = np.array([0, 0, 1, 1, 1, 2])
    weights = bootstrap.unit_weights(strata, resamples=20_000)
    assert (weights[0] == 1).all()
    for stratum, n in ((0, 2), (1, 3), (2, 1)):
        mine = weights[:, strata == stratum]
        np.testing.assert_allclose(mine.sum(axis=1), n)
    assert set(weights[1:, 0]) == {0, 2} and set(weights[:, 5]) == {1}
    values = np.array([1.0, 4.0, 10.0])
    means = weights[1:, 2:5] @ values / 3
    assert means.var() == pytest.approx(values.var(ddof=1) / 3, rel=0.05)


def test_one_stratum_is_the_plain_bootstrap():
    weights = bootstrap.unit_weights(np.zeros(5, int), resamples=50)
    assert (weights.sum(axis=1) == 5).all() and (weights == weights.round()).all()
    assert weights[1:].max() >= 3


def test_independent_estimates_are_combined_over_the_seeds_they_share():
    a = bootstrap.Estimate(5.0, np.array([4.0, 6.0]), np.array([4.5, 5.5]), 10)
    b = bootstrap.Estimate(1.0, np.array([1.5]), np.array([1.0, 2.0]), 4)
    both = bootstrap.combined(np.subtract, a, b)
    assert both.value == 4 and both.per_seed.tolist() == [2.5] and both.n_units == 14
    assert both.resampled.tolist() == [3.5, 3.5]


def events_of(targets, recordings, labels):
    """One event a recording and class that sounds at all: from its first to its last frame."""
    rows = []
    for i, name in enumerate(recordings.recording):
        own = targets[i * FRAMES : (i + 1) * FRAMES]
        for column in np.flatnonzero(own.any(axis=0)):
            active = np.flatnonzero(own[:, column])
            start, stop = (active[0] + 0.5) * HOP_S, (active[-1] + 0.5) * HOP_S
            rows.append((name, start, stop, labels[column]))
    return pd.DataFrame(rows, columns=["recording", "onset_s", "offset_s", "label"])


def world(tmp_path, labels, rng, *, scenes=("home", "street"), systems=VARIANTS, folded=True):
    """A corpus with features and scores: 12 recordings, three folds, scores that know something."""
    names = [f"{scene}-{i}" for scene in scenes for i in range(12 // len(scenes))]
    recordings = pd.DataFrame({"recording": names, "path": [f"{n}.wav" for n in names]})
    recordings["duration_s"], recordings["sample_rate"] = FRAMES * HOP_S, 44100
    recordings["scene"] = [n.rsplit("-", 1)[0] for n in names]
    turn = ["train", "validation", "test"]
    place = np.array([int(n.rsplit("-", 1)[1]) % 3 for n in names])
    recordings["split"] = "" if folded else [turn[p] for p in place]
    rows = [(k, n, turn[(p + k) % 3]) for k in (1, 2, 3) for n, p in zip(names, place, strict=True)]
    folds = pd.DataFrame(rows, columns=["fold", "recording", "split"]) if folded else None
    targets = np.zeros((12 * FRAMES, len(labels)), bool)
    for i in range(12):
        for column in range(len(labels)):
            start = rng.integers(0, FRAMES - 30)
            targets[i * FRAMES + start : i * FRAMES + start + 30, column] = True
    corpus.write(
        tmp_path / "corpus", recordings, events_of(targets, recordings, labels), labels, folds=folds
    )
    features_folder(tmp_path / "features", recordings, folds, labels, targets)
    for system in systems:
        for seed in (1, 2):
            for fold in (1, 2) if folded else (None,):
                for split in ("validation", "test"):
                    part = folds[(folds.fold == fold) & (folds.split == split)] if folded else None
                    chosen = (
                        part.recording
                        if folded
                        else recordings.recording[recordings.split == split]
                    )
                    mine = np.repeat(recordings.recording.isin(chosen), FRAMES).to_numpy()
                    scores = 0.3 * targets[mine] + 0.505 * rng.random((mine.sum(), len(labels)))
                    where = tmp_path / "models" / system / str(seed)
                    where = where / f"fold{fold}" if folded else where
                    files.write_npy(where / f"scores_{split}.npy", scores.astype(np.float32))
    family = {"systems": list(systems), "seeds": 2, "folds": 2, "share": 1.0}
    return recorded.read(
        tmp_path / "corpus",
        tmp_path / "features",
        tmp_path / "models",
        family=family,
        seeds=[1, 2, 3],
        settings=SETTINGS,
        hop_s=HOP_S,
    )


def home(tmp_path, rng, systems=tuple(tagging.METHODS)):
    """A corpus of 12 tagged chunks: fold 0 tests on four of them, folds 1 and 2 on four each."""
    names = [f"c{i}" for i in range(12)]
    recordings = pd.DataFrame({"recording": names, "path": [f"{n}.wav" for n in names]})
    recordings["duration_s"], recordings["sample_rate"] = FRAMES * HOP_S, 44100
    recordings["scene"], recordings["split"] = "home", ""
    rows = []
    for fold in range(3):
        for i, name in enumerate(names):
            split = "test" if i // 4 == fold else "validation" if i % 4 == 0 else "train"
            rows.append((fold, name, split))
    folds = pd.DataFrame(rows, columns=["fold", "recording", "split"])
    present = np.tile([[1, 0], [0, 1], [1, 1], [0, 0]], (3, 1)).astype(bool)
    tags = [
        (n, label)
        for n, row in zip(names, present, strict=True)
        for label, on in zip("pq", row, strict=True)
        if on
    ]
    tags = pd.DataFrame(tags, columns=["recording", "label"])
    corpus.write(tmp_path / "corpus", recordings, None, ["p", "q"], tags=tags, folds=folds)
    features_folder(
        tmp_path / "features", recordings, folds, ["p", "q"], np.repeat(present, FRAMES, axis=0)
    )
    for system in systems:
        for seed in (1, 2):
            for fold in (0, 1):
                scores = present[:4] + rng.uniform(-0.7, 0.7, (4, 2))
                where = tmp_path / "models" / system / str(seed) / f"fold{fold}"
                files.write_npy(where / "scores_test.npy", scores)
    family = {"systems": list(systems), "seeds": 2, "folds": 2, "share": 1.0}
    return recorded.read(
        tmp_path / "corpus",
        tmp_path / "features",
        tmp_path / "models",
        family=family,
        seeds=[1, 2],
        settings=SETTINGS,
        hop_s=HOP_S,
    )


@pytest.fixture
def scenes(tmp_path, rng):
    return world(tmp_path / "scenes", ["p", "q", "r"], rng)


def test_results_follow_the_family(scenes, tmp_path, rng):
    assert isinstance(scenes, recorded.SceneRun)
    assert scenes.seeds == [1, 2] and scenes.folds == [1, 2]
    assert scenes.systems == ["gmm", "fnn", "rnn", "cnn", "crnn"]
    assert scenes.designs["cnn"] == "cnn_scenes"
    assert len(scenes.test.rolls) == 8  # two of three folds test on four recordings each
    assert {k: len(v) for k, v in scenes.scenes.items()} == {"home": 4, "street": 4}
    one = world(tmp_path / "one", ["p"], rng, scenes=("mix",), systems=("crnn",), folded=False)
    assert type(one) is chapter.FrameRun and len(one.test.rolls) == 4


def test_sed_eval_and_our_metrics_agree_over_scenes(scenes):
    table = recorded.table2(scenes, **IN_PROCESS).set_index(["method", "seed"])
    for system in scenes.systems:
        ours = recorded.headline(scenes, scenes.decisions(system, 2))
        for metric, value in ours.items():
            assert table.loc[(system.upper(), 2), metric] == pytest.approx(value, abs=1e-9)
        total = scenes.counted(system, "F1_frm")[1].sum()
        assert 100 * f1_score(total) == pytest.approx(ours["F1_frm"])
        total = scenes.counted(system, "ER_1s")[1].sum()
        assert error_rate(total) == pytest.approx(ours["ER_1s"])
    assert table.loc[("silence", 0), "ER_frm"] == pytest.approx(1)
    assert ("GMM, validation threshold", 1) in table.index


def test_a_run_is_one_seed_through_all_folds(scenes):
    fold = scenes.references[2]
    scores = np.load(scenes.models / "crnn/1/fold2/scores_test.npy")
    expected = fold.split(scores >= 0.5)
    found = scenes.decisions("crnn", 1)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


def test_legacy_f1_of_table_5(scenes):
    table = legacy.table5(scenes, PUBLISHED.table("T5"), source="foley", size="s")
    rows = table.set_index("method")
    own = "GMM (scene-independent)"
    assert rows.index.tolist() == [*PUBLISHED.table("T5").method, own]
    assert np.isnan(rows.legacy_F1_1s_mean["GMM"]) and rows.legacy_F1_1s_mean[own] >= 0
    found = legacy.resampled(scenes, "cnn")
    assert found.shape == (2, 101)
    assert found[:, 0].mean() == pytest.approx(rows.legacy_F1_1s_mean["CNN"])
    assert found[:, 0].std(ddof=1) == pytest.approx(rows.legacy_F1_1s_std["CNN"])
    assert found[:, 1:].std() > 0
    assert (
        np.isnan(rows.legacy_F1_1s_mean["BLSTM"]) and rows.paper_legacy_F1_1s_mean["BLSTM"] == 64.6
    )
    assert "legacy_F1_1s_difference" not in table
    official = legacy.table5(scenes, PUBLISHED.table("T5"), source="official", size="s")
    row = official.set_index("method").loc["CRNN"]
    assert row.legacy_F1_1s_difference == pytest.approx(row.legacy_F1_1s_mean - 69.1)
    html = columns.html(page.quoted(table), page.TABLE5, among=table.seeds.notna())
    assert html.count("<th>paper</th>") == 1 and "BLSTM [11]<" in html and "<strong>" in html
    assert "GMM [38] *" in html


def test_table_6_by_hand(tmp_path, rng):
    results = home(tmp_path, rng, systems=("cnn_chime",))
    right, wrong = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], float), np.array([[0.0, 0]] * 4)
    for seed, (evaluation, development) in {1: (right, right), 2: (right, 1 - right)}.items():
        where = results.models / "cnn_chime" / str(seed)
        files.write_npy(where / "fold0/scores_test.npy", evaluation)
        files.write_npy(where / "fold1/scores_test.npy", development)
    table = tagging.table6(results, PUBLISHED.table("T6"), source="foley", size="s")
    row = table.set_index("method").loc["CNN"]
    assert row.EER_eval_mean == 0 and row.EER_dev_mean == pytest.approx(50)
    assert row.EER_dev_std == pytest.approx(100 / np.sqrt(2))
    assert row.paper_EER_eval_mean == 10.7 and "EER_eval_difference" not in table
    files.write_npy(results.models / "cnn_chime/1/fold0/scores_test.npy", wrong)
    assert results.class_errors("cnn_chime", 1, "eval").tolist() == pytest.approx([50, 50])
    resampled = results.resampled("cnn_chime", "EER_dev")
    assert resampled.shape == (2, 101) and resampled[:, 0].tolist() == pytest.approx([0, 100])
    assert results.units("EER_dev") == 4


def test_a_class_without_a_rate_is_left_out():
    values = np.array([[0.2, np.nan], [0.4, np.nan]])
    np.testing.assert_allclose(tagging.mean_of_known(values, axis=0), [0.3, np.nan])
    assert tagging.mean_of_known(values[0], axis=0) == 0.2


def test_folds_that_were_not_trained_are_named(tmp_path, rng):
    results = home(tmp_path, rng, systems=("cnn_chime",))
    only = replace(results, folds=[0])
    refused(
        ValueError, lambda: only.folds_of("dev"), "families.chime_home.main.folds", "[0]", "dev"
    )


def test_every_claim_of_several_corpora_has_one_verdict(tmp_path, rng):
    synthetic = world(
        tmp_path / "a",
        ["p", "q"],
        rng,
        scenes=("mix",),
        systems=NETS,
        folded=False,
    )
    scenes = {
        "tut_sed_2009": world(tmp_path / "b", ["p", "q"], rng),
        "tut_sound_events_2016": world(tmp_path / "c", list(LABELS), rng),
    }
    sources = dict.fromkeys(titles.TITLES, "official") | {"tut_sed_2009": "foley"}
    runs = {claims.SYNTHETIC: synthetic, **scenes, "chime_home": home(tmp_path / "d", rng)}
    runs = {name: replace(run, draw=i) for i, (name, run) in enumerate(runs.items())}
    odd = claims.of_recordings(runs, PUBLISHED)
    judged = verdicts.judge(PUBLISHED, "crnn_recorded", sources, runs, odd)
    expected = {"C03", "C27", "C31", "C32", *(f"C{i}" for i in range(17, 27))}
    assert set(judged.claim) == expected <= set(PUBLISHED.claims)
    assert (judged.groupby("claim").verdict.nunique() == 1).all()
    found = judged.groupby("claim").verdict.first()
    assert set(found[["C19", "C20", "C21", "C23"]]) <= {
        "reproduced",
        "not reproduced",
        "undecided",
    }
    assert set(found[["C17", "C18", "C22"]]) == {"needs official data"}  # foley is involved
    assert found["C03"].endswith(" here") and found["C31"].endswith(" here")
    per_claim = judged.groupby("claim").size().to_dict()
    assert per_claim["C03"] == 12 and per_claim["C27"] == 14 and per_claim["C31"] == 16
    assert (judged.n_seeds == 2).all() and judged.low.notna().all()
    lead = judged.query("claim == 'C03' and contrast == 'TUT-SED 2009: CRNN - GMM, frame F1'")
    rolls = [scenes["tut_sed_2009"].decisions(s, 1) for s in ("crnn", "gmm")]
    first = [recorded.headline(scenes["tut_sed_2009"], r)["F1_frm"] for r in rolls]
    rolls = [scenes["tut_sed_2009"].decisions(s, 2) for s in ("crnn", "gmm")]
    second = [recorded.headline(scenes["tut_sed_2009"], r)["F1_frm"] for r in rolls]
    expected = np.mean([first[0] - first[1], second[0] - second[1]])
    assert lead.value.item() == pytest.approx(expected)


def test_counts_are_resampled_scene_by_scene(scenes):
    counts = scenes.counted("crnn", "F1_frm")
    assert isinstance(counts[0], segments.Counts)
    assert len(scenes.strata) == len(counts[0].substitutions)
    assert np.bincount(scenes.strata).tolist() == [4, 4]
    found = bootstrap.summary(counts, f1_score, resamples=100, strata=scenes.strata)
    assert found.n_units == 8 and found.resampled.std() > 0
