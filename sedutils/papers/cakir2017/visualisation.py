"""What a convolutional neuron looks for: the input that excites it most (Cakir et al. 2017, Sec. IV-E, Fig. 7)."""

import numpy as np
import torch
from torch.nn import functional as F


def maximise(
    network: torch.nn.Module,
    *,
    layer: int,
    neuron: int,
    frames: int,
    bands: int,
    updates: int = 100,
    step: float = 1.0,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Change Gaussian noise by gradient ascent until a feature map answers as strongly as it can.

    The activation is the mean of the map behind ReLU, before pooling. A map that is off all over has no
    gradient and stays where it is. Gradients are scaled to a norm of ``step`` times the root of the input's
    size, so that an update moves every value by about ``step / 10``.

    Parameters
    ----------
    network : has ``convolutions``, a sequence of `sedutils.models.blocks.ConvBlock`
    layer, neuron : which block, and which of its feature maps, both from 0
    frames, bands : size of the input, in normalised log mel energies

    Returns
    -------
    the input (frames, bands) float32, and the activation before every update and at the end

    Raises
    ------
    ValueError : the network has no such layer or neuron
    """
    blocks = network.convolutions
    if not 0 <= layer < len(blocks):
        raise ValueError(f"layer {layer}: the network has {len(blocks)} convolutional layers")
    if not 0 <= neuron < blocks[layer].conv.out_channels:
        raise ValueError(f"neuron {neuron}: layer {layer} has {blocks[layer].conv.out_channels}")
    network.eval()
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(1, 1, frames, bands, generator=generator).requires_grad_()
    optimum = step / 10 * np.sqrt(frames * bands)
    course = []
    for _ in range(updates):
        activation = response(blocks, x, layer, neuron)
        course.append(activation.item())
        (gradient,) = torch.autograd.grad(activation, x)
        with torch.no_grad():
            x += optimum * gradient / (gradient.norm() + 1e-8)
    with torch.no_grad():
        course.append(response(blocks, x, layer, neuron).item())
    return x.detach()[0, 0].numpy(), np.array(course)


def response(blocks, x: torch.Tensor, layer: int, neuron: int) -> torch.Tensor:
    """Mean of a feature map over frames and bands, behind batch norm and ReLU, before pooling."""
    for block in blocks[:layer]:
        x = block(x)
    block = blocks[layer]
    return F.relu(block.norm(block.conv(x))[:, neuron]).mean()
