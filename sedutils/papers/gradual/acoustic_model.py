"""The acoustic model as a phone classifier: training, scores, and what it says about any sound.

A `sedutils.models.tdnnf.TDNNF` learns the phone of each frame by cross-entropy, where Kaldi's chain recipe
learns whole sequences. It trains at one output in 30 ms; the same weights then run at 10 ms
(`read`). Input is standardised by the network's fixed transform, so that weights need no
statistics beside them. Imports neither librosa nor DVC.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path

import numpy as np
import torch

from sedutils.corpora import phones
from sedutils.features import mfcc
from sedutils.features.frames import Frames
from sedutils.models.network import pick
from sedutils.models.tdnnf import TDNNF, as_tensor, logits_of, recordings_of, shift
from sedutils.pipeline import files
from sedutils.training import loop
from sedutils.training.loop import Batches, Schedule

DECISION_FRAMES = 10  # of 10 ms, in a decision of 100 ms
SHORTEST_FRAMES = 3  # of a decoded phone


@dataclass
class Chunks(Batches):
    """Chunks of ``length`` frames of recordings that `shift` has brought to one channel; they begin elsewhere in
    every epoch.

    size : chunks of a batch; subsampling : frames from one target to the next
    """

    frames: Frames
    length: int
    size: int
    seed: int
    subsampling: int = 1

    @cached_property
    def shifts(self) -> torch.Tensor:
        """`shift` of every recording, ``(recordings, 40)``, towards the mean of the training frames."""
        parts = [as_tensor(x) for x, _ in recordings_of(self.frames)]
        return torch.stack([shift(x, self.frames.mean) for x in parts])

    def __call__(self, epoch):
        rng = np.random.default_rng((self.seed, epoch))
        starts = self.frames.starts(self.length, offset=int(rng.integers(self.length)))
        starts = rng.permutation(starts)
        for batch in np.split(starts, range(self.size, len(starts), self.size)):
            rows = batch[:, None] + np.arange(self.length)
            codes = taken(self.frames.targets, rows[:, :: self.subsampling])
            yield (self.shifted(batch),), (codes,)

    def shifted(self, starts: np.ndarray) -> torch.Tensor:
        """The chunks that begin at some frames, ``(starts, length, 40)``."""
        first = self.frames.recordings.first_frame.to_numpy()
        place = torch.from_numpy(np.searchsorted(first, starts, side="right") - 1)
        x = taken(self.frames.features, starts[:, None] + np.arange(self.length))
        return x + self.shifts[place.to(self.shifts.device)][:, None]


def taken(array: np.ndarray | torch.Tensor, rows: np.ndarray) -> torch.Tensor:
    """Rows of an array as a tensor on the array's device."""
    if isinstance(array, torch.Tensor):
        return array[torch.from_numpy(np.ascontiguousarray(rows)).to(array.device)]
    return torch.from_numpy(array[rows])


def fit(
    model: TDNNF, train: Frames, validation: Frames, settings: dict, *, seed: int, device="auto",
    checkpoint: Path | None = None,
) -> list[dict]:  # fmt: skip
    """`sedutils.training.loop.fit` on chunks; ``settings``: section ``acoustic_model``."""
    model.begin(train, seed)
    device, length = pick(device), round(settings["chunk_s"] / mfcc.HOP_S)
    train, validation = train.to(device), validation.to(device)
    chunks = Chunks(train, length, settings["batch_chunks"], seed, model.subsampling)
    validate = partial(model.validation_score, validation, length=length)
    return loop.fit(
        model, chunks, validate, Schedule.of(settings), seed=seed, device=device,
        checkpoint=checkpoint, label="acoustic model",
    )  # fmt: skip


def untrained(widths: dict, frames: Frames, *, seed: int, chunk_s: float) -> TDNNF:
    """A network that learns nothing: drawn weights, and batch norms that know speech, as those of a trained one.

    The control that the paper lacks: whatever it adds to a detector is no knowledge of phones.
    """
    torch.manual_seed(seed)
    model = TDNNF(**widths)
    model.begin(frames, seed)
    norms = [part for part in model.modules() if isinstance(part, torch.nn.BatchNorm1d)]
    for norm in norms:
        norm.momentum = None  # the plain mean over the batches seen
    chunks = Chunks(frames, round(chunk_s / mfcc.HOP_S), 64, seed)
    starts = frames.starts(chunks.length, offset=0)
    starts = np.random.default_rng(seed).permutation(starts)
    model.train()
    with torch.no_grad():
        for batch in np.array_split(starts, max(1, len(starts) // chunks.size)):
            model(chunks.shifted(batch))
    return model.eval()


def write(model: TDNNF, folder: Path) -> None:
    """Keep a network, the widths it was made of and its channel; no pickle."""
    model.write(folder)
    channel = None if model.channel is None else model.channel.tolist()
    described = {"widths": model.widths, "channel": channel}
    files.write_text(folder / "description.json", json.dumps(described, indent=1) + "\n")


def read(folder: Path, *, subsampling: int = 1) -> TDNNF:
    """A network that `write` kept, by default with one output a frame of 10 ms."""
    described = json.loads((Path(folder) / "description.json").read_text())
    model = TDNNF(**(described["widths"] | {"subsampling": subsampling}))
    model.channel = described["channel"] and torch.tensor(described["channel"])
    model.read(folder)
    return model.eval()


def confusions(model: TDNNF, frames: Frames) -> np.ndarray:
    """Frames of each phone (row) that were found to be each phone (column), ``(41, 41)`` int."""
    table = np.zeros((len(phones.LABELS),) * 2, int)
    for x, y in recordings_of(frames):
        np.add.at(table, (y[:: model.subsampling], logits_of(model, x).argmax(-1).numpy()), 1)
    return table


def decoded(codes: np.ndarray, shortest: int = SHORTEST_FRAMES) -> list[str]:
    """Phones of best codes a frame of 10 ms: runs of at least ``shortest`` frames, repeats merged, SIL among them."""
    runs = [(code, sum(1 for _ in run)) for code, run in groupby(codes.tolist())]
    kept = [code for code, length in runs if length >= shortest]
    return [phones.LABELS[code] for code, _ in groupby(kept)]


def spoken(labels: Sequence[str]) -> list[str]:
    """Phones without SIL; two of a kind that only SIL parted stay two."""
    return [label for label in labels if label != phones.SIL]


def phone_error_rate(model: TDNNF, frames: Frames, references: dict[str, list[str]]) -> float:
    """Edit distance of decoded phones to those of the corpus over the number of the latter, SIL left out.

    model : at full rate
    references : phones of each recording in order, as its events have them
    """
    errors, total = 0, 0
    for name, (x, _) in zip(frames.recordings.recording, recordings_of(frames), strict=True):
        reference = spoken(references[name])
        found = spoken(decoded(logits_of(model, x).argmax(-1).numpy()))
        errors, total = errors + phones.edit_distance(found, reference), total + len(reference)
    return errors / total


def asr_features(model: TDNNF, audio: np.ndarray) -> np.ndarray:
    """The prefinal outputs averaged over each 100 ms, ``(decisions, prefinal)`` float32: 300 of 30 s (G-A07).

    model : at full rate. audio : at 16 kHz; frames past the last whole decision are left out.
    """
    features = logits_of(model, mfcc.mfcc(audio), features=True)
    whole = len(features) // DECISION_FRAMES * DECISION_FRAMES
    return features[:whole].unflatten(0, (-1, DECISION_FRAMES)).mean(1).numpy()


def phone_counts(model: TDNNF, segments: Iterable[np.ndarray]) -> dict[str, int]:
    """How often each of the 41 phones is decoded in pieces of audio at 16 kHz (Table 2, Fig. 2).

    model : at full rate
    """
    counts = Counter()
    for audio in segments:
        counts.update(decoded(logits_of(model, mfcc.mfcc(audio)).argmax(-1).numpy()))
    return {label: counts[label] for label in phones.LABELS}
