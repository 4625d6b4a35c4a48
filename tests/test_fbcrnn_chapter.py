"""Tables, verdicts and figures of the chapter on Ebbers & Haeb-Umbach 2020, from scores whose worth is known."""

import numpy as np
import pandas as pd
import pytest
from conftest import features_folder

from sedutils.claims import facts, verdicts
from sedutils.claims.verdicts import NEEDS_OFFICIAL
from sedutils.corpora import corpus
from sedutils.metrics.tags import tag_f_scores
from sedutils.papers.ebbers2020 import claims, examples, figures, latency, page, results, summaries
from sedutils.papers.ebbers2020.experiments import (
    ATTENTION,
    BLIND,
    CONDITIONED,
    ENDS,
    FBCRNN,
    LINEAR,
    TAGGERS,
)
from sedutils.papers.ebbers2020.results import AVERAGE, PUBLIC, VALIDATION
from sedutils.pipeline import files
from sedutils.show import columns

PUBLISHED = facts.read("data/published/ebbers2020_fbcrnn.yaml")
PRINTED = PUBLISHED.table("T3")
DESED = (
    *("Alarm_bell_ringing", "Blender", "Cat", "Dishes", "Dog"),
    *("Electric_shaver_toothbrush", "Frying", "Running_water", "Speech", "Vacuum_cleaner"),
)
SEEDS, CONTEXTS, MEDIANS, REACH, HOP_S = (1, 2), (3, 5), (3,), 6, 0.04
FRAMES, ONSETS_S, LASTING_S = 100, (0.8, 1.6), 1.2
COUNT = 20  # validation clips, and as many public ones
GIVEN = {"corpus": "desed_2020", "size": "test"}


def made(folder, labels):
    """Clip i has class i, from 0.8 s on, and class i + 3, from 1.6 s on; both for 1.2 s."""
    rows, events = [], []
    for part, split in (("validation", "validation"), ("public", "test")):
        for i in range(COUNT):
            name = f"{part}-{i}"
            rows.append((name, f"{name}.wav", FRAMES * HOP_S, 16000, part, split))
            for label, onset_s in zip(
                (labels[i % 10], labels[(i + 3) % 10]), ONSETS_S, strict=True
            ):
                events.append((name, onset_s, onset_s + LASTING_S, label))
    rows.append(("train-0", "train-0.wav", FRAMES * HOP_S, 16000, "synthetic", "train"))
    columns = ["recording", "path", "duration_s", "sample_rate", "scene", "split"]
    events = pd.DataFrame(events, columns=["recording", "onset_s", "offset_s", "label"])
    corpus.write(folder, pd.DataFrame(rows, columns=columns), events, labels)
    return corpus.read(folder)


def roll(clips, late_s=0.0):
    """The annotation, float32 ``(frames, classes)``; ``late_s`` too late."""
    whole = np.zeros((len(clips), FRAMES, 10), np.float32)
    for row in clips.annotation.itertuples():
        start, stop = (round((s + late_s) / HOP_S) for s in (row.onset_s, row.offset_s))
        whole[row.clip, start:stop, row.column] = 1
    return whole.reshape(-1, 10)


def since(clips, wait_s):
    """1 from ``wait_s`` after the onset of a class to the end of its clip."""
    whole = np.zeros((len(clips), FRAMES, 10), np.float32)
    for row in clips.annotation.itertuples():
        whole[row.clip, round((row.onset_s + wait_s) / HOP_S) :, row.column] = 1
    return whole.reshape(-1, 10)


def networks(run):
    """FBCRNNs are right with small windows, their twins a second late there; one CNN is right, one is silent.
    Attention pooling is late, and does not tag class 0; linear pooling tags everything, and does not find class 0."""
    for split, clips in run.clips.items():
        truth, noise = 0.1 + 0.8 * roll(clips), np.full((len(clips) * FRAMES, 10), 0.2, np.float32)
        late, deaf = 0.1 + 0.8 * roll(clips, 1.0), np.arange(10) > 0
        for seed in SEEDS:
            said = {
                (FBCRNN, "windows"): np.stack([truth, noise]),
                (FBCRNN, "windows_input"): truth[None],
                (FBCRNN, "directions"): np.stack([since(clips, 0.4)] * 2) * 0.9,
                (FBCRNN, "tags"): 0.1 + 0.8 * clips.tags,
                (ENDS, "windows"): np.stack([late, truth]),
                (ENDS, "windows_input"): late[None],
                (ENDS, "directions"): np.stack([since(clips, 1.2)] * 2) * 0.9,
                (ENDS, "tags"): 0.1 + 0.8 * clips.tags,
                (ATTENTION, "scores"): late,
                (ATTENTION, "tags"): 0.1 + 0.8 * clips.tags * deaf,
                (LINEAR, "scores"): truth * deaf,
                (LINEAR, "tags"): 0.9 - 0.1 * clips.tags,
                (CONDITIONED, "scores"): truth,
                (BLIND, "scores"): noise,
            }
            for (system, name), scores in said.items():
                path = run.models / system / str(seed) / f"{name}_{split}.npy"
                files.write_npy(path, scores.astype(np.float32))


def of(folder, labels=DESED):
    read = made(folder / "corpus", labels)
    silent = np.zeros((len(read.recordings) * FRAMES, 10))
    features_folder(folder / "features", read.recordings, None, labels, silent)
    run = results.WeakRun(
        corpus=read,
        features=folder / "features",
        models=folder / "models",
        seeds=SEEDS,
        contexts=CONTEXTS,
        medians=MEDIANS,
        reach=REACH,
        hop_s=HOP_S,
        resamples=100,
    )
    networks(run)
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return of(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def table(run):
    return summaries.table3(run, PRINTED, source="foley", **GIVEN)


def judge(run, table, source):
    odd = claims.odd(run, table, PRINTED)
    return verdicts.judge(PUBLISHED, "fbcrnn", {"desed": source}, {"desed": run}, odd)


@pytest.fixture(scope="module")
def judged(run, table):
    return judge(run, table, "foley")


def test_table_3_has_each_class_three_numbers_and_what_is_printed(table):
    assert list(table["class"]) == [*DESED, AVERAGE]
    assert (table[["validation", "crossed", "public"]] == 100).all(axis=None)
    assert (table.C.iloc[:-1] == CONTEXTS[0]).all() and table.C.isna().iloc[-1]
    printed = table.set_index("class")
    assert (
        printed.paper_F["Electric_shaver_toothbrush"] == 57.9 and printed.paper_F[AVERAGE] == 48.3
    )
    assert printed.paper_C["Vacuum_cleaner"] == 10 and printed.paper_M["Dog"] == 21
    assert printed.baseline_F[AVERAGE] == 34.8 and table.baseline_F.iloc[:-1].isna().all()
    html = columns.html(page.in_seconds(table, HOP_S), page.TABLE3)
    assert "0.12 (0.20)" in html and "<td>34.8</td>" in html
    assert html.count("<tr") == 1 + 11 + 1
    figure = figures.classes(table)
    assert [bar.get_height() for bar in figure.axes[0].patches] == [100] * 33


def test_other_classes_have_nothing_printed_beside_them(tmp_path):
    bank = of(tmp_path, (*(f"sound_{i}" for i in range(9)), "Dog"))
    table = summaries.table3(bank, PRINTED, source="bank", **GIVEN)
    assert table.filter(regex="paper|baseline").isna().all(axis=None)
    assert "34.8" not in columns.html(page.in_seconds(table, HOP_S), page.TABLE3)
    judged = judge(bank, table, "bank")
    assert sorted(set(judged.claim)) == sorted(PUBLISHED.claims)


def test_halves_are_decided_by_each_other(run):
    """A class whose scores are higher in every other clip: one half's thresholds fail on the other."""
    members = run.ensemble(FBCRNN)
    clips, scores = run.clips[VALIDATION], run.scores(members, VALIDATION)
    lower = np.where(clips.clip_of_frame % 2, 1.0, 0.05)[:, None].astype(np.float32)
    kept = {
        (seed, path): np.load(path)
        for seed in SEEDS
        if (path := run.models / FBCRNN / str(seed) / "windows_validation.npy")
    }
    try:
        for _, path in kept:
            files.write_npy(path, scores * lower)
        found = summaries.crossed(run, members)
    finally:
        for (_, path), array in kept.items():
            files.write_npy(path, array)
    odd = found.recording.str.rpartition("-")[2].astype(int) % 2 == 1
    # by thresholds of the quiet half a loud clip's whole length is active, and a quiet clip never is
    assert not (~odd).any() and found.onset_s[odd].eq(0).all()


def test_ensembles_and_their_parts(run):
    table = summaries.detection(run).set_index("system")
    assert table.F.to_dict() == {
        "FBCRNN": 100,
        "FBCRNN, last tags only": 100,  # with the larger windows
        "CRNN, attention pooling": 0,
        "CRNN, linear pooling": 90,
        "tag-conditioned CNN": 100,
        "CNN without tags": 0,
        summaries.TOGETHER: 100,
    }
    assert table.networks.tolist() == [2] * 6 + [4] and (table.single_std == 0).all()
    assert table.psds1["FBCRNN"] == pytest.approx(1) and table.psds2["CNN without tags"] < 0.1
    assert "<strong>100.0</strong>" in columns.html(table.reset_index(), page.DETECTION)
    tried = summaries.contexts(run).set_index(["cut", "C"])
    assert tried[FBCRNN].tolist() == [100, 0, 100]
    assert tried[ENDS].tolist() == [0, 100, 0]
    assert tried.hears_s.tolist() == pytest.approx([19 * HOP_S, 23 * HOP_S, 7 * HOP_S])
    assert "0.28 s" in columns.html(summaries.contexts(run), page.CONTEXTS)


def test_tags_and_their_mean(run):
    table = summaries.tagging(run).set_index("label")
    assert (table[["validation", "public"]] == 100).all(axis=None)
    assert table.clips.tolist() == [4] * 10 + [20]
    tags = np.array([[1, 0], [1, 0], [0, 0]], bool)
    truth = np.array([[1, 0], [0, 0], [1, 0]], bool)
    assert tag_f_scores(tags, truth)[0] == 50
    assert np.isnan(tag_f_scores(tags, truth)[1])


def test_poolings_are_masked_by_their_own_tags(run):
    table = summaries.poolings(run).set_index("system")
    assert list(table.index) == [results.SYSTEMS[name] for name in TAGGERS]
    alike = 100 * 2 * 0.2 / 1.2  # of a class that all clips are said to have, and every fifth has
    found = table[["tag_F_mean", "tag_F_together", "F_mean", "F_together"]]
    assert found.loc["CRNN, attention pooling"].tolist() == pytest.approx(
        [90 + alike / 10] * 2 + [0, 0]
    )
    assert found.loc["CRNN, linear pooling"].tolist() == pytest.approx([alike] * 2 + [90, 90])
    assert "<strong>" in columns.html(table.reset_index(), page.POOLINGS)


def test_what_hears_nothing_has_the_tags_of_all_clips_and_no_event_in_time(run):
    share = run.clips[results.PUBLIC].tags.mean(axis=0)
    silence, everything = run.of_trivial(results.TAG_F, None)
    assert silence == 0 and everything == pytest.approx(100 * (2 * share / (1 + share)).mean())
    assert run.of_trivial("F", None) == [0, 0]
    assert run.trivial(BLIND, metric="F") and not run.trivial(BLIND, CONDITIONED, metric="F")


def test_unlabelled_clips_that_were_taken_in(run):
    for system, seed in run.ensemble(*TAGGERS):
        counts = [0, 0, 4, 10] if system == FBCRNN else [0] * 4
        course = pd.DataFrame({"step": [10, 20, 30, 50], "included": counts})
        files.write_csv(run.models / system / str(seed) / "history.csv", course)
    table = summaries.included(run).set_index(["system", "seed"])
    assert table.loc["FBCRNN"].to_numpy().tolist() == [[30, 10, (40 + 200) / 50]] * 2
    none = table.loc["CRNN, linear pooling"]
    assert none.at_step.isna().all() and none["most"].eq(0).all()
    assert columns.html(table.reset_index(), page.INCLUDED)


def test_waits_count_what_the_cnn_hears_ahead(run):
    first_s = latency.onsets(run)
    assert sorted(set(first_s[np.isfinite(first_s)])) == list(ONSETS_S)
    joint, ends = (latency.waits(run, system, 1) for system in (FBCRNN, ENDS))
    assert (np.isfinite(joint) == run.clips[PUBLIC].tags).all()
    # tagged from the frame 0.4 s after the onset on, which is there when it and REACH frames more are heard
    assert np.nanmax(joint) == pytest.approx(0.4 + (1 + REACH) * HOP_S)
    assert np.nanmin(ends) == pytest.approx(1.2 + (1 + REACH) * HOP_S)
    heard = latency.heard(run, (FBCRNN, ENDS), (1, 2, 4, 5)).set_index(
        ["system", "seed", "seconds"]
    )
    assert set(heard.index.get_level_values("seconds")) == {1, 2, 4}  # no clip has five seconds
    of_joint, of_ends = heard.F.xs(1, level="seed")[FBCRNN], heard.F.xs(1, level="seed")[ENDS]
    # after 2 s both classes of a clip have begun; one of them is tagged by then, the other not yet: a class is in
    # four clips, in two of which it is the first
    assert of_joint.tolist() == pytest.approx([0, 100 * 2 * 2 / (2 + 4), 100])
    assert of_ends.tolist() == [0, 0, 100]
    figure = figures.latency(heard.reset_index(), {FBCRNN: joint[None], ENDS: ends[None]})
    assert len(figure.axes) == 2


def test_a_tag_that_was_on_before_it_could_be_heard_is_no_early_one(run, monkeypatch):
    scores = np.zeros((FRAMES, 10))
    scores[20 - REACH - 1 :, 0] = (
        0.9  # one frame before the CNN could hear class 0, which begins in frame 20
    )
    scores[40 - REACH :, 3] = 0.9  # as early as can be
    monkeypatch.setattr(latency, "forward", lambda *_: [scores] * COUNT)
    monkeypatch.setattr(latency, "thresholds", lambda *_: np.full(10, 0.5))
    found = latency.waits(run, FBCRNN, 1)
    assert np.isnan(found[0, 0]) and found[0, 3] == pytest.approx(HOP_S)


def test_verdicts_follow_from_the_scores(run, table, judged):
    found = judged.drop_duplicates("claim").set_index("claim").verdict
    assert sorted(found.index) == sorted(PUBLISHED.claims)
    assert set(found.index[found == NEEDS_OFFICIAL]) == {"E01", "E03", "E04"}
    assert (found[["E02", "E05", "E06", "E07"]] == "holds here").all()
    rows = judged.set_index("claim")
    assert rows.value["E05"].tolist() == pytest.approx([100, 100, 0.8])
    assert rows.value["E06"] == 100 and rows.value["E01"].tolist() == pytest.approx([65.2, 100])
    official = judge(run, table, "official")
    words = official.drop_duplicates("claim").set_index("claim").verdict
    assert words["E05"] == "reproduced" and words["E01"] == "undecided"  # there is one ensemble
    assert words["E04"] == "not reproduced"  # no class takes the longer context here


def test_the_papers_own_choice_and_order_reproduce_e03_and_e04():
    named = PRINTED[~PRINTED.row.str.contains("macro")].rename(columns={"row": "class"})
    columns = {"C": named.C, "M": named.M, "paper_C": named.C, "paper_M": named.M}
    table = named.assign(validation=named.F, paper_F=named.F, **columns)
    average = table.iloc[[0]].assign(**{"class": AVERAGE, "validation": 48.3})

    rows = claims.of_table3(pd.concat([table, average]))
    assert [row["outcome"] for row in rows] == ["holds"] * 4
    swapped = table.assign(validation=table.validation[::-1].to_numpy())
    rows = claims.of_table3(pd.concat([swapped, average]))
    assert {row["claim"]: row["outcome"] for row in rows}["E03"] == "fails"


def test_an_example_clip_and_its_figure(run):
    place = examples.shown(run)
    recording = run.clips[PUBLIC].recordings.recording[place]
    rows = examples.rows_of(run, place)
    assert list(rows) == [
        *("forward network", "backward network", "windows of ± 0.12 s", "tag-conditioned CNN")
    ]
    assert all(scores.shape == (FRAMES, 10) for scores in rows.values())
    mel, events = examples.spectrogram(run, place), run.corpus.events_of(recording)
    assert mel.shape == (FRAMES, 2)
    figure = figures.clip(mel, rows, events, run.labels, HOP_S)
    assert len(figure.axes) == 5
