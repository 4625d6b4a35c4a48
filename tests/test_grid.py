"""The grid: sizes of the paper's search, samples that stay, scores that agree, claims on made-up points."""

import contextlib
import json

import numpy as np
import pandas as pd
import pytest

from sedutils.features.frames import Frames
from sedutils.metrics import segments
from sedutils.papers.cakir2017 import search
from sedutils.pipeline import params
from sedutils.training import grid

SYNTHETIC = "tut_sed_synthetic_2016"


@pytest.fixture
def paper(staged):
    """Sections grid and systems at paper size."""
    with contextlib.chdir(staged):
        return params.load("grid", "systems", size="paper")


def test_the_paper_size_is_the_whole_grid(paper):
    section, designs = paper
    for corpus in (SYNTHETIC, "chime_home"):
        kinds = pd.Series([p.kind for p in grid.points(section, corpus, designs)])
        # 8 poolings x 3 recurrent depths x 2 widths, and reading A19 for the others
        assert kinds.value_counts().to_dict() == {"crnn": 48, "cnn": 48, "rnn": 36}


def test_table1_lies_in_the_grid(paper):
    section, designs = paper
    arguments = [p.arguments for p in grid.points(section, SYNTHETIC, designs)]
    # but for the length of sequences, which the paper chooses later
    first = [designs[name] | {"sequence_frames": 128} for name in ("cnn", "rnn", "crnn")]
    assert all(design in arguments for design in first)


def test_a_sample_is_the_same_again_without_repeats_and_part_of_a_larger_one(paper):
    section, designs = paper
    search = section["corpora"][SYNTHETIC]
    names = {}
    for count in (3, 3, 9):
        search["points"] = count
        drawn = [p.name for p in grid.points(section, SYNTHETIC, designs)]
        assert len(set(drawn)) == len(drawn) == 3 * count
        assert names.setdefault(count, drawn) == drawn
    assert set(names[3]) < set(names[9])
    section["seed"] += 1
    assert {p.name for p in grid.points(section, SYNTHETIC, designs)} != set(names[9])


def test_the_second_search_starts_from_the_best_layout_of_the_first(tmp_path, paper):
    section, designs = paper
    tried = grid.points(section, SYNTHETIC, designs)
    table = pd.DataFrame({"kind": [p.kind for p in tried], "name": [p.name for p in tried]})
    best = table.groupby("kind").name.last()
    table["validation_score"] = np.where(table.name.isin(best), 0.9, 0.1)
    table.to_csv(tmp_path / "points.csv")
    for point in tried:
        if point.name in set(best):
            (tmp_path / point.name / "1").mkdir(parents=True)
            description = json.dumps({"arguments": point.arguments})
            (tmp_path / point.name / "1/description.json").write_text(description)
    found = grid.points(section, "tut_sed_2009", designs, tmp_path)
    assert len(found) == 3 * 3 * 4
    lengths = {(p.arguments["dropout"], p.arguments["sequence_frames"]) for p in found}
    assert len(lengths) == 12
    for point in found:
        wanted = next(p for p in tried if p.name == best[point.kind])
        lists = section["first"][point.kind]
        assert {k: point.arguments[k] for k in lists} == {k: wanted.arguments[k] for k in lists}


def test_the_test_score_is_that_of_the_metrics(rng):
    targets = (rng.random((90, 3)) < 0.3).astype(np.uint8)
    rows = pd.DataFrame({"first_frame": [0, 30, 60], "frames": 30})
    frames = Frames(np.zeros((90, 4)), targets, rows, 0.0, 1.0)
    scores = rng.random((90, 3))
    counts = segments.segment_counts(targets.astype(bool), scores >= 0.5)
    assert grid.test_score(scores, frames) == pytest.approx(float(segments.f1_score(counts)))
    # of tags, one row a recording: the first class is ranked rightly, the others are all or none
    targets[:] = 0
    targets[30:, :2] = 1
    targets[:, 1] = 1
    assert grid.test_score(np.array([[0.1, 0, 0], [0.2, 0, 0], [0.3, 0, 0]]), frames) == 1


def counts_with(f1, rng, units=40):
    """Counts of one class in many units with about this F1."""
    hits = rng.binomial(1000, f1, units)[:, None]
    nothing = np.zeros_like(hits)
    names = segments.Counts.__dataclass_fields__
    values = dict.fromkeys(names, nothing) | {"true_positives": hits}
    values |= {"false_positives": 1000 - hits, "false_negatives": 1000 - hits}
    return [segments.Counts(**{k: v[:, 0] if k in UNITS else v for k, v in values.items()})]


UNITS = ("substitutions", "deletions", "insertions")


def made_up(crnn, rng):
    rows = pd.DataFrame(
        [
            *[("crnn", 7000, crnn), ("crnn", 7100, crnn)],
            *[("cnn", 5000, 0.5), ("cnn", 5500, 0.5), ("rnn", 6000, 0.4), ("rnn", 6500, 0.4)],
        ],
        columns=["kind", "parameters", "f1"],
    )
    return rows, [counts_with(f1, rng) for f1 in rows.f1]


@pytest.mark.parametrize(("crnn", "outcome"), [(0.6, "holds"), (0.45, "fails")])
def test_c12_compares_means_in_shared_octaves(rng, crnn, outcome):
    (row,) = search.equal_sizes(*made_up(crnn, rng), resamples=200)
    assert row["outcome"] == outcome
    assert row["value"] == pytest.approx(100 * (crnn - 0.5), abs=1.5)


def test_c13_compares_two_networks_over_seeds(rng):
    (one, other), seeds = (counts_with(0.6, rng), counts_with(0.5, rng)), 3
    pair = {"one": one, "other": other}
    assert search.layout_matters(pair, 200)["outcome"] == "undecided"  # a single seed
    again = {name: counts * seeds for name, counts in pair.items()}
    assert search.layout_matters(again, 200)["outcome"] == "holds"
    again["other"] = counts_with(0.59, rng) * seeds
    assert search.layout_matters(again, 200)["outcome"] == "fails"  # a point is less than three
    assert search.layout_matters({}, 200)["outcome"] == "undecided"


def test_the_pair_of_c13_is_of_one_kind_and_size_and_furthest_apart_on_validation():
    table = pd.DataFrame(
        [
            *[("crnn", "a", 7000, 0.5), ("crnn", "b", 7600, 0.7), ("crnn", "c", 9000, 0.1)],
            *[("cnn", "d", 7000, 0.2), ("cnn", "e", 7100, 0.3)],
        ],
        columns=["kind", "name", "parameters", "validation_score"],
    )
    assert grid.furthest_apart(table) == ["b", "a"]
    assert grid.furthest_apart(table[table.name.isin(["a", "d", "c"])]) == []


def test_a_grid_without_shared_sizes_decides_nothing(rng):
    rows, counts = made_up(0.6, rng)
    rows.loc[0, "parameters"] = 100
    (row,) = search.equal_sizes(rows, counts, 200)
    assert row["outcome"] == "undecided"
