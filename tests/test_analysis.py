"""Error analysis and chapter tables on cases small enough to count by hand."""

import numpy as np
import pandas as pd
import pytest

from sedutils.benchmark import run
from sedutils.decoding.thresholds import search_quantiles
from sedutils.papers.cakir2017 import analysis, chapter, page
from sedutils.training import evaluation


def roll(*columns):
    return np.array(columns, dtype=bool).T


@pytest.fixture
def reference():
    recordings = pd.DataFrame(
        {"recording": ["r"], "frames": [6], "first_frame": [0], "duration_s": [0.12]}
    )
    return evaluation.Reference(
        recordings, ["cat", "baby"], {"r": roll([1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 0, 0])}
    )


class Mixed:
    parts = pd.DataFrame(
        {
            "recording": ["r", "r"],
            "onset_s": [0.0, 0.04],
            "offset_s": [0.06, 0.08],
            "label": ["cat", "baby"],
            "level_db": [-20.0, -26.0],
        }
    )


def test_confusion_counts_frames_where_one_is_missed_and_another_invented(reference):
    output = {"r": roll([0, 0, 1, 0, 0, 0], [1, 1, 0, 0, 0, 1])}
    table = analysis.confusion(reference, output)
    assert table.loc["cat", "baby"] == 2
    assert table.loc["baby", "cat"] == 0


def test_event_recall_knows_polyphony_and_level(reference):
    output = {"r": roll([1, 0, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0])}
    cat, baby = analysis.event_recall(Mixed, reference, output, 0.02).itertuples()
    assert cat.recall == pytest.approx(1 / 3) and baby.recall == 1
    assert cat.polyphony == pytest.approx(4 / 3) and baby.polyphony == 1.5
    # the baby's power is 6 dB lower and sounds in one of the cat's three frames
    assert cat.level_db == pytest.approx(6 + 10 * np.log10(3), abs=0.01)


def test_thresholds_move_the_scores(reference):
    scores = np.linspace(0, 1, 12).reshape(6, 2)
    curve = analysis.threshold_curve(reference, scores, [0.01, 0.5, 1.1])
    assert curve.recall.is_monotonic_decreasing
    assert curve.error_rate.iloc[-1] == 1 and curve.f1_score.iloc[-1] == 0


def test_the_best_threshold_is_found(reference):
    scores = np.where(reference.rolls["r"], 0.31, 0.3)
    assert 0.3 < search_quantiles(reference.rolls, {"r": scores}) <= 0.31


def test_bold_is_the_best_and_what_lies_within_its_deviation():
    rows = pd.DataFrame(
        {"F1_frm_mean": [50.0, 49.5, 40.0], "F1_frm_std": [0.6, 0.1, 0.1]}, index=list("abc")
    )
    assert [page.is_best(row, rows, "F1_frm") for _, row in rows.iterrows()] == [
        True,
        True,
        False,
    ]


def test_differences_stand_only_beside_official_data():
    rows = pd.DataFrame(
        {
            "method": ["CRNN"] * 2,
            "seed": [1, 2],
            "F1_frm": [66.0, 68.0],
            "ER_frm": [0.5, 0.5],
            "F1_1s": [60.0, 60.0],
            "ER_1s": [0.5, 0.5],
        }
    )
    names = [f"{m}_{part}" for m in chapter.METRICS for part in ("mean", "std")]
    paper = pd.DataFrame([{"dataset": "synth2016", "method": "CRNN"} | dict.fromkeys(names, 1.0)])
    foley, official = (
        chapter.beside_published(rows, paper, source=s, size="laptop")
        for s in ("foley", "official")
    )
    assert "F1_frm_difference" not in foley and official.F1_frm_difference[0] == 66.0
    assert (
        foley.F1_frm_mean[0] == 67
        and foley.F1_frm_std[0] == pytest.approx(2**0.5)
        and foley.seeds[0] == 2
    )


def test_the_busiest_window_has_most_classes():
    activity = np.zeros((1000, 3), bool)
    activity[700:800] = True
    assert 1 <= chapter.busiest(activity, seconds=13, hop_s=0.02) <= 14


def test_the_benchmark_compares_equal_networks(staged, monkeypatch):
    monkeypatch.chdir(staged)
    net, x, _ = run.crnn()
    ours, straight = net.eval()(x), run.Straightforward(net).eval()(x)
    np.testing.assert_allclose(ours.detach(), straight.detach(), atol=1e-5)


def test_measuring_some_stages_keeps_the_rows_of_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "MEASURED", tmp_path)
    rows = [{"what": f"stage {n}", "value": 1.5, "unit": "s", "cpu": "old"} for n in "ab"]
    pd.DataFrame(rows).to_csv(tmp_path / "stages.csv", index=False)
    monkeypatch.setattr(run, "stages", lambda only: [(f"stage {n}", 2.0, "s") for n in only])
    run.main(["stages", "b", "c"])
    table = pd.read_csv(tmp_path / "stages.csv").set_index("what")
    assert table.value.to_dict() == {"stage a": 1.5, "stage b": 2.0, "stage c": 2.0}
    assert table.cpu["stage a"] == "old" != table.cpu["stage b"]


def test_a_stage_to_measure_must_exist():
    with pytest.raises(SystemExit, match=r"^dvc\.yaml: no stage 'nope'$"):
        list(run.stages(["nope"]))


def test_table_3_prints_the_best_in_bold_and_what_the_paper_has():
    table = pd.DataFrame(
        {
            "class": ["rain", "chainsaw", "gun_shot"],
            "cnn_mean": [60.0, 10.04, 0.0],
            "cnn_std": [1.0, np.nan, 0.0],
            "crnn_mean": [70.26, 5.0, 0.0],
            "crnn_std": [2.0, 1.0, 0.0],
            "paper_cnn": [71.0, np.nan, 69.0],
        }
    )
    html = page.table3_html(table, ["cnn", "crnn"])
    assert "<th>paper CNN</th>" in html
    assert "<td>60.0 ± 1.0</td><td><strong>70.3 ± 2.0</strong></td><td>71</td>" in html
    assert "<strong>10.0</strong></td><td>5.0 ± 1.0</td><td>–</td>" in html
    assert html.count("<strong>") == 2  # nobody is best at a class that nobody finds
    assert "paper" not in page.table3_html(table.assign(paper_cnn=np.nan), ["cnn", "crnn"])
