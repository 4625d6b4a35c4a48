"""What a forward pass through a network really did: its layers in order, shapes, counts, branches.

A dummy input goes through the live module under hooks, so nothing here can disagree with the code.
"""

import re
from contextlib import ExitStack
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

FUNCTIONS = {
    "relu": "ReLU", "relu_": "ReLU", "leaky_relu": "leaky ReLU", "elu": "ELU", "gelu": "GELU",
    "silu": "SiLU", "sigmoid": "sigmoid", "tanh": "tanh", "softmax": "softmax", "glu": "GLU",
    "max_pool1d": "max pool", "max_pool2d": "max pool", "avg_pool1d": "mean pool",
    "avg_pool2d": "mean pool",
}  # fmt: skip
NORMS = (["batch norm"], ["layer norm"], ["group norm"])


@dataclass
class Unit:
    """One box: a layer with the small ones that follow it. Shapes with the batch axis."""

    path: str
    kind: str = "other"
    title: str = ""
    small: list = field(default_factory=list)
    inputs: tuple = ()
    output: tuple = ()
    parameters: int = 0
    sources: frozenset = frozenset()
    axes: tuple = ()
    times: int = 1
    first_of: int = 1  # boxes in the repeated group that starts here, 0 inside one

    @property
    def group(self):
        """The named part of the model that the box belongs to; empty where it is only numbered."""
        first = self.path.split(".")[0]
        return "" if first.isdigit() else first

    @property
    def look(self):
        """What makes two boxes the same."""
        return self.group, self.kind, self.title, tuple(self.small), self.output, self.parameters


def trace(model, *arguments):
    """The boxes of one forward pass, in order; the model's mode is put back afterwards."""
    modes = {module: module.training for module in model.modules()}
    recorder = _Recorder(model)
    with ExitStack() as stack:
        for module in model.modules():
            stack.callback(module.register_forward_pre_hook(recorder.enter).remove)
            stack.callback(module.register_forward_hook(recorder.leave).remove)
        stack.callback(lambda: [setattr(m, "training", mode) for m, mode in modes.items()])
        model.eval()
        with torch.no_grad(), recorder:
            model(*arguments)
    return _merged(recorder.units)


def repeated(units):
    """Groups of up to three boxes that follow each other unchanged, once, with `times`."""
    units, i = list(units), 0
    while i < len(units):
        size, times = next(((n, t) for n in (1, 2, 3) if (t := _times(units, i, n)) > 1), (1, 1))
        for offset, unit in enumerate(units[i : i + size]):
            unit.times, unit.first_of = times, 0 if offset else size
        gone = (times - 1) * size
        del units[i + size : i + size + gone]
        for unit in units[i + size :]:  # sources behind the group, counted in what is left
            unit.sources = frozenset(
                j if j < i else j - gone if j >= i + size + gone else i + (j - i) % size
                for j in unit.sources
            )
        i += size
    return units


def _times(units, start, size):
    """How often the `size` boxes from `start` come in a row, each fed by the one before it alone."""
    looks = [u.look for u in units[start : start + size]]
    times = 1
    while len(looks) == size:
        after = range(start + times * size, start + (times + 1) * size)
        if [u.look for u in units[after.start : after.stop]] != looks:
            break
        if any(units[j].sources != {j - 1} for j in after):
            break
        times += 1
    return times


class _Recorder(TorchFunctionMode):
    """Collects boxes while a model runs, and marks every tensor with the boxes that it comes from."""

    def __init__(self, model):
        super().__init__()
        self.blocks = dict(_blocks(model, "", root=True))
        self.units, self.stack, self.open, self.counted = [], [], None, set()

    def enter(self, module, inputs):
        self.stack.append(module)
        if self.open is None and module in self.blocks:
            tensors = _tensors(inputs)
            self.open = module
            unit = Unit(self.blocks[module], inputs=tuple(tensors[0].shape) if tensors else ())
            unit.sources = frozenset().union(*(getattr(x, "made_by", {-1}) for x in tensors))
            self.units.append(unit)

    def leave(self, module, inputs, output):
        self.stack.pop()
        if self.open is not None and not list(module.children()):
            _add(self.units[-1], module)
        if self.open is not module:
            return
        unit, self.open = self.units[-1], None
        for child in module.modules():  # called by its weights only, as a fused kernel does
            kind, text = describe(child)
            if kind != "other" and not unit.title:
                unit.kind, unit.title = kind, text
        fresh = {p for p in module.parameters() if p.requires_grad} - self.counted
        unit.parameters = sum(p.numel() for p in fresh)
        self.counted |= fresh
        name = _spaced(type(module).__name__)
        if "attention" in name and unit.kind != "attention":
            unit.small[:0] = [unit.title] if unit.title else []
            unit.kind, unit.title = "attention", name
        elif not unit.title and list(module.children()):
            unit.title = name
        for tensor in _tensors(output):
            unit.output = unit.output or tuple(tensor.shape)
            tensor.made_by = frozenset({len(self.units) - 1})
        if isinstance(module, nn.Conv1d):
            unit.axes = ("batch", "maps", "frames")

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        tensors = _tensors(args)
        known = frozenset().union(*(getattr(x, "made_by", ()) for x in tensors))
        for tensor in _tensors(result) if known else ():
            tensor.made_by = known
        top = self.stack[-1] if self.stack else None
        if self.units and top is not None and not type(top).__module__.startswith("torch.nn"):
            name = getattr(function, "__name__", "")
            if name in FUNCTIONS:
                self.units[-1].small.append(FUNCTIONS[name])
            elif name == "amax" and "Maxout" in type(top).__name__:
                groups = tensors[0].shape[-1]
                self.units[-1].small.append(f"maximum of every {groups}")
        return result


def _blocks(module, path, *, root=False):
    """(module, path) of what gets a box: layers, and modules made of layers alone."""
    children = list(module.named_children())
    container = isinstance(module, nn.Sequential | nn.ModuleList | nn.ModuleDict)
    deep = any(list(child.children()) for _, child in children)
    if children and (root or container or deep):
        for name, child in children:
            yield from _blocks(child, f"{path}.{name}".lstrip("."))
    else:
        yield module, path


def _merged(units):
    """Layers without weights join the box before them; sources are renumbered."""
    kept, place = [], {-1: -1}
    for i, unit in enumerate(units):
        light = not unit.parameters or unit.small[:1] in NORMS
        if kept and light and unit.sources <= {i - 1} and not unit.title:
            kept[-1].small += unit.small
            kept[-1].output = unit.output or kept[-1].output
            kept[-1].parameters += unit.parameters
        elif unit.title or unit.small or unit.parameters:
            unit.sources = frozenset(place[j] for j in unit.sources)
            if not unit.title:
                unit.title, *unit.small = unit.small or [unit.path]
            kept.append(unit)
        place[i] = len(kept) - 1
    return kept


def _add(unit, module):
    """Write a layer into its box: the first one with weights is the title, the others stand below."""
    if isinstance(module, nn.Identity):
        return
    kind, text = describe(module)
    if kind != "other" and not unit.title:
        unit.kind, unit.title = kind, text
    elif text:
        unit.small.append(text)


def describe(module):
    """(kind, words) of one layer."""
    match module:
        case nn.Conv1d() | nn.Conv2d() | nn.Conv3d():
            stride = "" if set(module.stride) == {1} else f", stride {_by(module.stride)}"
            grouped = "" if module.groups == 1 else f", {module.groups} groups"
            words = f"convolution {_by(module.kernel_size)}, {module.out_channels} maps"
            return "convolution", words + stride + grouped
        case nn.RNNBase():
            ways = "bidirectional " if module.bidirectional else ""
            deep = f", {module.num_layers} layers" if module.num_layers > 1 else ""
            return (
                "recurrent",
                f"{ways}{module.mode.split('_')[0]}, {module.hidden_size} units{deep}",
            )
        case nn.Linear():
            return "linear", f"linear, {module.out_features} units"
        case nn.MultiheadAttention():
            return "attention", f"attention, {module.num_heads} heads"
        case nn.modules.batchnorm._BatchNorm():
            return "other", "batch norm"
        case nn.LayerNorm() | nn.GroupNorm():
            return "other", "layer norm" if isinstance(module, nn.LayerNorm) else "group norm"
        case nn.MaxPool1d() | nn.MaxPool2d():
            return "other", f"max pool {_by(module.kernel_size)}"
        case nn.AvgPool1d() | nn.AvgPool2d():
            return "other", f"mean pool {_by(module.kernel_size)}"
        case nn.ReLU():
            return "other", "ReLU"
    name = type(module).__name__
    if "Dropout" in name:
        rate = getattr(module, "p", getattr(module, "rate", 0))
        return "other", f"dropout {rate:g}" if rate else ""
    return "other", "" if list(module.children()) else name


def _by(sizes):
    return " × ".join(map(str, sizes)) if isinstance(sizes, tuple) else str(sizes)


def _spaced(name):
    """`TemporalAttention` as words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _tensors(value):
    """All tensors in nested tuples, lists and dicts, in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for x in value for t in _tensors(x)] if isinstance(value, tuple | list) else []
