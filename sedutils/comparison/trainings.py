"""What is trained on cuts: R-CRNN, CRNN+TA and the CBRNN with all classes, the FBCRNN from the tags of cuts.

What is kept of each, for the comparison: weights and description (`sedutils.systems.System.write`),
``history.csv``, of the R-CRNN ``pretraining.csv`` too, and ``scores_{validation,test}.npy``, ``(cuts, frames of
the grid, classes)``.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sedutils import files, models, systems, training, weak_training
from sedutils.comparison import cuts
from sedutils.decoding import tag_thresholds
from sedutils.frames import Frames, read_statistics
from sedutils.models.blocks import trainable_parameters
from sedutils.models.gradual import PER_DECISION
from sedutils.models.kao2018 import RCRNN, Detections

ANSWERED = ("validation", "test")
CUTS_AT_ONCE = 8  # of those that are only listened to


def hop_of(front_end: dict) -> float:
    """Seconds from a row of a front end's features to the next; of the gradual network's a decision."""
    if "mean_frames" in front_end:
        return round(front_end["hop_s"] * front_end["mean_frames"] * PER_DECISION, 9)
    return front_end["hop_s"]


def train(
    *, name: str, seed: int, arguments: dict, features: Path, folder: Path, seconds: float,
    settings: dict, pretraining: dict, weak: dict, facts: dict,
) -> dict:  # fmt: skip
    """Train one system with one seed on the cuts of the training mixtures; its answers on the others.

    Parameters
    ----------
    arguments : the system's section of params.yaml; sequences become cuts
    features : folder of the system's front end
    folder : gets what is kept
    seconds : length of a cut
    settings : section ``training``, for all but the FBCRNN
    pretraining : section ``rcrnn.pretraining``, of the R-CRNN's extractor
    weak : section ``weak_training`` and ``context``, frames to either side of a window of the FBCRNN
    facts : size, corpus, source, settings of the front end; kept in the description

    Returns
    -------
    system, seed, parameters, epochs, best_epoch, validation_score
    """
    hop_s = hop_of(facts["features"])
    tables = {split: cut(features, split, seconds, hop_s) for split in ("train", *ANSWERED)}
    own = of_cuts(arguments, int(tables["train"].frames.iloc[0]))
    labels = (features / "labels.txt").read_text().split("\n")[:-1]
    model = build(own, len(labels), facts["features"], seed)
    about = {"features": features, "tables": tables, "seconds": seconds, "hop_s": hop_s}
    about |= {"device": settings["device"], "label": f"{name} seed {seed}"}
    if own["kind"] == "FBCRNN":
        courses, scores = train_tagger(model, own, seed, weak, **about)
    else:
        about |= {"pretraining": pretraining, "front_end": facts["features"]}
        courses, scores = train_network(model, own, seed, settings, **about)
    who = {"system": name, "seed": seed, "parameters": trainable_parameters(model)}
    kept = {"statistics": read_statistics(features, "log_mel", None), "front_end": "log_mel"}
    kept |= facts | who | {"arguments": own, "seconds": seconds, "labels": labels}
    keep(systems.System(model, kept), courses, scores, folder)
    best = next(epoch for epoch in courses["history"] if epoch["best"])
    told = {"best_epoch": best["epoch"], "validation_score": best["validation_score"]}
    return who | {"epochs": len(courses["history"])} | told


def keep(system: systems.System, courses: dict, scores: dict, folder: Path) -> None:
    """Write what `train` found: the network, a table a course of training, an array a split."""
    for split, graded in scores.items():
        files.write_npy(folder / f"scores_{split}.npy", graded)
    system.write(folder)
    for course, epochs in courses.items():
        files.write_csv(folder / f"{course}.csv", pd.DataFrame(epochs))


def cut(features: Path, split: str, seconds: float, hop_s: float) -> pd.DataFrame:
    """The cuts of a split in a features folder."""
    recordings = pd.read_csv(features / "recordings.csv", keep_default_na=False)
    return cuts.table(recordings[recordings.split == split], seconds, hop_s)


def of_cuts(arguments: dict, frames: int) -> dict:
    """A system's section of params.yaml for cuts of so many frames. ValueError for one with ASR features."""
    arguments = dict(arguments)
    if "sequence_frames" in arguments:
        arguments["sequence_frames"] = frames
    if arguments["kind"] == "CBRNN":
        if arguments["asr"] != "none":
            raise ValueError(f"asr = {arguments['asr']!r}: the comparison has no ASR features")
        arguments |= {"asr": 0, "frames": frames}
    return arguments


def of_tagger(arguments: dict, pretraining: dict) -> dict:
    """What makes the tagger that an R-CRNN's extractor comes from, out of the R-CRNN's own section."""
    own = {k: v for k, v in arguments.items() if k != "nodes"}
    return own | pretraining | {"kind": "ClipTagger"}


def build(arguments: dict, classes: int, front_end: dict, seed: int) -> torch.nn.Module:
    """An untrained network."""
    torch.manual_seed(seed)
    if arguments["kind"] != "FBCRNN":
        return systems.make(arguments, classes, front_end)
    return models.build(bands=front_end["mel_bands"], classes=classes, **arguments)


def train_network(
    model, arguments: dict, seed: int, settings: dict, *, pretraining: dict, front_end: dict,
    features: Path, tables: dict, seconds: float, hop_s: float, device: str, label: str,
) -> tuple[dict[str, list[dict]], dict[str, np.ndarray]]:  # fmt: skip
    """Train on strong labels until the loss on validation cuts no longer falls; histories and scores."""
    frames = {
        split: replace(Frames.read(features, split), recordings=table)
        for split, table in tables.items()
    }

    def fit(network, own: dict, label: str, begins: str) -> list[dict]:
        network.settle_on(frames["train"])
        return systems.fit_network(
            network, frames["train"], frames["validation"], features, arguments=own, seed=seed,
            settings=settings | {"shift_frames": 0, "hop_frames": 0},  # a sequence is a cut
            label=label, facts={"seconds": seconds, "cuts": cuts_code(), "begins": begins},
        )  # fmt: skip

    begins, kept = "drawn", {}
    if isinstance(model, RCRNN):
        # as in its paper the extractor first learns what is in a cut (Kao et al. 2018, Sec. 3.2)
        own = of_tagger(arguments, pretraining)
        tagger = build(own, model.classifier.classes.out_features - 1, front_end, seed)
        kept["pretraining"] = fit(tagger, own, f"{label}, tagger", begins)
        model.begin_from(tagger, fixed=False)
        begins = f"tagger of {json.dumps(own, sort_keys=True)}"
    kept["history"] = fit(model, arguments, label, begins)
    scores = {split: scores_of(model, frames[split], seconds, hop_s, device) for split in ANSWERED}
    return kept, scores


def cuts_code() -> str:
    """Digest of the code that cuts: a part of what decides a training."""
    return files.digest(Path(cuts.__file__))


def train_tagger(
    model, arguments: dict, seed: int, settings: dict, *, features: Path, tables: dict,
    seconds: float, hop_s: float, device: str, label: str,
) -> tuple[dict[str, list[dict]], dict[str, np.ndarray]]:  # fmt: skip
    """Train an FBCRNN on what each cut holds, not when; its history, and scores from windows of the cuts."""
    settings = dict(settings)
    context = settings.pop("context")
    clips = {
        split: replace(weak_training.Clips.read(features, split), recordings=table)
        for split, table in tables.items()
    }
    checkpoint = training.checkpoint_path(
        training.CHECKPOINTS,
        arguments=arguments,
        weak_training=settings,
        seed=seed,
        seconds=seconds,
        code=[*weak_training.code_digests(type(model)), cuts_code()],
        data=[
            files.digest(features / name)
            for name in ("log_mel.npy", "targets.npy", "recordings.csv", "statistics.json")
        ],
    )
    history = weak_training.fit_tagger(
        model, clips["train"], clips["validation"], unlabelled=None, settings=settings, hop_s=hop_s,
        seed=seed, device=device, checkpoint=checkpoint, label=label,
    )  # fmt: skip
    tags = weak_training.tag_scores(model, clips["validation"], device)
    least, _ = tag_thresholds.best_f(tags, clips["validation"].tags > 0)
    scores = {}
    for split in ANSWERED:
        rows = masked_windows(model, clips[split], context, least, device)
        of_cuts = rows.reshape(len(tables[split]), -1, rows.shape[1])
        scores[split] = cuts.on_grid(of_cuts, tables[split], seconds, hop_s)
    return {"history": history}, scores


def masked_windows(model, clips, context: int, least: np.ndarray, device: str) -> np.ndarray:
    """Tags of the window around each frame, 0 where the whole clip's is below ``least`` (classes,): ``(frames,
    classes)``, frames of all clips below each other (Ebbers & Haeb-Umbach 2020, Sec. 1)."""
    rows = weak_training.window_scores(model, clips, [context], device)[0]
    there = weak_training.tag_scores(model, clips, device) >= least
    return rows * np.repeat(there, clips.frames, axis=0)


def scores_of(
    model, frames: Frames, seconds: float, hop_s: float, device: str = "cpu"
) -> np.ndarray:
    """Scores of cuts on the grid, float32 ``(cuts, frames of the grid, classes)``.

    frames : of a split, its recordings being the cuts
    """
    table = frames.recordings
    length = int(table.frames.iloc[0])
    if isinstance(model, RCRNN):
        return region_scores(model, frames, cuts.middles(table, seconds, hop_s), device)
    rows = training.predict(model, frames, length, device)
    return cuts.on_grid(rows.reshape(len(table), length, -1), table, seconds, hop_s)


@torch.no_grad()
def region_scores(model: RCRNN, frames: Frames, middles: np.ndarray, device: str) -> np.ndarray:
    """What an R-CRNN of many classes says of every frame of the grid; ``middles`` of `cuts.middles`."""
    device = training.pick(device)
    model.to(device).eval()
    table, parts = frames.recordings, []
    middles = np.minimum(
        middles, table.frames.iloc[0] - 0.5
    )  # the last frame speaks for what is behind it
    for start in range(0, len(table), CUTS_AT_ONCE):
        some = table.iloc[start : start + CUTS_AT_ONCE]
        x, _ = frames.batch(some.first_frame.to_numpy(), int(some.frames.iloc[0]))
        found = model.detect(x.to(device))
        at = torch.tensor(middles[start : start + CUTS_AT_ONCE], dtype=torch.float32, device=device)
        classes = model.classifier.classes.out_features - 1
        parts.append(most_probable(found, at, classes).cpu())
    return torch.cat(parts).numpy()


def most_probable(found: Detections, middles: torch.Tensor, classes: int) -> torch.Tensor:
    """The probability of the surest event of each class that covers each point, 0 where there is none.

    All events that survive suppression count (not the surest of a clip alone, as in the paper, whose clips
    hold one): at a threshold the frames that are left are those of all events at least as probable.

    found : candidates of a batch, of each class as many
    middles : ``(batch, points)`` in input frames
    Output: ``(batch, points, classes)``
    """
    onset, offset, score = (
        v.unflatten(1, (classes, -1)) for v in (found.onset, found.offset, found.score)
    )
    score = score * found.present.view_as(score)
    at = middles[:, None, None]
    covered = (onset[..., None] <= at) & (at < offset[..., None])
    return (score[..., None] * covered).amax(dim=2).transpose(1, 2)
