"""Augmentation: each function against what it says in words, on sound where it can be heard."""

import math

import numpy as np
import pytest
import torch

from sedutils.features import augmentation

LENGTHS = torch.tensor([40, 33, 40])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def clips(batch=3, frames=40, bands=16, seed=1):
    return torch.randn(batch, frames, bands, generator=generator(seed))


SETTINGS = {
    "warp": 0.08,
    "blur_scale": 0.5,
    "time_mask_s": 0.4,
    "time_mask_share": 0.2,
    "frequency_mask_share": 0.2,
    "noise_std": 0.2,
}
EACH = {
    "scale": lambda x, g: augmentation.scale(x, spread=1.0, limit=3.0, generator=g),
    "warp": lambda x, g: augmentation.warp(x, spread=0.08, generator=g),
    "blur": lambda x, g: augmentation.blur(x, LENGTHS, scale=0.5, generator=g),
    "mask_time": lambda x, g: augmentation.mask_time(
        x, LENGTHS, longest=10, share=0.5, generator=g
    ),
    "mask_bands": lambda x, g: augmentation.mask_bands(x, share=0.5, generator=g),
    "add_noise": lambda x, g: augmentation.add_noise(x, std=0.2, generator=g),
    "augment": lambda x, g: augmentation.augment(x, LENGTHS, SETTINGS, hop_s=0.04, generator=g),
}
NONE = {
    "scale": lambda x, g: augmentation.scale(x, spread=0.0, limit=3.0, generator=g),
    "warp": lambda x, g: augmentation.warp(x, spread=0.0, generator=g),
    "blur": lambda x, g: augmentation.blur(x, LENGTHS, scale=0.0, generator=g),
    "mask_time": lambda x, g: augmentation.mask_time(x, LENGTHS, longest=0, share=0.5, generator=g),
    "mask_bands": lambda x, g: augmentation.mask_bands(x, share=0.0, generator=g),
    "add_noise": lambda x, g: augmentation.add_noise(x, std=0.0, generator=g),
    "augment": lambda x, g: augmentation.augment(
        x, LENGTHS, dict.fromkeys(SETTINGS, 0.0), hop_s=0.04, generator=g
    ),
}


@pytest.mark.parametrize("name", EACH)
def test_each_clip_is_varied_by_a_draw_of_its_own(name):
    x = clips()[:1].expand(3, -1, -1).clone()
    x[:, 33:] = 0
    some, again, other = (EACH[name](x, generator(seed)) for seed in (0, 0, 5))
    assert torch.equal(some, again) and not torch.equal(some, other)
    assert not torch.equal(some[0, :33], some[1, :33]) and some.dtype == torch.float32


@pytest.mark.parametrize("name", NONE)
def test_a_strength_of_0_changes_nothing(name):
    x = clips()
    x[1, 33:] = 0
    torch.testing.assert_close(NONE[name](x, generator()), x, rtol=0, atol=1e-5)


def energies(audio):
    """Log energies of frames of 64 samples."""
    return torch.from_numpy(np.log(np.abs(np.fft.rfft(audio.reshape(-1, 64))) ** 2)).float()


def test_scaling_is_that_of_the_waveform(rng):
    audio = rng.normal(size=640)
    x = energies(audio)[None]
    factor = ((augmentation.scale(x, spread=1.0, limit=3.0, generator=generator(2)) - x) / 2).exp()
    expected = energies(audio * factor[0, 0, 0].item())[None]
    changed = augmentation.scale(x, spread=1.0, limit=3.0, generator=generator(2))
    assert factor[0, 0, 0] != 1
    torch.testing.assert_close(changed, expected, rtol=1e-4, atol=1e-4)


def test_logs_of_factors_are_normal_and_truncated():
    logs = augmentation.truncated_normal(40000, 1.0, 3.0, generator())
    assert abs(logs.mean()) < 0.02 and logs.std() == pytest.approx(0.986, abs=0.01)
    assert 2.8 < logs.abs().max() <= 3
    narrow = augmentation.truncated_normal(40000, 1.0, 0.5, generator())
    assert narrow.abs().max() <= 0.5 and narrow.std() == pytest.approx(0.2838, abs=0.003)


def test_energies_of_superposed_sounds_add_up_on_average(rng):
    """Of two noises without a common phase."""
    one, two = rng.normal(size=64 * 20000), 2 * rng.normal(size=64 * 20000)
    ours = augmentation.superpose(energies(one), energies(two)).exp().mean()
    assert ours.item() == pytest.approx(energies(one + two).exp().mean().item(), rel=0.01)
    silence = torch.full((1, 3), -math.inf)
    x = torch.tensor([[1.0, -2.0, 0.0]])
    assert torch.equal(augmentation.superpose(x, silence), x)
    assert torch.equal(augmentation.superpose(silence, silence), silence)


@pytest.mark.parametrize(("first", "second", "longest"), [(10, 10, 15), (10, 4, 8), (3, 4, 30)])
def test_shifts_cover_every_way_to_mix_two_clips(first, second, longest):
    rng = np.random.default_rng(0)
    found = {augmentation.shift(rng, first, second, longest) for _ in range(2000)}
    ways = set()
    for start in range(-40, 40):
        a, b = max(0, -start), max(0, start)
        whole = max(a + first, b + second)
        if whole <= max(longest, first, second) and whole <= first + second:
            ways.add((a, b))
    assert found == ways


def test_clips_are_placed_where_they_begin():
    x, offsets = clips(), torch.tensor([0, 7, 3])
    placed = augmentation.place(x, LENGTHS, offsets, 45, -math.inf)
    assert placed.shape == (3, 45, 16)
    for i, (start, length) in enumerate(zip(offsets.tolist(), LENGTHS.tolist(), strict=True)):
        assert torch.equal(placed[i, start : start + length], x[i, :length])
        rest = torch.cat((placed[i, :start], placed[i, start + length :]))
        assert (rest == -math.inf).all()


def test_warping_moves_bands_and_keeps_the_last():
    """A ramp over the bands shows where each one comes from."""
    ramp = torch.arange(16.0).expand(3, 40, 16)
    found = augmentation.stretched(ramp, torch.tensor([1.0, 1.25, 0.8]))[:, 0]
    torch.testing.assert_close(found[0], ramp[0, 0])
    for row, factor in zip(found[1:].tolist(), (1.25, 0.8), strict=True):
        knee = 0.7 * 15
        for band, source in enumerate(row):
            if band <= knee * factor:
                expected = band / factor
            else:
                expected = knee + (band - knee * factor) * (15 - knee) / (15 - knee * factor)
            assert source == pytest.approx(expected, abs=1e-4)
        assert row[0] == 0 and row[-1] == pytest.approx(15, abs=1e-4)
    wild = augmentation.warp(ramp, spread=50.0, generator=generator())
    assert (wild.diff(dim=2) > 0).all()  # however strong, the order of bands stays


def test_blur_is_a_gaussian_that_is_cut_at_borders():
    """A loop over frames and bands, for widths that come from the draws."""
    x, scale = clips(), 1.5
    found = augmentation.blur(x, LENGTHS, scale=scale, generator=generator(4))
    u = torch.rand(3, generator=generator(4))
    for i, length in enumerate(LENGTHS.tolist()):
        deviation = -scale * math.log(1 - u[i].item())
        for t, b in ((0, 0), (1, 15), (20, 7), (length - 1, 3), (length - 2, 14)):
            total = weight = 0.0
            for s in range(max(0, t - 2), min(length, t + 3)):
                for c in range(max(0, b - 2), min(16, b + 3)):
                    w = math.exp(-((s - t) ** 2 + (c - b) ** 2) / (2 * deviation**2))
                    total, weight = total + w * x[i, s, c].item(), weight + w
            assert found[i, t, b].item() == pytest.approx(total / weight, abs=1e-5)


def test_widths_of_blurs_are_exponential():
    spike = torch.zeros(4000, 5, 5)
    spike[:, 2, 2] = 1
    lengths = torch.full((4000,), 5)
    found = augmentation.blur(spike, lengths, scale=0.5, generator=generator())
    # the share that stays in the middle frame is 1 / (1 + 2 exp(-1 / 2s²) + ...); half of the widths are below ln 2 / 2
    middle = 0.5 * math.log(2)
    kernel = [math.exp(-(d**2) / (2 * middle**2)) for d in (-2, -1, 0, 1, 2)]
    share = found[:, 2, 2].sqrt()
    assert (share > 1 / sum(kernel)).float().mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("dim", [1, 2])
def test_masks_are_one_stretch_of_any_width_and_place(dim):
    x, lengths = torch.ones(3000, 30, 20), torch.full((3000,), 25)
    if dim == 1:
        y = augmentation.mask_time(x, lengths, longest=6.0, share=0.2, generator=generator())
        widest, extent = 5, 25
        assert (y[:, 25:] == 1).all()
    else:
        y = augmentation.mask_bands(x, share=0.2, generator=generator())
        widest, extent = 4, 20
    hidden = (y == 0).any(3 - dim)
    assert ((y == 0).all(3 - dim) == hidden).all()
    width = hidden.sum(1)
    assert set(width.tolist()) == set(range(widest + 1))
    assert width.bincount().min() > 3000 / (widest + 1) * 0.8
    runs = (hidden.int().diff(dim=1) == 1).sum(1) + hidden[:, 0]
    assert (runs <= 1).all()
    one = hidden[width == 1].int().argmax(1)
    assert set(one.tolist()) == set(range(extent))
    short = augmentation.mask_time(x, lengths, longest=2.0, share=0.5, generator=generator())
    assert (short == 0).any(2).sum(1).max() == 2


def test_noise_has_a_width_up_to_the_largest():
    x = torch.zeros(2000, 40, 16)
    widths = augmentation.add_noise(x, std=0.2, generator=generator()).flatten(1).std(1)
    assert widths.mean() == pytest.approx(0.1, abs=0.005)
    assert widths.max() == pytest.approx(0.2, abs=0.02) and widths.min() < 0.005


def test_nothing_comes_from_behind_the_end_of_a_clip():
    some, other = clips(), clips()
    other[1, 33:] = 1000.0
    results = [EACH["augment"](x, generator()) for x in (some, other)]
    assert torch.equal(results[0], results[1]) and (results[0][1, 33:] == 0).all()
