"""One step of a training, to be looked at: what goes through a network, and what the step does to its loss."""

from html import escape

import pandas as pd
import torch
from IPython.display import HTML

from sedutils.show.tracing import Unit, trace

EXAMPLES = 4  # of a batch: enough to see a step, and a step that costs no time at paper size either


def first_step(model, batch: tuple[tuple, tuple], learning_rate: float) -> HTML:
    """Take one step of Adam on the first examples of a batch, as `sedutils.training.loop.fit` does, which changes the
    model: its layers, the shapes of what they give, and the loss before and after.

    batch : inputs of the network, and what its loss takes behind the outputs

    Whatever is drawn is the same before and after, and takes nothing from torch's generator.
    """
    inputs, targets = (tuple(each[:EXAMPLES] for each in part) for part in batch)
    layers = [Unit("", title="input", output=tuple(inputs[0].shape)), *trace(model, *inputs)]
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], learning_rate)
    model.train()
    before = _loss(model, inputs, targets)
    before.backward()
    optimiser.step()
    model.after_step(0)
    with torch.no_grad():
        after = _loss(model, inputs, targets)
    words = f"loss {before.item():.3f}, after one step on these examples {after.item():.3f}"
    return HTML(f"<p>{escape(type(model).__name__)}: {words}</p>{_table(layers)}")


def _loss(model, inputs: tuple, targets: tuple) -> torch.Tensor:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # the same dropout twice: the step alone makes the difference
        return model.loss(model(*inputs), *targets)


def _table(layers: list[Unit]) -> str:
    rows = [
        {
            "part": unit.group,
            "layer": " · ".join((unit.title, *unit.small)),
            "output": " × ".join(map(str, unit.output)),
            "parameters": f"{unit.parameters:,}" if unit.parameters else "",
        }
        for unit in layers
    ]
    return pd.DataFrame(rows).to_html(index=False, border=0)
