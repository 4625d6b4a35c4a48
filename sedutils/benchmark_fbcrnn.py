"""The FBCRNN window by window: how fast `sedutils.models.ebbers2020` is beside it, and the reference of its
tests. Only the networks' own modules are shared."""

import torch

from sedutils import params
from sedutils.models.ebbers2020 import FBCRNN


def windows(frames: int, context: int):
    """The window n-C..n+C around each frame, as a slice cut at the clip's ends."""
    return [slice(max(0, n - context), min(frames, n + context + 1)) for n in range(frames)]


@torch.no_grad()
def detect(model, x, contexts, lengths=None):
    """As `FBCRNN.detect`: the CNN once a clip, then each window of its output by itself."""
    lengths = [x.shape[1]] * len(x) if lengths is None else lengths.tolist()
    found = torch.zeros(len(contexts), *x.shape[:2], model.forward_rnn.output.out_features)
    for b, length in enumerate(lengths):
        h = model.cnn(x[b : b + 1, :length])
        for c, context in enumerate(contexts):
            for n, window in enumerate(windows(length, context)):
                part = h[:, window]
                ahead, back = (
                    model.forward_rnn(part)[0, -1],
                    model.backward_rnn(part.flip(1))[0, -1],
                )
                found[c, b, n] = (ahead.sigmoid() + back.sigmoid()) / 2
    return found


@torch.no_grad()
def detect_from_input(model, x, contexts, lengths=None):
    """As `FBCRNN.detect_from_input`: each window of the input is a clip by itself."""
    lengths = [x.shape[1]] * len(x) if lengths is None else lengths.tolist()
    found = torch.zeros(len(contexts), *x.shape[:2], model.forward_rnn.output.out_features)
    for b, length in enumerate(lengths):
        for c, context in enumerate(contexts):
            for n, window in enumerate(windows(length, context)):
                found[c, b, n] = model.tags(model(x[b : b + 1, window]))[0]
    return found


def windows_per_second(size: str, in_turn):
    """Detection and training step of a batch of clips, beside this file's loops; one thread.

    in_turn : `sedutils.benchmark.in_turn`
    """
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
    (ours,) = in_turn(lambda: model.detect(x, contexts), rounds=3)
    (slow,) = in_turn(lambda: detect(model, x[:1], contexts), rounds=1)
    count = len(contexts) * frames
    yield "FBCRNN windows of three contexts, one thread", clips * count / ours, "windows/s"
    yield "FBCRNN windows, one thread, one by one / ours", slow * clips / ours, "times faster"
    (ours,) = in_turn(lambda: model.detect_from_input(x[:1], contexts), rounds=1)
    yield "FBCRNN windows cut from the input, one thread", count / ours, "windows/s"
