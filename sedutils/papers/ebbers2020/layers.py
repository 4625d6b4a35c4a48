"""Tables 1 and 2 of Ebbers & Haeb-Umbach 2020 beside live networks: shapes, and numbers of parameters."""

import re
from itertools import pairwise

import pandas as pd
import torch
from torch import nn

from sedutils.models.blocks import GRULayer, trainable_parameters
from sedutils.models.ebbers2020 import Convolution
from sedutils.models.kinds import KINDS

FRAMES = 16  # of the input whose shapes are taken; printed as N
BLOCK = re.compile(r"(\w+)\((.+)\)")
KERNEL = 3


def printed_sizes(published) -> dict:
    """Arguments of the networks as Tables 1 and 2 print them: bands, widths, units, classes."""
    cnn, rnn = (published.table(name).set_index("step").block for name in ("T1", "T2"))
    sizes = [BLOCK.fullmatch(block).groups() for block in [*cnn, *rnn] if BLOCK.fullmatch(block)]
    return {
        "bands": next(int(n) for kind, n in sizes if kind == "LogMel"),
        "widths": [int(n) for kind, n in sizes if kind == "Conv2d"],
        "units": next(int(n) for kind, n in sizes if kind == "GRU"),
        "classes": next(int(n) for kind, n in sizes if kind == "fc_Sigmoid"),
    }


def layers(published) -> pd.DataFrame:
    """Both tables as printed, and what the same step gives in the live FBCRNN at the paper's size."""
    sizes = printed_sizes(published)
    model = KINDS["FBCRNN"](**sizes)
    queue = live_shapes(model, torch.zeros(1, FRAMES, sizes["bands"]))
    rows = []
    for name in ("T1", "T2"):
        for row in published.table(name).itertuples():
            kind = row.block.split("(")[0]
            live = [queue[kind].pop(0) for _ in range(row.repeat)][-1]
            step = {"table": name, "step": row.step, "block": row.block, "repeat": row.repeat}
            rows.append(step | {"printed": row.output_shape, "live": live})
    return pd.DataFrame(rows)


def live_shapes(model: nn.Module, x: torch.Tensor) -> dict[str, list[str]]:
    """What every layer gives, by the kind that the tables call it, in their order (one direction of two)."""
    found = {"LogMel": [], "GlobalNorm": [], "Reshape": []}
    found |= {kind: [] for kind in ("Conv2d", "Pool2d", "Conv1d", "GRU", "fc_ReLU", "fc_Sigmoid")}
    found["LogMel"].append(f"1x{x.shape[2]}xN")
    found["GlobalNorm"].append(f"1x{x.shape[2]}xN")

    def convolved(module, inputs, output):
        flat = output.shape[3] == 1
        shape = f"{output.shape[1]}xN" if flat else f"{output.shape[1]}x{output.shape[3]}xN"
        found["Conv1d" if flat else "Conv2d"].append(shape)
        if flat and not found["Reshape"]:
            found["Reshape"].append(f"{inputs[0].shape[1]}xN")

    def pooled(module, inputs, output):
        if module.pool[1] > 1:
            found["Pool2d"].append(f"{output.shape[1]}x{output.shape[3]}xN")

    def put(kind):
        return lambda module, inputs, output: found[kind].append(f"{output.shape[-1]}xN")

    handles = []
    for module in model.cnn.modules():
        if isinstance(module, nn.Conv2d):
            handles.append(module.register_forward_hook(convolved))
        if isinstance(module, Convolution):
            handles.append(module.register_forward_hook(pooled))
    one = model.forward_rnn
    handles += [
        m.register_forward_hook(put("GRU")) for m in one.modules() if isinstance(m, GRULayer)
    ]
    handles.append(one.scores.hidden.register_forward_hook(put("fc_ReLU")))
    handles.append(one.scores.output.register_forward_hook(put("fc_Sigmoid")))
    model.eval()
    with torch.no_grad():
        model(x)
    for handle in handles:
        handle.remove()
    return found


def by_hand(*, bands: int, widths: list[int], units: int, classes: int) -> dict[str, int]:
    """Parameters that the printed layers have; GRUs with one bias vector, norms with scale and shift."""

    def convolutions(n_in: int, last: int) -> int:
        total = 0
        for i, (before, width) in enumerate(pairwise((n_in, *widths))):
            pairs = [(before, width), (width, width)][: 1 if i + 1 == len(widths) else 2]
            total += sum(KERNEL**2 * a * b + 3 * b for a, b in pairs)
        features = widths[-1] * bands // 2 ** len(widths) + n_in - 1
        total += sum(KERNEL * a * b + 3 * b for a, b in ((features, units), (units, units)))
        return total + KERNEL * units * last + (3 if last == units else 1) * last

    recurrent = 2 * 3 * units * (2 * units + 1)
    dense = units * (units + 1) + classes * (units + 1)
    return {
        "FBCRNN": convolutions(1, units) + 2 * (recurrent + dense),
        "tag-conditioned CNN": convolutions(1 + classes, classes),
    }


def parameters(published, described: dict[str, dict], classes: int, bands: int) -> pd.DataFrame:
    """Numbers of parameters: of the printed layers by hand, live at the paper's size, live in this run.

    described : section ``systems`` of params.yaml
    """
    sizes = printed_sizes(published)
    printed = by_hand(**sizes)
    rows = []
    for (name, count), system in zip(printed.items(), ("fbcrnn", "tag_cnn"), strict=True):
        own = dict(described[system])
        kind = own.pop("kind")
        here = KINDS[kind](bands=bands, classes=classes, **own)
        row = {"network": name, "printed layers": count}
        row["live, paper's size"] = trainable_parameters(KINDS[kind](**sizes))
        rows.append(row | {"live, this run": trainable_parameters(here)})
    return pd.DataFrame(rows).set_index("network")
