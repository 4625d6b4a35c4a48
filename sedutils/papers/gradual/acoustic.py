"""The acoustic model of this run: its trainings, its controls, and how well it hears phones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sedutils.corpora import corpus, phones
from sedutils.features import mfcc, speech
from sedutils.features.frames import Frames
from sedutils.models.kaldi import tdnnf as kaldi_tdnnf
from sedutils.models.tdnnf import TDNNF, frame_accuracy, recordings_of
from sedutils.papers.gradual import acoustic_model
from sedutils.pipeline import closure, files
from sedutils.training import loop

SEED = 1
SPLITS = ("train", "validation", "test")
OF_NETWORK = ("dim", "bottleneck", "strides", "prefinal")
HEARS, FEATURES, UNTRAINED = "phones", "trained", "untrained"  # the folders of the three networks


def splits(features: Path) -> dict[str, Frames]:
    """The three splits of a folder that `sedutils.features.speech.extract` wrote."""
    return {name: Frames.read(features, name, speech.ARRAY) for name in SPLITS}


def trained(settings: dict, frames: dict[str, Frames], folder: Path, *, device: str) -> tuple:
    """Train the phone classifier and keep it, its untrained twin, and the network that ASR features come from.

    settings : section ``acoustic_model``. With ``kaldi`` set, the ASR features come from that file's
        network, and the twin has its shape; what is heard in words of phones is always the one trained here.

    Returns the trained network at full rate and its history.
    """
    torch.manual_seed(SEED)
    model = drawn(settings)
    learnt = {k: v for k, v in settings.items() if k != "kaldi"}
    train = frames["train"]
    checkpoint = loop.checkpoint_path(
        settings=learnt,
        code=closure.digest_of(TDNNF, acoustic_model.fit),
        data=[files.digest(array.filename) for array in (train.features, train.targets)],
    )
    pair = frames["train"], frames["validation"]
    how = {"seed": SEED, "device": device, "checkpoint": checkpoint}
    history = acoustic_model.fit(model, *pair, learnt, **how)
    acoustic_model.write(model, folder / HEARS)
    listener = kaldi_tdnnf.load(settings["kaldi"]) if settings["kaldi"] else model
    acoustic_model.write(listener, folder / FEATURES)
    twin = acoustic_model.untrained(
        listener.widths, frames["train"], seed=SEED, chunk_s=settings["chunk_s"]
    )
    acoustic_model.write(twin, folder / UNTRAINED)
    return acoustic_model.read(folder / HEARS), history


def drawn(settings: dict) -> TDNNF:
    """The phone classifier before it has learnt anything; ``settings``: section ``acoustic_model``."""
    widths = {name: settings[name] for name in OF_NETWORK}
    return TDNNF(mfcc=mfcc.COEFFICIENTS, phones=len(phones.LABELS), subsampling=3, **widths)


def beginning(settings: dict, train: Frames) -> tuple[TDNNF, tuple[tuple, tuple]]:
    """The network that `trained` begins with, and the first batch it learns from; draws nothing from torch's
    generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        model = drawn(settings)
    model.begin(train, SEED)
    length = round(settings["chunk_s"] / mfcc.HOP_S)
    chunks = acoustic_model.Chunks(train, length, settings["batch_chunks"], SEED, model.subsampling)
    return model, next(iter(chunks(0)))


def whole(folder: Path, *, backend: str, workers: int) -> tuple[corpus.Corpus, Frames]:
    """A corpus in ``folder/corpus`` with features in ``folder``, all of its recordings in one split."""
    made = corpus.read(folder / "corpus")
    speech.extract(made, folder, backend=backend, workers=workers)
    parts = splits(folder)
    rows = pd.concat([part.recordings for part in parts.values()], ignore_index=True)
    return made, replace(parts["test"], recordings=rows)


def score_table(network: TDNNF, tried: dict[str, tuple[corpus.Corpus, Frames]]) -> pd.DataFrame:
    """What a network at full rate hears, a row a name of ``tried``: frame accuracy, majority, phone_error_rate.

    majority : the accuracy of who always says the phone most frequent there
    """
    rows = []
    for name, (made, frames) in tried.items():
        said = {k: list(made.events_of(k).label) for k in frames.recordings.recording}
        codes = np.concatenate([y for _, y in recordings_of(frames)])
        rows.append(
            {
                "speech": name,
                "recordings": len(said),
                "minutes": round(len(codes) * mfcc.HOP_S / 60, 1),
                "frame_accuracy": frame_accuracy(network, frames),
                "majority": np.bincount(codes).max() / len(codes),
                "phone_error_rate": acoustic_model.phone_error_rate(network, frames, said),
            }
        )
    return pd.DataFrame(rows)
