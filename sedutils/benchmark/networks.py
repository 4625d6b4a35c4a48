"""How fast the R-CRNN and the FBCRNN train and detect, in batches of one size on one thread.

``in_turn`` is `sedutils.benchmark.run.in_turn`.
"""

import torch

from sedutils.models.ebbers2020 import FBCRNN
from sedutils.models.kao2018 import RCRNN
from sedutils.pipeline import params


def clips_per_second(size: str, in_turn):
    """Detection and training step of an R-CRNN on a batch of clips."""
    design, front_end = params.load("systems.rcrnn", "features.kao2018", size=size)
    names = ("widths", "recurrent", "units", "nodes")
    torch.manual_seed(0)
    model = RCRNN(bands=front_end["mel_bands"], classes=1, **{n: design[n] for n in names})
    count, frames = 8, design["sequence_frames"]
    x, roll = torch.randn(count, frames, front_end["mel_bands"]), torch.zeros(count, frames, 1)
    for clip in range(count):
        start = (clip + 1) * frames // (count + 2)
        roll[clip, start : start + frames // 15] = 1

    def step():
        model.zero_grad()
        model.loss(model(x), roll).backward()

    model.eval()
    (seconds,) = in_turn(lambda: model.detect(x), rounds=3)
    yield "R-CRNN detection, one thread", count / seconds, "clips/s"
    model.train()
    (seconds,) = in_turn(step, rounds=3)
    yield "R-CRNN training step, one thread", count / seconds, "clips/s"


def windows_per_second(size: str, in_turn):
    """Detection and training step of an FBCRNN on a batch of clips."""
    design, front_end, training, decoding, corpus = params.load(
        *("systems.fbcrnn", "features.ebbers2020", "weak_training", "weak_labels"),
        "corpora.desed_2020",
        size=size,
    )
    contexts = [*decoding["contexts"], decoding["pseudo_context"]]
    clips, bands = training["batch_clips"], front_end["mel_bands"]
    frames = round(corpus["clip_s"] / front_end["hop_s"])
    torch.manual_seed(0)
    model = FBCRNN(bands=bands, classes=10, widths=design["widths"], units=design["units"])
    model.to(memory_format=torch.channels_last)
    x, tags = torch.randn(clips, frames, bands), (torch.rand(clips, 10) < 0.2).float()
    lengths = torch.linspace((1 - training["padding"]) * frames, frames, clips).long()

    def step(lengths=None):
        model.zero_grad()
        model.loss(model(x, lengths), tags, lengths).backward()

    equal, ragged = in_turn(step, lambda: step(lengths), rounds=10)
    yield "FBCRNN training step, one thread, clips of one length", clips / equal, "clips/s"
    yield "FBCRNN training step, one thread, as much padding as allowed", clips / ragged, "clips/s"
    model.eval()
    count = len(contexts) * frames
    (seconds,) = in_turn(lambda: model.detect(x, contexts), rounds=3)
    yield "FBCRNN windows of three contexts, one thread", clips * count / seconds, "windows/s"
    (seconds,) = in_turn(lambda: model.detect_from_input(x[:1], contexts), rounds=1)
    yield "FBCRNN windows cut from the input, one thread", count / seconds, "windows/s"
