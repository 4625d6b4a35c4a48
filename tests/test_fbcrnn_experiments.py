"""Pseudo strong labels, layers, and what is drawn of trainings (Ebbers & Haeb-Umbach 2020)."""

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import features_folder

from sedutils.claims import facts
from sedutils.papers.ebbers2020 import experiments, figures, layers
from sedutils.papers.ebbers2020.experiments import CONDITIONED, FBCRNN
from sedutils.papers.ebbers2020.results import PUBLIC, VALIDATION
from sedutils.pipeline import files
from sedutils.training import weak

PUBLISHED = facts.read("data/published/ebbers2020_fbcrnn.yaml")
HOP_S, SEEDS = 0.04, (1, 2)


class Heard:
    """A network that says what its dictionaries hold of each clip."""

    def __init__(self, tags, frames):
        self.tags, self.frames = tags, frames

    def tag_scores(self, clips, device):
        return np.stack([self.tags[name] for name in clips.recordings.recording])

    def window_scores(self, clips, contexts, device):
        assert contexts == [2]
        return np.concatenate([self.frames[name] for name in clips.recordings.recording])[None]


def test_pseudo_labels_keep_to_what_is_known(tmp_path, monkeypatch):
    parts = {
        "w": "weak",
        "s": "synthetic",
        "u": "unlabelled",
        "v": "validation",
        "v2": "validation",
    }
    rows = [(n, 0.4, p, "validation" if p == "validation" else "train") for n, p in parts.items()]
    recordings = pd.DataFrame(rows, columns=["recording", "duration_s", "scene", "split"])
    targets = np.zeros((50, 2), np.uint8)
    targets[:10, 0] = 1  # the weak clip's tag, in all frames
    targets[12:15, 1] = 1  # the synthetic clip's event
    targets[30:35, 0], targets[43:48, 1] = 1, 1  # the validation clips' events
    features_folder(tmp_path / "features", recordings, None, ("cat", "tap"), targets)
    first, second = np.full((10, 2), 0.1, np.float32), np.full((10, 2), 0.1, np.float32)
    first[:5], second[3:8] = 0.8, 0.9
    tags = {"w": (0.9, 0.9), "s": (0.1, 0.1), "u": (0.2, 0.95), "v": (0.9, 0.1), "v2": (0.1, 0.7)}
    frames = {"w": first, "s": first, "u": second, "v": first, "v2": second}
    frames["v2"] = frames["v2"].copy()
    model = Heard({n: np.array(t, np.float32) for n, t in tags.items()}, frames)
    experiment = experiments.Experiment(
        tmp_path / "features", tmp_path / "weak", {}, {}, {"pseudo_context": 2, "pseudo_median": 3},
        {"features": {"hop_s": HOP_S}}, "cpu",
    )  # fmt: skip
    for name in ("tag_scores", "window_scores"):
        monkeypatch.setattr(weak, name, getattr(Heard, name))
    monkeypatch.setattr(experiments.Experiment, "read", lambda *_: type("S", (), {"model": model}))
    for split, names in ((VALIDATION, ["v", "v2"]), (PUBLIC, ["v"])):
        scores = np.stack([model.tags[n] for n in names])
        files.write_npy(tmp_path / f"weak/fbcrnn/1/tags_{split}.npy", scores)
    experiments.label(experiment, [1])
    table = pd.read_csv(tmp_path / "weak/thresholds.csv").set_index("label")
    assert table.tag_threshold.tolist() == pytest.approx([0.5, 0.4])
    assert table.tag_F.tolist() == table.frame_F.tolist() == [1, 1]
    assert (table.false_alarms == 0).all()
    tags = experiments.read_tags(tmp_path / "weak", "train")
    assert tags.tolist() == [[1, 0], [0, 1], [0, 1]]  # known, known, guessed
    strong = np.load(tmp_path / "weak/pseudo_targets.npy")
    assert strong[:10].T.tolist() == [[1] * 5 + [0] * 5, [0] * 10]  # no tap, however sure
    assert (strong[10:20] == targets[10:20]).all() and (strong[30:] == targets[30:]).all()
    assert strong[20:30].T.tolist() == [[0] * 10, [0] * 3 + [1] * 5 + [0] * 2]


def test_tables_1_and_2_are_what_the_live_network_gives():
    steps = layers.layers(PUBLISHED)
    assert (steps.live == steps.printed).all() and len(steps) == 17
    arguments = {"widths": [4, 4], "units": 4}
    described = {
        "fbcrnn": {"kind": "FBCRNN", "joint": True} | arguments,
        "tag_cnn": {"kind": "TagConditionedCNN", "conditioned": True} | arguments,
    }
    counts = layers.parameters(PUBLISHED, described, 3, 8)
    assert counts["printed layers"].tolist() == [3484484, 1591258]
    assert (counts["live, paper's size"] == counts["printed layers"]).all()
    by_hand = layers.by_hand(bands=8, widths=[4, 4], units=4, classes=3)
    assert counts["live, this run"].tolist() == list(by_hand.values())


def test_courses_and_panels(rng):
    steps = {"step": [10, 20], "loss": [2.0, 1.0], "validation_score": [0.2, 0.5]}
    histories = [
        pd.DataFrame(steps | {"included": [0, 5], "best": [False, True]}).assign(system=s, seed=n)
        for s in (FBCRNN, CONDITIONED)
        for n in SEEDS
    ]
    figure = figures.courses(pd.concat(histories))
    assert [ax.get_visible() for ax in figure.axes] == [True] * 5 + [False]
    assert figure.axes[0].get_ylim() == (0, pytest.approx(2.1))
    panels = {str(i): torch.rand(30 + i, 8).numpy() for i in range(5)}
    figure = figures.spectrograms(panels, HOP_S)
    assert sum(ax.axison for ax in figure.axes) == 5
