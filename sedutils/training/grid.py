"""The hyper-parameter search of Cakir et al. 2017: which networks are tried, and how each one did.

The first search varies widths, layers and pooling (Sec. III-D, Figure 4, readings A04 and A19); the
second, for the recorded scenes, dropout and sequence length from the best layouts of the first.
"""

import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sedutils.features.frames import Frames
from sedutils.metrics import segments, tags
from sedutils.pipeline.params import combinations
from sedutils.training import systems

KINDS = ("cnn", "rnn", "crnn")
THRESHOLD = 0.5  # Eq. 4, as early stopping has it
# The settings that a table of points shows, and its columns behind them
SETTINGS = ("maps", "units", "pool", "rnn_layers", "fnn_layers", "dropout", "sequence_frames")
LIKE = 0.1  # networks are of one size within 10 percent of each other (claim C13)
OUTCOMES = ("parameters", "validation_score", "test_score", "best_epoch", "epochs", "ran_out")


@dataclass(frozen=True)
class Point:
    """One network of a search: its kind, what the search sets, and the whole system."""

    kind: str
    chosen: dict
    arguments: dict

    @property
    def name(self) -> str:
        """Its folder, such as ``crnn-maps_16-pool_5x4x2-rnn_layers_1``."""
        return "-".join([self.kind, *(f"{key}_{as_text(v)}" for key, v in self.chosen.items())])


def as_text(value) -> str:
    """A setting in names and tables: lists as ``5x4x2``."""
    return "x".join(map(str, value)) if isinstance(value, list) else str(value)


def points(section: dict, corpus: str, designs: dict, first: Path | None = None) -> list[Point]:
    """The points of a corpus's search, kind by kind; equal arguments give equal points.

    Parameters
    ----------
    section : section ``grid`` of params.yaml
    designs : section ``systems``
    first : folder of the first search, where this is the second one
    """
    search = section["corpora"][corpus]
    found = []
    for kind, base in search["bases"].items():
        lists, arguments = section["first"][kind], designs[base]
        if first is not None:
            arguments = arguments | best_layout(first, kind, lists)
            lists = section["second"]
        candidates = [Point(kind, values, arguments | values) for values in combinations(lists)]
        found += drawn(candidates, search["points"], section["seed"], kind)
    return found


def drawn(candidates: list, count: int, seed: int, kind: str) -> list:
    """``count`` of the candidates in their order, 0 for all; a larger sample holds the smaller one."""
    order = np.random.default_rng([seed, *kind.encode()]).permutation(len(candidates))
    return [candidates[i] for i in sorted(order[: count or None])]


def best_layout(first: Path, kind: str, lists: dict) -> dict:
    """The values of a kind's lists in the point with the best validation score of the first search."""
    table = pd.read_csv(first / "points.csv")
    name = table.loc[table[table.kind == kind].validation_score.idxmax(), "name"]
    description = next((first / name).glob("**/description.json"))
    return {key: json.loads(description.read_text())["arguments"][key] for key in lists}


def test_score(scores: np.ndarray, frames: Frames) -> float:
    """Frame F1 over all test recordings; of chunk tags one minus the mean equal error rate.

    scores : (frames, classes) of all recordings below each other, or (recordings, classes) of tags
    """
    truth = [np.asarray(frames.recording(r, r.frames)[1]) for r in frames.recordings.itertuples()]
    if len(scores) == len(truth):
        rates = tags.equal_error_rates(np.stack([roll[0] for roll in truth]), scores)
        return 1 - float(np.nanmean(rates))
    roll = np.concatenate(truth).astype(bool)
    return float(segments.f1_score(segments.segment_counts(roll, scores >= THRESHOLD)))


def table(
    found: list[Point],
    results: list[dict],
    trials: list[systems.Trial],
    features: Path,
    folder: Path,
) -> pd.DataFrame:
    """One row a point: kind, name, what was set, parameters, scores, epochs; ``selected`` marks the best
    validation score of each kind (Figure 4 shows test scores; reading A31: both are kept)."""
    frames = Frames.read(features, "test", fold=trials[0].fold)
    rows = []
    for point, result, trial in zip(found, results, trials, strict=True):
        scores = np.load(folder / trial.path / "scores_test.npy")
        row = {"kind": point.kind, "name": point.name, "seed": trial.seed}
        row |= {k: as_text(point.arguments[k]) for k in SETTINGS if k in point.arguments}
        rows.append(row | result | {"test_score": test_score(scores, frames)})
    made = pd.DataFrame(rows).reindex(columns=["kind", "name", "seed", *SETTINGS, *OUTCOMES])
    best = made.groupby("kind").validation_score.transform("max")
    return made.assign(selected=made.validation_score == best)


def furthest_apart(table: pd.DataFrame) -> list[str]:
    """Names of the two networks of one kind and one size whose validation scores differ most, the better one first.

    Claim C13 is about them; chosen on validation, they are no pick of what test clips say. [] where no two are alike.
    """
    pairs = [
        pair.sort_values("validation_score", ascending=False)
        for _, group in table.groupby("kind", sort=False)
        for two in itertools.combinations(group.index, 2)
        if np.ptp((pair := group.loc[list(two)]).parameters) <= LIKE * pair.parameters.min()
    ]
    if not pairs:
        return []
    return max(pairs, key=lambda pair: np.ptp(pair.validation_score)).name.tolist()
