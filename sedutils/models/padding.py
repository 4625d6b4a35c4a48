"""Batches of clips of several lengths ``(batch, frames, ...)``, padded to one: which frames are a clip's own.

``lengths`` (batch,) in frames; None where all clips fill the batch.
"""

import torch


def ends(ahead, back, lengths):
    """The last output of each direction, ``(batch, classes)``: of the last valid frame, and of the first."""
    if lengths is None:
        return ahead[:, -1], back[:, 0]
    clip = torch.arange(len(ahead), device=ahead.device)
    return ahead[clip, lengths.to(ahead.device) - 1], back[:, 0]


def turned(x, lengths):
    """``(batch, frames, n)`` with each clip's frames in reverse; what is behind its end stays."""
    if lengths is None:
        return x.flip(1)
    frame = torch.arange(x.shape[1], device=x.device)
    last = lengths.to(x.device)[:, None] - 1
    source = torch.where(frame <= last, last - frame, frame)
    return x.gather(1, source.unsqueeze(2).expand_as(x))


def mask(lengths, frames: int):
    """1 in the frames of each clip, 0 behind its end: float ``(batch, frames, 1)``."""
    frame = torch.arange(frames, device=lengths.device)
    return (frame < lengths[:, None]).float().unsqueeze(2)


def valid_rows(lengths, frames: int):
    """Places of the valid frames among those of all clips below each other; None where all are valid.

    ValueError for a length that no clip of so many frames has.
    """
    if lengths is None:
        return None
    shortest, longest = lengths.min().item(), lengths.max().item()
    if shortest < 1 or longest > frames:
        raise ValueError(f"lengths {shortest} to {longest}: clips have 1 to {frames} frames")
    return None if shortest == frames else mask(lengths, frames).flatten().nonzero()[:, 0]


def packed(x, rows):
    """The valid frames of clips ``(batch, frames, …)`` below each other, ``(rows, …)``."""
    return x.flatten(0, 1).index_select(0, rows)


def unpacked(x, rows, batch: int, frames: int):
    """What `packed` took, in its place again, zeros elsewhere: ``(batch, frames, …)``."""
    filled = x.new_zeros(batch * frames, *x.shape[1:]).index_copy(0, rows, x)
    return filled.unflatten(0, (batch, frames))


def as_maps(tags, frames: int, bands: int, lengths):
    """Tags ``(batch, classes)`` as constant maps ``(batch, classes, frames, bands)``, 0 behind a clip's end."""
    maps = tags[:, :, None, None].expand(-1, -1, frames, bands)
    return maps if lengths is None else maps * mask(lengths, frames)[:, None]


def windows(batch: int, frames: int, contexts, lengths, device):
    """Clip, first and last frame of the window around each valid frame, all ``(contexts, windows)``, and the
    places of these frames among those of all clips."""
    if lengths is None:
        lengths = torch.full((batch,), frames)
    lengths = lengths.to(device)
    rows = mask(lengths, frames).flatten().nonzero()[:, 0]
    clip, centre = rows // frames, rows % frames
    reach = torch.tensor(contexts, device=device)[:, None]
    first = (centre - reach).clamp(min=0)
    last = torch.minimum(centre + reach, lengths[clip] - 1)
    return clip.expand_as(first), first, last, rows
