"""The FBCRNN window by window: what `sedutils.models.ebbers2020` must agree with.

Only the networks' own modules are shared. Batches of laptop size took 27 times as long this way.
"""

import torch


def windows(frames: int, context: int):
    """The window n-C..n+C around each frame, as a slice cut at the clip's ends."""
    return [slice(max(0, n - context), min(frames, n + context + 1)) for n in range(frames)]


@torch.no_grad()
def detect(model, x, contexts, lengths=None):
    """As `FBCRNN.detect`: the CNN once a clip, then each window of its output by itself."""
    lengths = [x.shape[1]] * len(x) if lengths is None else lengths.tolist()
    found = torch.zeros(len(contexts), *x.shape[:2], model.classes)
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
    found = torch.zeros(len(contexts), *x.shape[:2], model.classes)
    for b, length in enumerate(lengths):
        for c, context in enumerate(contexts):
            for n, window in enumerate(windows(length, context)):
                found[c, b, n] = model.tags(model(x[b : b + 1, window]))[0]
    return found
