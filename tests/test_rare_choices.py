"""Which R-CRNNs the tables take, and what is chosen on validation clips: by hand, from answers that are given."""

import numpy as np
import pandas as pd
import pytest
import rare_clips
from rare_clips import BASE, FACTS, task

from sedutils.corpora import corpus, recipes
from sedutils.models.blocks import keras_parameters
from sedutils.papers.kao2018 import experiments
from sedutils.papers.kao2018.experiments import Detector
from sedutils.pipeline import files, places
from sedutils.training.systems import System


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    top = tmp_path_factory.mktemp("rare")
    rare_clips.make(top)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "cache_of", lambda kind: top / "cache")
        yield top


@pytest.fixture
def answered(world, tmp_path):
    """A folder into which `said` writes what a detector says of the validation clips."""
    made = corpus.read(world / "corpus")
    reference = recipes.onsets_of(made, "shot", "validation")
    assert reference.tolist()[0] == 1.0 and np.isnan(reference.iloc[1])

    def said(detector, onset_s, scores, loss=0.5):
        rows = [(name, on, on + 1, "shot", score)
                for name, on, score in zip(reference.index, onset_s, scores, strict=True)
                if score]  # fmt: skip
        columns = ["recording", "onset_s", "offset_s", "label", "score"]
        table = pd.DataFrame(rows, columns=columns)
        files.write_csv(tmp_path / detector.path / "events_validation.csv", table)
        course = {"epoch": [1, 2], "validation_score": [-1.0, -loss], "best": [False, True]}
        files.write_csv(tmp_path / detector.path / "history.csv", pd.DataFrame(course))
        arguments = BASE | {"units": detector.units, "nodes": detector.nodes}
        system = System.new(arguments, task(world), FACTS)
        if not (tmp_path / detector.path / "description.json").exists():
            system.write(tmp_path / detector.path)
        return keras_parameters(system.model)

    return made, tmp_path, said


def test_the_best_point_has_the_least_error_rate_and_of_equals_the_least_loss(answered):
    made, folder, said = answered
    points = experiments.grid("shot", {"units": [2, 3], "nodes": [4, 8]}, [1, 2, 3])
    assert len(points) == 12 and len({d.path for d in points}) == 12
    best = lambda: experiments.best_point(points, folder, made, "validation", 0.8)  # noqa: E731
    loss = lambda d: 0.4 if (d.units, d.nodes) == (3, 4) else 0.5  # noqa: E731
    counts = {(d.units, d.nodes): said(d, [1.2, 3.0], [0.9, 0.7], loss(d)) for d in points}
    assert best() == {"label": "shot", "split": "validation", "units": 3, "nodes": 4,
                      "parameters": counts[3, 4], "error_rate": 0.0, "validation_loss": 0.4}  # fmt: skip
    # an invented event in one seed of three: the error rates of the seeds are 0, 0 and 1, in any order
    for d in points:
        wrong = d.seed == {4: 1, 8: 3}[d.nodes]
        said(d, [1.2, 3.0], [0.9, 0.95 if wrong else 0.7], loss(d))
    assert best()["error_rate"] == pytest.approx(1 / 3) and best()["parameters"] == counts[3, 4]
    for d in points:
        if (d.units, d.nodes) == (3, 8):
            said(d, [1.2, 3.0], [0.9, 0.7])
    assert (best()["units"], best()["nodes"], best()["error_rate"]) == (3, 8, 0.0)


def test_the_order_of_seeds_tells_no_networks_apart(answered, monkeypatch):
    made, folder, said = answered
    points = experiments.grid("shot", {"units": [2, 3], "nodes": [4]}, [1, 2, 3])
    for d in points:
        said(d, [1.2, 3.0], [0.9, 0.7])
    rates = iter([0.1, 0.2, 0.3, 0.3, 0.2, 0.1])  # whose means differ in the last digit
    monkeypatch.setattr(experiments, "error_rate", lambda *_: next(rates))
    assert experiments.best_point(points, folder, made, "validation", 0.8)["units"] == 2


def test_the_threshold_is_the_middle_of_the_best(answered):
    made, folder, said = answered
    detector = Detector("shot", "bigru", 2, 4, "finetuned", 1)
    found = lambda: experiments.best_probability(detector, folder, made)  # noqa: E731
    said(detector, [1.2, 3.0], [0.62, 0.33])  # 0.35, 0.4 … 0.6 tell them apart
    assert found() == pytest.approx(0.5)
    onsets = experiments.onsets(detector, folder, made, "validation", 0)
    assert onsets.iloc[0] == pytest.approx(1.2) and np.isnan(onsets.iloc[1])
    assert experiments.onsets(detector, folder, made, "validation", 0.3).notna().all()
    assert experiments.onsets(detector, folder, made, "validation", 0.7).isna().all()
    # of four the upper one
    said(detector, [1.2, 3.0], [0.52, 0.33])
    assert found() == pytest.approx(0.45)


def test_a_detector_that_proposes_nothing_misses_everything(answered):
    made, folder, said = answered
    detector = Detector("shot", "bigru", 2, 4, "finetuned", 1)
    said(detector, [1.2, 3.0], [0, 0])
    assert experiments.error_rate(detector, folder, made, "validation", 0.8) == 1
    assert experiments.onsets(detector, folder, made, "validation", 0).isna().all()


def test_tables_name_their_detectors():
    systems_of = {"a": BASE, "b": BASE | {"recurrent": "none"}}
    rows = experiments.extractors("cry", systems_of, [1, 2])
    assert [(d.recurrent, d.seed) for d in rows] == [
        ("bigru", 1),
        ("bigru", 2),
        ("none", 1),
        ("none", 2),
    ]
    assert {d.regime for d in rows} == {"finetuned"}
    third = experiments.regimes("cry", 3, 4, [7])
    assert [d.regime for d in third] == ["scratch", "fixed", "finetuned"]
    assert str(third[1].path) == "cry/fixed/bigru-3-4/7"
    assert str(third[1].tagger) == "cry/tagger/bigru-3/7"


def test_a_choice_is_read_as_it_was_written(tmp_path):
    rows = [{"label": "cry", "split": "validation", "units": 8, "nodes": 64, "error_rate": 1 / 3}]
    experiments.write_choice(rows, tmp_path / "choice.json")
    assert experiments.read_choice(tmp_path / "choice.json").to_dict("records") == rows
