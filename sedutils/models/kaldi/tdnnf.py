"""The TDNN-F of a Kaldi chain model as the torch network `sedutils.models.tdnnf.TDNNF`.

Made for LibriSpeech's ``exp/chain_cleaned/tdnn_1d_sp/final.mdl`` (40 MFCCs, an i-vector of 100) and any other
model of the same recipe: nodes ``lda``, ``tdnn1``, ``tdnnf2`` onwards, ``prefinal-l``, ``prefinal-chain``,
``output``. Number, width and strides of the layers are the file's. The second output that Kaldi trains beside,
``prefinal-xent`` and ``output-xent``, is read and left out.

Without an i-vector extractor the i-vector is a zero vector (reading G-A07): the LDA's columns for it are
loaded and stay without effect, unless `TDNNF.forward` is given one.
"""

import re
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch

from sedutils.models.kaldi.nnet3 import Component, Model, read, refuse
from sedutils.models.tdnnf import BATCH_NORM_EPSILON, SPLICE, TDNNF

UNUSED = ("prefinal-xent.", "output-xent.")
AFFINE = ("NaturalGradientAffineComponent", "AffineComponent")
FRAMES = "Append(Offset(input,-1),input,Offset(input,1)"


def load(path: str | Path, *, subsampling: int = 3) -> TDNNF:
    """The network of a ``final.mdl``, in evaluation mode, its outputs the model's pdfs.

    subsampling : Kaldi keeps it in a file beside the model, ``frame_subsampling_factor``, 3 in all chain
        recipes; 1 gives features at the rate of the MFCCs

    FileNotFoundError and KaldiError as `nnet3.read`; KaldiError too for nodes connected in
    another way, components of other types or sizes, and a component left over.
    """
    graph = Graph(read(path))
    state, shape = graph.weights()
    pdfs = int(graph.model.transitions[:, 2:].max(initial=-1)) + 1
    if pdfs != shape["phones"]:
        output = graph.model.components["output.affine"]
        graph.fail(output.at, f"{shape['phones']} outputs", f"{pdfs}, one a pdf")
    left = [n for n in graph.model.components if n not in graph.used and not n.startswith(UNUSED)]
    if left:
        at = graph.model.components[left[0]].at
        graph.fail(at, f"component {left[0]}", "components of a TDNN-F alone")
    net = TDNNF(**shape, subsampling=subsampling)
    for name, value in net.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            value.copy_(torch.from_numpy(np.asarray(state[name], np.float32)))
    return net.eval()


class Graph:
    """A model's nodes, taken one by one in the order of a TDNN-F, each checked as it is taken."""

    def __init__(self, model: Model):
        self.model, self.used = model, set()
        self.nodes: dict[str, tuple[int, dict[str, str]]] = {}
        for at, line in model.lines:
            kind, _, rest = line.partition(" ")
            values = dict(re.findall(r"([\w-]+)=(.*?)(?=\s+[\w-]+=|\s*$)", rest))
            if kind not in ("input-node", "component-node", "output-node") or "name" not in values:
                self.fail(at, f"{line!r}", "an input-node, component-node or output-node")
            values["input"] = values.get("input", "").replace(" ", "")
            self.nodes[f"{kind} {values['name']}"] = at, values

    def fail(self, at: int, met: str, expected: str) -> NoReturn:
        refuse(self.model.path, at, met, expected)

    def node(self, kind: str, name: str) -> tuple[int, dict[str, str]]:
        if f"{kind} {name}" not in self.nodes:
            at = self.model.lines[0][0] if self.model.lines else 0
            self.fail(at, f"a network without {kind} {name}", "a TDNN-F")
        return self.nodes[f"{kind} {name}"]

    def take(self, name: str, types: str | tuple[str, ...], source: str) -> Component:
        """The component of a node that reads from ``source``."""
        at, values = self.node("component-node", name)
        if values["input"] != source:
            self.fail(at, f"{name} reads from {values['input']}", source)
        component = self.model.components.get(values.get("component", ""))
        if component is None:
            self.fail(at, f"{name} has no component", "one of that name")
        types = (types,) if isinstance(types, str) else types
        if component.type not in types:
            self.fail(component.at, f"{name} is a {component.type}", " or ".join(types))
        self.used.add(component.name)
        return component

    def array(self, component: Component, field: str, *shape: int | None) -> np.ndarray:
        """A field whose size is ``shape``, where None stands for any."""
        found = component.fields[field]
        if any(n not in (m, None) for n, m in zip(shape, found.shape, strict=True)):
            wanted = " x ".join("any" if n is None else str(n) for n in shape)
            met = " x ".join(map(str, found.shape))
            self.fail(component.at, f"{field} of {component.name} is {met}", wanted)
        return found

    def weights(self) -> tuple[dict[str, np.ndarray], dict]:
        """State of a `TDNNF` and its arguments."""
        mfcc, ivector = self.inputs()
        spliced = SPLICE * mfcc + ivector
        source = FRAMES + (",ReplaceIndex(ivector,t,0))" if ivector else ")")
        state = self.affine("lda", "lda", source, "FixedAffineComponent", spliced, spliced)
        state |= self.affine_layer("tdnn.", "tdnn1", "lda", spliced, None)
        dim = len(state["tdnn.affine.bias"])
        layers, shape, last = self.stack(dim)
        linear = self.take("prefinal-l", "LinearComponent", last)
        weight = self.array(linear, "Params", None, dim)
        prefinal = len(weight)
        state |= layers | {"prefinal_linear.weight": weight} | self.prefinal(prefinal, dim)
        source = "prefinal-chain.batchnorm2"
        state |= self.affine("output", "output.affine", source, AFFINE, prefinal, None)
        at, values = self.node("output-node", "output")
        if values["input"] != "output.affine":
            self.fail(at, f"output reads from {values['input']}", "output.affine")
        shape |= {"mfcc": mfcc, "ivector": ivector, "dim": dim, "prefinal": prefinal}
        return state, shape | {"phones": len(state["output.bias"])}

    def stack(self, dim: int) -> tuple[dict[str, np.ndarray], dict, str]:
        """State of the TDNN-F layers, their arguments, and the last one's last node."""
        last, state, strides = self.end_of("tdnn1"), {}, []
        bottleneck = bypass = None
        while f"component-node tdnnf{len(strides) + 2}.linear" in self.nodes:
            name, key = f"tdnnf{len(strides) + 2}", f"layers.{len(strides)}."
            layer, stride = self.factors(key, name, last, dim, bottleneck)
            state |= layer
            bottleneck = len(layer[f"{key}linear.weight"])
            bypass = self.bypass(name, last, bypass)
            last, strides = f"{name}.noop", [*strides, stride]
        if not strides:
            self.node("component-node", "tdnnf2.linear")
        return state, {"bottleneck": bottleneck, "strides": strides, "bypass": bypass}, last

    def inputs(self) -> tuple[int, int]:
        """Widths of a frame and of the i-vector, 0 where the network has none."""
        sizes = [self.node("input-node", "input")[1]]
        if "input-node ivector" in self.nodes:
            sizes.append(self.node("input-node", "ivector")[1])
        found = [int(s["dim"]) if s.get("dim", "").isdigit() else 0 for s in sizes]
        if 0 in found:
            self.fail(self.model.lines[0][0], f"inputs of {found} dimensions", "dim=")
        return found[0], sum(found[1:])

    def affine(self, key, name, source, types, n_in, n_out) -> dict[str, np.ndarray]:
        part = self.take(name, types, source)
        weight = self.array(part, "LinearParams", n_out, n_in)
        return {
            f"{key}.weight": weight,
            f"{key}.bias": self.array(part, "BiasParams", len(weight)),
        }

    def affine_layer(self, key, name, source, n_in, n_out) -> dict[str, np.ndarray]:
        """Affine, ReLU, batch norm and perhaps dropout."""
        types = (*AFFINE, "TdnnComponent")
        state = self.affine(f"{key}affine", f"{name}.affine", source, types, n_in, n_out)
        n_out = len(state[f"{key}affine.bias"])
        self.take(f"{name}.relu", "RectifiedLinearComponent", f"{name}.affine")
        number = "1" if name == "prefinal-chain" else ""  # which has two
        state |= self.batch_norm(f"{key}norm", f"{name}.batchnorm{number}", f"{name}.relu", n_out)
        if f"component-node {name}.dropout" in self.nodes:
            source = f"{name}.batchnorm"
            self.take(f"{name}.dropout", "GeneralDropoutComponent", source)
        return state

    def end_of(self, name: str) -> str:
        """The last node of an affine layer."""
        part = "dropout" if f"component-node {name}.dropout" in self.nodes else "batchnorm"
        return f"{name}.{part}"

    def batch_norm(self, key, name, source, units) -> dict[str, np.ndarray]:
        """Statistics, with Kaldi's target rms and epsilon moved into the variance.

        Kaldi: target_rms (x - mean) / sqrt(var + epsilon); the network's target is 1, its epsilon fixed.
        """
        norm = self.take(name, "BatchNormComponent", source)
        f = norm.fields
        if f["BlockDim"] != units or f["Dim"] != units or f["Count"] <= 0:
            met = f"{name} of {f['Dim']} units in blocks of {f['BlockDim']}, seen {f['Count']:g}"
            self.fail(norm.at, met, f"{units} in one block, seen frames")
        mean = self.array(norm, "StatsMean", units)
        variance = np.maximum(self.array(norm, "StatsVar", units).astype(np.float64), 0)
        variance = (variance + f["Epsilon"]) / f["TargetRms"] ** 2 - BATCH_NORM_EPSILON
        return {f"{key}.running_mean": mean, f"{key}.running_var": variance}

    def factors(self, key, name, source, dim, bottleneck) -> tuple[dict[str, np.ndarray], int]:
        """State of a TDNN-F layer, and its stride."""
        linear = self.take(f"{name}.linear", "TdnnComponent", source)
        affine = self.take(f"{name}.affine", "TdnnComponent", f"{name}.linear")
        offsets = linear.fields["TimeOffsets"].tolist(), affine.fields["TimeOffsets"].tolist()
        stride = max(max(offsets[1], default=0), 0)
        expected = ([-stride, 0], [0, stride]) if stride else ([0], [0])
        if offsets != expected:
            self.fail(linear.at, f"time offsets of {name} {offsets}", "[-stride, 0], [0, stride]")
        taps = len(expected[0])
        weight = self.array(linear, "LinearParams", bottleneck, taps * dim)
        self.array(linear, "BiasParams", 0)
        n_in = taps * len(weight)
        state = self.affine_layer(f"{key}output.", name, f"{name}.linear", n_in, dim)
        return state | {f"{key}linear.weight": weight}, stride

    def bypass(self, name, before, same: float | None) -> float:
        """How much of its input a layer adds; in all layers the same."""
        at, values = self.node("component-node", f"{name}.noop")
        found = re.match(r"Sum\(Scale\((\d[\d.e-]*),", values["input"])
        scale = found[1] if found else "0.75"
        source = f"Sum(Scale({scale},{before}),{self.end_of(name)})"
        self.take(f"{name}.noop", "NoOpComponent", source)
        if same not in (None, float(scale)):
            self.fail(at, f"a bypass of {scale}", f"{same} as before")
        return float(scale)

    def prefinal(self, prefinal: int, dim: int) -> dict[str, np.ndarray]:
        name = "prefinal-chain"
        state = self.affine_layer("prefinal.0.", name, "prefinal-l", prefinal, dim)
        linear = self.take(f"{name}.linear", "LinearComponent", f"{name}.batchnorm1")
        state["prefinal.1.weight"] = self.array(linear, "Params", prefinal, dim)
        return state | self.batch_norm(
            "prefinal.2", f"{name}.batchnorm2", f"{name}.linear", prefinal
        )
