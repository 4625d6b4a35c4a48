"""The acoustic model as a phone classifier: training, scores, and what it says about any sound.

A `sedutils.models.tdnnf.TDNNF` learns the phone of each frame by cross-entropy, where Kaldi's chain recipe
learns whole sequences. It trains at one output in 30 ms; the same weights then run at 10 ms
(`read`). Input is standardised by the network's fixed transform, so that weights need no
statistics beside them. Imports neither librosa nor DVC.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch.nn import functional as F

from sedutils import files, jobs
from sedutils.frames import Frames
from sedutils.models.tdnnf import SPLICE, TDNNF
from sedutils.speech import mfcc, phones
from sedutils.training import Run, half_precision, pick

CONSTRAIN_STEPS = 4  # Povey et al. 2018, Sec. 2
DECISION_FRAMES = 10  # of 10 ms, in a decision of 100 ms
SHORTEST_FRAMES = 3  # of a decoded phone
PRIOR_FRAMES = 300  # of 10 ms


def fit(
    model: TDNNF,
    train: Frames,
    validation: Frames,
    *,
    seed: int,
    chunk_s: float,
    batch_chunks: int,
    learning_rate: float,
    patience: int,
    max_epochs: int,
    device: str = "auto",
    checkpoint: Path | None = None,
    label: str = "acoustic model",
) -> list[dict]:
    """Train until the validation frame accuracy has not risen for ``patience`` epochs; the best weights come back.

    Chunks of ``chunk_s`` begin elsewhere in every epoch. Same device and seed, same numbers, even when killed
    and resumed from ``checkpoint``. Returns one dict an epoch: epoch, loss, validation_score, best.
    """
    device = pick(device)
    standardise(model, train)
    model.to(device)
    train, validation = train.to(device), validation.to(device)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=learning_rate, fused=True)
    run = Run(model, optimiser, seed, checkpoint, first=1)
    run.resume()
    length = round(chunk_s / mfcc.HOP_S)
    shifts = shifts_of(train)
    progress = jobs.Progress(label, total=max_epochs, done=len(run.history))
    while not run.finished:
        rng = np.random.default_rng((seed, len(run.history)))
        starts = rng.permutation(train.starts(length, offset=int(rng.integers(length))))
        model.train()
        losses = []
        for step, batch in enumerate(
            np.split(starts, range(batch_chunks, len(starts), batch_chunks))
        ):
            rows = batch[:, None] + np.arange(length)
            x = taken(train.features, rows) + of_starts(shifts, train, batch)
            y = taken(train.targets, rows[:, :: model.subsampling])
            with half_precision(device):
                logits = model(x).float()
            loss = F.cross_entropy(logits.flatten(0, 1), y.long().flatten())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if step % CONSTRAIN_STEPS == 0:
                model.constrain()
            losses.append(loss.detach())
        score = frame_accuracy(model, validation)
        run.note(torch.stack(losses).mean().item(), score)
        late = len(run.history) - run.best_epoch >= patience
        run.finished = late or len(run.history) >= max_epochs
        run.save()
        progress.update(len(run.history), f"accuracy {score:.3f}, best {run.best_score:.3f}")
    model.load_state_dict(run.best)
    return [epoch | {"best": epoch["epoch"] == run.best_epoch} for epoch in run.history]


def standardise(model: TDNNF, frames: Frames) -> None:
    """Make the fixed transform of a new network one that brings each MFCC to mean 0 and deviation 1.

    And the mean of the training frames its channel, which `shift` brings every recording to. A speaker
    vector stays as it is.
    """
    model.channel = frames.mean
    ivector = model.widths["ivector"]
    mean = F.pad(frames.mean.repeat(SPLICE), (0, ivector))
    std = F.pad(frames.std.repeat(SPLICE), (0, ivector), value=1.0)
    model.lda.weight.data = torch.diag(1 / std)
    model.lda.bias.data = -mean / std


def shift(x: torch.Tensor, channel: torch.Tensor) -> torch.Tensor:
    """What brings a recording's MFCCs ``(frames, 40)`` to a channel's mean, ``(40,)``: microphone and room go.

    The recording's mean is estimated with the channel's as `PRIOR_FRAMES` more frames, so that a short
    sound keeps its colour. Without it a model of made speech is lost on real speech.
    """
    mean = (x.sum(0) + PRIOR_FRAMES * channel) / (len(x) + PRIOR_FRAMES)
    return channel - mean


def shifts_of(frames: Frames) -> torch.Tensor:
    """`shift` of every recording, ``(recordings, 40)``, towards the mean of the training frames."""
    parts = [torch.as_tensor(np.array(x)) for x, _ in recordings_of(frames)]
    return torch.stack([shift(x, frames.mean.cpu()) for x in parts]).to(frames.mean.device)


def of_starts(shifts: torch.Tensor, frames: Frames, starts: np.ndarray) -> torch.Tensor:
    """The shifts of the recordings that some frames lie in, ``(starts, 1, 40)``."""
    place = np.searchsorted(frames.recordings.first_frame.to_numpy(), starts, side="right") - 1
    return shifts[torch.from_numpy(place).to(shifts.device)][:, None]


def taken(array: np.ndarray | torch.Tensor, rows: np.ndarray) -> torch.Tensor:
    """Rows of an array as a tensor on the array's device."""
    if isinstance(array, torch.Tensor):
        return array[torch.from_numpy(np.ascontiguousarray(rows)).to(array.device)]
    return torch.from_numpy(array[rows])


def untrained(widths: dict, frames: Frames, *, seed: int, chunk_s: float) -> TDNNF:
    """A network that learns nothing: drawn weights, and batch norms that know speech, as those of a trained one.

    The control that the paper lacks: whatever it adds to a detector is no knowledge of phones.
    """
    torch.manual_seed(seed)
    model = TDNNF(**widths)
    standardise(model, frames)
    norms = [part for part in model.modules() if isinstance(part, torch.nn.BatchNorm1d)]
    for norm in norms:
        norm.momentum = None  # the plain mean over the batches seen
    length = round(chunk_s / mfcc.HOP_S)
    starts = np.random.default_rng(seed).permutation(frames.starts(length, offset=0))
    shifts = shifts_of(frames)
    model.train()
    with torch.no_grad():
        for batch in np.array_split(starts, max(1, len(starts) // 64)):
            x = taken(frames.features, batch[:, None] + np.arange(length))
            model(x + of_starts(shifts, frames, batch))
    return model.eval()


def write(model: TDNNF, folder: Path) -> None:
    """Keep a network, the widths it was made of and its channel; no pickle."""
    weights = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    files.write_bytes(folder / "model.safetensors", safetensors.torch.save(weights))
    channel = None if model.channel is None else model.channel.tolist()
    described = {"widths": model.widths, "channel": channel}
    files.write_text(folder / "description.json", json.dumps(described, indent=1) + "\n")


def read(folder: Path, *, subsampling: int = 1) -> TDNNF:
    """A network that `write` kept, by default with one output a frame of 10 ms."""
    described = json.loads((Path(folder) / "description.json").read_text())
    model = TDNNF(**(described["widths"] | {"subsampling": subsampling}))
    model.channel = described["channel"] and torch.tensor(described["channel"])
    model.load_state_dict(safetensors.torch.load_file(Path(folder) / "model.safetensors"))
    return model.eval()


def logits_of(
    model: TDNNF, x: np.ndarray | torch.Tensor, *, features: bool = False
) -> torch.Tensor:
    """Logits (or ASR features) of one recording: MFCCs ``(frames, 40)`` to ``(frames out, units)`` on the CPU."""
    device = next(model.parameters()).device
    x = torch.as_tensor(np.array(x) if isinstance(x, np.ndarray) else x).to(device)
    if model.channel is not None:
        x = x + shift(x, model.channel.to(device))
    x = x[None]
    model.eval()
    with torch.no_grad(), half_precision(device):
        return (model.features(x) if features else model(x))[0].float().cpu()


def recordings_of(frames: Frames) -> Iterable[tuple]:
    """MFCCs and phone codes of each recording."""
    for row in frames.recordings.itertuples():
        part = slice(row.first_frame, row.first_frame + row.frames)
        x, y = frames.features[part], frames.targets[part]
        yield x, y.cpu().numpy() if isinstance(y, torch.Tensor) else np.array(y)


def frame_accuracy(model: TDNNF, frames: Frames) -> float:
    """Share of the frames (at the rate of the network) that get their own phone, SIL and SPN among them."""
    hits, total = 0, 0
    for x, y in recordings_of(frames):
        found, y = logits_of(model, x).argmax(-1).numpy(), y[:: model.subsampling]
        hits, total = hits + int((found == y).sum()), total + len(y)
    return hits / total


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
