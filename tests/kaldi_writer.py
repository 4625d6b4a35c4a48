"""Writes small Kaldi chain models as Kaldi does, and evaluates them frame by frame: for the tests of their reader."""

import re
import struct

import numpy as np


def token(text):
    return text.encode() + b" "


def integer(n):
    return struct.pack("<bi", 4, n)


def real(x):
    return struct.pack("<bf", 4, x)


def integers(values):
    return struct.pack(f"<bi{len(values)}i", 4, len(values), *values)


def vector(values, double=False):
    values = np.asarray(values, "<f8" if double else "<f4")
    return token("DV" if double else "FV") + integer(len(values)) + values.tobytes()


def matrix(values, double=False):
    values = np.asarray(values, "<f8" if double else "<f4")
    shape = integer(values.shape[0]) + integer(values.shape[1])
    return token("DM" if double else "FM") + shape + values.tobytes()


def transition_model(pdfs, two_pdfs):
    """One phone a pdf (or a pair of pdfs): one emitting state with a loop, and a final state."""
    phones = range(1, (pdfs // 2 if two_pdfs else pdfs) + 1)
    out = token("<TransitionModel>") + token("<Topology>")
    out += integers(list(phones)) + integers([-1] + [0] * len(phones))
    out += integer(-1) + integer(1) if two_pdfs else integer(1)
    out += integer(2)
    out += integer(0) + (integer(1) if two_pdfs else b"")
    out += integer(2) + integer(0) + real(0.5) + integer(1) + real(0.5)
    out += integer(-1) + (integer(-1) if two_pdfs else b"") + integer(0)
    out += token("</Topology>")
    kind = "Tuples" if two_pdfs else "Triples"
    out += token(f"<{kind}>") + integer(len(phones))
    for i, phone in enumerate(phones):
        pair = [2 * i, 2 * i + 1] if two_pdfs else [i]
        out += b"".join(map(integer, [phone, 0, *pair]))
    out += token(f"</{kind}>") + token("<LogProbs>") + vector(np.zeros(2 * len(phones) + 1))
    return out + token("</LogProbs>") + token("</TransitionModel>")


def updatable(kind):
    out = token(f"<{kind}>") + token("<MaxChange>") + real(0.75)
    return out + token("<L2Regularize>") + real(0.008) + token("<LearningRate>") + real(1e-3)


def fixed_affine(weight, bias):
    out = token("<FixedAffineComponent>") + token("<LinearParams>") + matrix(weight)
    return out + token("<BiasParams>") + vector(bias) + token("</FixedAffineComponent>")


def affine(weight, bias, natural_gradient):
    kind = "NaturalGradientAffineComponent" if natural_gradient else "AffineComponent"
    out = updatable(kind) + token("<LinearParams>") + matrix(weight)
    out += token("<BiasParams>") + vector(bias)
    if natural_gradient:
        out += token("<RankIn>") + integer(20) + token("<RankOut>") + integer(80)
        out += token("<UpdatePeriod>") + integer(4)
        out += token("<NumSamplesHistory>") + real(2000) + token("<Alpha>") + real(4)
    return out + token(f"</{kind}>")


def linear(weight):
    out = updatable("LinearComponent") + token("<Params>") + matrix(weight)
    out += token("<OrthonormalConstraint>") + real(-1) + token("<UseNaturalGradient>") + b"T"
    out += token("<RankInOut>") + integer(20) + integer(80) + token("<Alpha>") + real(4)
    out += token("<NumSamplesHistory>") + real(2000) + token("<UpdatePeriod>") + integer(4)
    return out + token("</LinearComponent>")


def tdnn(weight, bias, offsets):
    out = updatable("TdnnComponent") + token("<TimeOffsets>") + integers(offsets)
    out += token("<LinearParams>") + matrix(weight, double=True)
    out += token("<BiasParams>") + vector(bias)
    out += token("<OrthonormalConstraint>") + real(-1) + token("<UseNaturalGradient>") + b"F"
    out += token("<NumSamplesHistory>") + real(2000) + token("<AlphaInOut>") + real(4) + real(4)
    out += token("<RankInOut>") + integer(20) + integer(80)
    return out + token("</TdnnComponent>")


def batch_norm(mean, variance, epsilon, target_rms):
    out = token("<BatchNormComponent>") + token("<Dim>") + integer(len(mean))
    out += token("<BlockDim>") + integer(len(mean)) + token("<Epsilon>") + real(epsilon)
    out += token("<TargetRms>") + real(target_rms) + token("<TestMode>") + b"T"
    out += token("<Count>") + real(5000) + token("<StatsMean>") + vector(mean)
    return out + token("<StatsVar>") + vector(variance) + token("</BatchNormComponent>")


def nonlinearity(kind, units):
    out = token(f"<{kind}>") + token("<Dim>") + integer(units)
    out += token("<ValueAvg>") + vector(np.ones(units)) + token("<DerivAvg>") + vector([])
    out += token("<Count>") + struct.pack("<bd", 8, 123.0)
    out += token("<OderivRms>") + vector([]) + token("<OderivCount>") + struct.pack("<bd", 8, 0)
    out += token("<NumDimsSelfRepaired>") + struct.pack("<bd", 8, 0)
    out += token("<NumDimsProcessed>") + struct.pack("<bd", 8, 7)
    return out + token("<SelfRepairScale>") + real(1e-5) + token(f"</{kind}>")


def no_op(units):
    out = token("<NoOpComponent>") + token("<Dim>") + integer(units)
    return out + token("<BackpropScale>") + real(1) + token("</NoOpComponent>")


def dropout(units):
    out = token("<GeneralDropoutComponent>") + token("<Dim>") + integer(units)
    out += token("<BlockDim>") + integer(units) + token("<TimePeriod>") + integer(0)
    out += token("<DropoutProportion>") + real(0) + token("<TestMode>") + token("<Continuous>")
    return out + token("</GeneralDropoutComponent>")


class ChainModel:
    """A random TDNN-F by Kaldi's recipe: ``lines`` and ``components`` to change, then `write`; `evaluate`.

    lines : the text that connects the components
    components : name to bytes, as the file has them
    functions, offsets : name to what the component does with a vector, and which frames are put into it
    """

    def __init__(
        self, *, mfcc, ivector, dim, bottleneck, strides, prefinal, pdfs, with_dropout=True
    ):
        self.rng, self.pdfs, self.with_dropout = np.random.default_rng(0), pdfs, with_dropout
        self.lines, self.components, self.functions, self.offsets = [], {}, {}, {}
        self.has_ivector = ivector > 0
        inputs = "Append(Offset(input, -1), input, Offset(input, 1)"
        if self.has_ivector:
            self.lines.append(f"input-node name=ivector dim={ivector}")
            inputs += ", ReplaceIndex(ivector, t, 0)"
        self.lines.append(f"input-node name=input dim={mfcc}")
        width = 3 * mfcc + ivector
        weight, bias = self.random(width, width), self.random(width)
        self.add("lda", inputs + ")", fixed_affine(weight, bias), lambda x: weight @ x + bias)
        last = self.affine_layer("tdnn1", "lda", width, dim)
        for number, stride in enumerate(strides, start=2):
            last = self.factorised(f"tdnnf{number}", last, dim, bottleneck, stride)
        self.linear("prefinal-l", last, dim, prefinal)
        for branch, output in (("prefinal-chain", "output"), ("prefinal-xent", "output-xent")):
            self.affine_layer(branch, "prefinal-l", prefinal, dim, prefinal_of=True)
            self.linear(f"{branch}.linear", f"{branch}.batchnorm1", dim, prefinal)
            self.batch_norm(f"{branch}.batchnorm2", f"{branch}.linear", prefinal)
            self.affine(f"{output}.affine", f"{branch}.batchnorm2", prefinal, pdfs)
            end = f"{output}.affine"
            if output == "output-xent":
                end = f"{output}.log-softmax"
                self.add(end, f"{output}.affine", nonlinearity("LogSoftmaxComponent", pdfs), None)
            self.lines.append(f"output-node name={output} input={end} objective=linear")

    def random(self, *shape):
        return self.rng.normal(0, 0.5, shape).astype(np.float32)

    def add(self, name, source, data, function):
        self.lines.append(f"component-node name={name} component={name} input={source}")
        self.components[name], self.functions[name] = data, function

    def affine(self, name, source, n_in, n_out, natural_gradient=True):
        weight, bias = self.random(n_out, n_in), self.random(n_out)
        self.add(name, source, affine(weight, bias, natural_gradient), lambda x: weight @ x + bias)

    def linear(self, name, source, n_in, n_out):
        weight = self.random(n_out, n_in)
        self.add(name, source, linear(weight), lambda x: weight @ x)

    def batch_norm(self, name, source, units):
        mean, variance = self.random(units), self.rng.uniform(0.2, 2, units).astype(np.float32)
        epsilon, rms = 0.003, 0.7

        def normalise(x):
            return rms * (x - mean) / np.sqrt(variance + epsilon)

        self.add(name, source, batch_norm(mean, variance, epsilon, rms), normalise)

    def activate(self, name, units, suffix=""):
        relu = nonlinearity("RectifiedLinearComponent", units)
        self.add(f"{name}.relu", f"{name}.affine", relu, lambda x: np.maximum(x, 0))
        self.batch_norm(f"{name}.batchnorm{suffix}", f"{name}.relu", units)
        if suffix or not self.with_dropout:
            return f"{name}.batchnorm{suffix}"
        self.add(f"{name}.dropout", f"{name}.batchnorm", dropout(units), lambda x: x)
        return f"{name}.dropout"

    def affine_layer(self, name, source, n_in, n_out, prefinal_of=False):
        self.affine(f"{name}.affine", source, n_in, n_out, natural_gradient=not prefinal_of)
        return self.activate(name, n_out, "1" if prefinal_of else "")

    def factorised(self, name, source, dim, bottleneck, stride):
        first = [-stride, 0] if stride else [0]
        second = [0, stride] if stride else [0]
        self.tdnn(f"{name}.linear", source, dim, bottleneck, first, bias=False)
        self.tdnn(f"{name}.affine", f"{name}.linear", bottleneck, dim, second, bias=True)
        end = self.activate(name, dim)
        total = f"Sum(Scale(0.75, {source}), {end})"
        self.add(f"{name}.noop", total, no_op(dim), lambda x: x)
        return f"{name}.noop"

    def tdnn(self, name, source, n_in, n_out, offsets, bias):
        weight = self.random(n_out, len(offsets) * n_in)
        shift = self.random(n_out) if bias else np.zeros(0, np.float32)
        self.offsets[name] = offsets
        function = (lambda x: weight @ x + shift) if bias else (lambda x: weight @ x)
        self.add(name, source, tdnn(weight, shift, offsets), function)

    def bytes(self, two_pdfs=True):
        out = b"\0B" + transition_model(self.pdfs, two_pdfs) + token("<Nnet3>") + b"\n"
        out += "".join(line + "\n" for line in self.lines).encode() + b"\n"
        out += token("<NumComponents>") + integer(len(self.components))
        for name, data in self.components.items():
            out += token("<ComponentName>") + token(name) + data
        out += token("</Nnet3>") + token("<LeftContext>") + integer(9)
        return out + token("<RightContext>") + integer(9) + token("<Priors>") + vector([])

    def evaluate(self, x, ivector, node, times):
        """Output of a node at some frames of x (frames, mfcc), following the lines of the model."""
        sources = dict(
            re.findall(r"component-node name=(\S+) .* input=(.*)", "\n".join(self.lines))
        )
        kept = {}

        def value(text, t):
            text = text.strip()
            called = re.fullmatch(r"(\w+)\((.*)\)", text)
            if called:
                arguments = re.findall(r"(?:[^,()]|\([^()]*(?:\([^()]*\)[^()]*)*\))+", called[2])
                return descriptor(called[1], arguments, t)
            if text == "input":
                return x[min(max(t, 0), len(x) - 1)]
            if text == "ivector":
                return ivector
            if (text, t) not in kept:
                parts = [value(sources[text], t + o) for o in self.offsets.get(text, [0])]
                kept[text, t] = self.functions[text](np.concatenate(parts))
            return kept[text, t]

        def descriptor(name, arguments, t):
            if name == "Offset":
                return value(arguments[0], t + int(arguments[1]))
            if name == "Scale":
                return float(arguments[0]) * value(arguments[1], t)
            if name == "ReplaceIndex":
                return value(arguments[0], 0)
            parts = [value(a, t) for a in arguments]
            return np.concatenate(parts) if name == "Append" else sum(parts)

        return np.stack([value(node, t) for t in times])
