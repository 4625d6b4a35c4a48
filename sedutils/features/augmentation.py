"""Augmentation of log mel energies (Ebbers & Haeb-Umbach 2020, Sec. 3): small functions on a whole batch.

Clips are ``(batch, frames, bands)``, of ``lengths`` (batch,) frames where they are padded; every clip is varied
by a draw of its own from ``generator``, whose device is that of the clips. Mixing comes before normalisation,
since energies add up there; `augment` is what follows it. Every strength may be 0, which changes nothing.
"""

import math

import numpy as np
import torch
from torch.nn import functional as F

BLUR_REACH = 2  # a kernel of 5 x 5
KNEE = 0.7  # share of the bands that a warp stretches by its factor
LARGEST_STRETCH = 1.3  # less than 1 / KNEE, and the same for the smallest


def shift(rng: np.random.Generator, first: int, second: int, longest: int) -> tuple[int, int]:
    """Where two clips of so many frames begin in their mixture; one of them at 0.

    Uniform over all ways in which both touch and the mixture takes at most ``longest`` frames, or no more than the
    longer of them.
    """
    longest = max(longest, first, second)
    earliest, latest = -min(second, longest - first), min(first, longest - second)
    start = int(rng.integers(earliest, latest + 1))
    return max(0, -start), max(0, start)


def scale(x, *, spread: float, limit: float, generator):
    """Multiply each clip's waveform by a factor whose log is normal, truncated at ± ``limit``.

    x : log energies, which gain twice that log
    """
    return x + 2 * truncated_normal(len(x), spread, limit, generator)[:, None, None]


def place(x, lengths, offsets, frames: int, fill: float):
    """Each clip ``offsets`` (batch,) frames after the beginning of ``frames``; ``fill`` before and behind it."""
    source = torch.arange(frames, device=x.device) - offsets[:, None]
    inside = (source >= 0) & (source < lengths[:, None])
    rows = source.clamp(0, x.shape[1] - 1)[:, :, None].expand(-1, -1, x.shape[2])
    return x.gather(1, rows).masked_fill(~inside[:, :, None], fill)


def superpose(first, second):
    """Log energies of the sum of two sounds that are not in phase on average; -inf is silence."""
    return torch.logaddexp(first, second)


def augment(x, lengths, settings: dict, *, hop_s: float, generator):
    """All that is done to normalised clips, in this order: warp, blur, masks in time and frequency, noise.

    settings : section ``weak_training.augmentation``
    """
    x = warp(x, spread=settings["warp"], generator=generator)
    x = blur(x, lengths, scale=settings["blur_scale"], generator=generator)
    longest, share = settings["time_mask_s"] / hop_s, settings["time_mask_share"]
    x = mask_time(x, lengths, longest=longest, share=share, generator=generator)
    x = mask_bands(x, share=settings["frequency_mask_share"], generator=generator)
    x = add_noise(x, std=settings["noise_std"], generator=generator)
    return x * valid(x, lengths)


def warp(x, *, spread: float, generator):
    """Stretch the mel axis of each clip by a factor whose log is normal, at most `LARGEST_STRETCH`.

    Piecewise linear: the lower `KNEE` of the bands by the factor, the rest so that the last band stays (reading
    E-A10).
    """
    log = truncated_normal(len(x), spread, math.log(LARGEST_STRETCH), generator)
    return stretched(x, torch.exp(log))


def stretched(x, factors):
    """Clips with the mel axis stretched by ``factors`` (batch,), by linear interpolation between bands."""
    last = x.shape[2] - 1
    band = torch.arange(last + 1, device=x.device)
    factors = factors[:, None]
    knee = KNEE * last
    target = knee * factors
    beyond = knee + (band - target) * (last - knee) / (last - target)
    source = torch.where(band <= target, band / factors, beyond)  # (batch, bands)
    weights = (1 - (source[:, None, :] - band[:, None]).abs()).clamp(min=0)
    return x @ weights.to(x.dtype)


def blur(x, lengths, *, scale: float, generator):
    """Smooth each clip over frames and bands by a Gaussian of 5 x 5, its width drawn from an exponential law.

    scale : mean standard deviation. At borders the kernel is cut and its rest weighs more.
    """
    deviation = -scale * torch.log1p(-uniform(len(x), generator))
    distance = torch.arange(-BLUR_REACH, BLUR_REACH + 1, device=x.device)
    kernels = torch.exp(-(distance**2) / (2 * deviation.clamp(min=1e-3)[:, None] ** 2))
    inside = valid(x, lengths)
    x = smoothed(x * inside, kernels, 1) / smoothed(inside, kernels, 1).clamp(min=1e-6)
    ones = x.new_ones(len(x), 1, x.shape[2])
    return smoothed(x, kernels, 2) / smoothed(ones, kernels, 2)


def smoothed(x, kernels, dim: int):
    """Sum of shifted copies, each weighted by its column of ``kernels`` (batch, 5); zeros beyond the borders."""
    size = x.shape[dim]
    margin = [0, 0] * (2 - dim) + [BLUR_REACH, BLUR_REACH]
    x = F.pad(x, margin)
    return sum(x.narrow(dim, i, size) * kernels[:, i, None, None] for i in range(kernels.shape[1]))


def mask_time(x, lengths, *, longest: float, share: float, generator):
    """Zero (the mean) a stretch of each clip, up to ``longest`` frames or ``share`` of the clip if that is less."""
    widest = torch.clamp(share * lengths.to(x.device), max=longest)
    return masked(x, lengths.to(x.device), widest, 1, generator)


def mask_bands(x, *, share: float, generator):
    """Zero up to ``share`` of the bands of each clip, neighbours."""
    bands = torch.full((len(x),), x.shape[2], device=x.device)
    return masked(x, bands, share * bands, 2, generator)


def masked(x, extents, widest, dim: int, generator):
    """Zero a stretch of uniform width up to ``widest`` (batch,), anywhere in the first ``extents`` along ``dim``."""
    width = torch.floor(uniform(len(x), generator) * (torch.floor(widest) + 1))
    start = torch.floor(uniform(len(x), generator) * (extents - width + 1))
    place = torch.arange(x.shape[dim], device=x.device)
    hidden = (place >= start[:, None]) & (place < (start + width)[:, None])
    return x.masked_fill(hidden.unsqueeze(3 - dim), 0)


def add_noise(x, *, std: float, generator):
    """Gaussian noise on each value, its standard deviation uniform up to ``std`` for each clip."""
    deviation = std * uniform(len(x), generator)[:, None, None]
    noise = torch.randn(x.shape, generator=generator, device=generator.device)
    return x + deviation * noise


def valid(x, lengths):
    """1 in the frames of each clip, 0 behind its end: ``(batch, frames, 1)``."""
    frame = torch.arange(x.shape[1], device=x.device)
    return (frame < lengths.to(x.device)[:, None]).to(x.dtype).unsqueeze(2)


def truncated_normal(count: int, spread: float, limit: float, generator):
    """Normal with standard deviation ``spread``, without what lies beyond ± ``limit``: (count,)."""
    if spread == 0 or limit == 0:
        return torch.zeros(count, device=generator.device)
    reach = math.erf(limit / spread / math.sqrt(2))
    drawn = math.sqrt(2) * spread * torch.erfinv((2 * uniform(count, generator) - 1) * reach)
    return drawn.clamp(-limit, limit)


def uniform(count: int, generator):
    """Uniform in [0, 1): (count,)."""
    return torch.rand(count, generator=generator, device=generator.device)
