"""Kaldi's binary acoustic models (``final.mdl`` of a chain recipe): a transition model, then an nnet3 network.

What Kaldi writes, all little-endian: a header ``\\0B``; tokens in ASCII, each ended by a blank; numbers behind
a byte with their size (4 or 8); booleans as T or F; vectors as a token ``FV`` (float32) or ``DV`` (float64), a
length and the values; matrices as ``FM`` or ``DM``, rows, columns and the values row by row. The network is
a few lines of text that say how its components are connected, a blank line, and the components, each a
sequence of named fields between ``<Type>`` and ``</Type>``. Nothing in such a file is executed.

`sedutils.models.kaldi.tdnnf` makes a network of what this returns.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

# A field is "Name:kinds"; a kind is a method of `Reader`. Kaldi leaves fields with "?" out where they hold
# their default, or wrote them in earlier versions.
_TRAINING = (
    "?LearningRateFactor:real ?IsGradient:boolean ?MaxChange:real ?L2Regularize:real "
    "LearningRate:real "
)
_AFFINE = _TRAINING + "LinearParams:matrix BiasParams:vector "
_STATISTICS = (
    "?ValueAvg:vector ?DerivAvg:vector ?Count:real ?OderivRms:vector ?OderivCount:real "
    "?NumDimsSelfRepaired:real ?NumDimsProcessed:real "
)
_NONLINEARITY = (
    f"Dim:integer ?BlockDim:integer {_STATISTICS}"
    "?SelfRepairLowerThreshold:real ?SelfRepairUpperThreshold:real ?SelfRepairScale:real"
)
FIELDS = {
    "FixedAffineComponent": "LinearParams:matrix BiasParams:vector",
    "AffineComponent": _AFFINE + "?IsGradient:boolean ?OrthonormalConstraint:real",
    "NaturalGradientAffineComponent": _AFFINE
    + "RankIn:integer RankOut:integer ?OrthonormalConstraint:real UpdatePeriod:integer "
    "NumSamplesHistory:real Alpha:real ?MaxChangePerSample:real ?IsGradient:boolean "
    "?UpdateCount:real ?ActiveScalingCount:real ?MaxChangeScaleStats:real",
    "LinearComponent": _TRAINING
    + "Params:matrix ?OrthonormalConstraint:real UseNaturalGradient:boolean "
    "RankInOut:integer,integer Alpha:real NumSamplesHistory:real UpdatePeriod:integer",
    "TdnnComponent": _TRAINING
    + "TimeOffsets:integers LinearParams:matrix BiasParams:vector OrthonormalConstraint:real "
    "UseNaturalGradient:boolean NumSamplesHistory:real AlphaInOut:real,real "
    "RankInOut:integer,integer",
    "BatchNormComponent": "Dim:integer BlockDim:integer Epsilon:real TargetRms:real "
    "TestMode:boolean Count:real StatsMean:vector StatsVar:vector",
    "RectifiedLinearComponent": _NONLINEARITY,
    "LogSoftmaxComponent": _NONLINEARITY,
    "NoOpComponent": f"Dim:integer ?BackpropScale:real {_STATISTICS}",
    "GeneralDropoutComponent": "Dim:integer BlockDim:integer TimePeriod:integer "
    "DropoutProportion:real ?TestMode: ?Continuous:",
}


class KaldiError(ValueError):
    """A file that is not what Kaldi writes; the message is one line with file, byte, what was met and expected."""


@dataclass(frozen=True, eq=False)
class Component:
    """``fields`` by name: a number, an array, or a tuple of numbers; ``at``: the byte where it begins."""

    name: str
    type: str
    at: int
    fields: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Model:
    """What a file holds.

    transitions : int (states, 4): phone, state of its topology, pdf (output of the network) of the
        transition forward and of the loop
    lines : (byte, text) of the text that connects the components
    components : by name, in the order of the file
    """

    path: Path
    transitions: np.ndarray
    lines: list[tuple[int, str]]
    components: dict[str, Component]


def read(path: str | Path) -> Model:
    """Read a binary model whole.

    FileNotFoundError for a missing file; KaldiError for anything else than Kaldi writes: it names
    the file, the byte, what stands there and what was expected.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    reader = Reader(path, path.read_bytes())
    reader.header()
    transitions = reader.transition_model()
    lines, components = reader.network()
    reader.expect("<LeftContext>")
    reader.integer()
    reader.expect("<RightContext>")
    reader.integer()
    reader.expect("<Priors>")
    reader.vector()
    if reader.at < len(reader.data):
        reader.fail(reader.at, f"{len(reader.data) - reader.at} more bytes", "the end of the file")
    return Model(path, transitions, lines, components)


def refuse(path: Path, at: int, met: str, expected: str) -> NoReturn:
    raise KaldiError(f"{path}: byte {at}: {met}, expected {expected}")


class Reader:
    """A place in the bytes of a file; every method reads one thing and moves on."""

    def __init__(self, path: Path, data: bytes):
        self.path, self.data, self.at = path, data, 0

    def fail(self, at: int, met: str, expected: str) -> NoReturn:
        refuse(self.path, at, met, expected)

    def take(self, size: int, expected: str) -> bytes:
        if size < 0:
            self.fail(self.at, f"a length of {size}", expected)
        if self.at + size > len(self.data):
            self.fail(self.at, f"the file ends after {len(self.data)} bytes", expected)
        self.at += size
        return self.data[self.at - size : self.at]

    def header(self) -> None:
        if self.take(2, "a binary header") != b"\0B":
            self.fail(0, f"{self.data[:2]!r}", r"b'\x00B' of a binary file")

    def token(self, expected: str) -> str:
        """The token that stands here, at most 200 characters long."""
        end = self.data.find(b" ", self.at, self.at + 200)
        if end < 0 and len(self.data) - self.at < 200:
            self.fail(self.at, f"the file ends after {len(self.data)} bytes", expected)
        found = self.data[self.at : end]
        if end < 0 or not (found.isascii() and found.decode("latin-1").isprintable()):
            self.fail(self.at, f"{self.data[self.at : self.at + 20]!r}", expected)
        self.at = end + 1
        return found.decode("ascii")

    def expect(self, *tokens: str) -> str:
        at, expected = self.at, " or ".join(tokens)
        found = self.token(expected)
        if found not in tokens:
            self.fail(at, found, expected)
        return found

    def number(self, kinds: dict[int, str], expected: str) -> np.generic:
        at, size = self.at, self.take(1, expected)[0]
        if size not in kinds:
            self.fail(at, f"a size of {size}", expected)
        return np.frombuffer(self.take(size, expected), kinds[size])[0]

    def integer(self) -> int:
        return int(self.number({4: "<i4"}, "an integer of 4 bytes"))

    def real(self) -> float:
        return float(self.number({4: "<f4", 8: "<f8"}, "a real number of 4 or 8 bytes"))

    def boolean(self) -> bool:
        at, found = self.at, self.take(1, "T or F")
        if found not in (b"T", b"F"):
            self.fail(at, f"{found!r}", "T or F")
        return found == b"T"

    def integers(self) -> np.ndarray:
        at, size = self.at, self.take(1, "a vector of integers")[0]
        if size != 4:
            self.fail(at, f"a size of {size}", "integers of 4 bytes")
        length = int(np.frombuffer(self.take(4, "a length"), "<i4")[0])
        return np.frombuffer(self.take(4 * length, f"{length} integers"), "<i4")

    def vector(self) -> np.ndarray:
        kind = self.expect("FV", "DV")
        return self.values(kind, self.integer())

    def matrix(self) -> np.ndarray:
        kind = self.expect("FM", "DM")
        rows, columns = self.integer(), self.integer()
        if min(rows, columns) < 0:
            self.fail(self.at, f"{rows} x {columns}", "rows and columns of a matrix")
        return self.values(kind, rows * columns).reshape(rows, columns)

    def values(self, kind: str, length: int) -> np.ndarray:
        dtype = np.dtype("<f4" if kind[0] == "F" else "<f8")
        found = np.frombuffer(self.take(length * dtype.itemsize, f"{length} values"), dtype)
        if not np.isfinite(found).all():
            bad = int(np.argmin(np.isfinite(found)))
            self.fail(self.at - (length - bad) * dtype.itemsize, str(found[bad]), "a finite value")
        return found.astype(np.float32)

    def transition_model(self) -> np.ndarray:
        """The transitions of `Model`; the topologies and probabilities are read past."""
        self.expect("<TransitionModel>")
        self.topology()
        kind = self.expect("<Triples>", "<Tuples>")
        width = 3 if kind == "<Triples>" else 4
        rows = [[self.integer() for _ in range(width)] for _ in range(self.integer())]
        self.expect(kind.replace("<", "</"))
        self.expect("<LogProbs>")
        self.vector()
        self.expect("</LogProbs>")
        self.expect("</TransitionModel>")
        transitions = np.array(rows, dtype=np.int64).reshape(-1, width)
        return transitions if width == 4 else transitions[:, [0, 1, 2, 2]]

    def topology(self) -> None:
        self.expect("<Topology>")
        self.integers()  # phones
        self.integers()  # the entry of each
        entries = self.integer()
        two_pdfs = entries == -1  # one forward and one for the loop
        for _ in range(self.integer() if two_pdfs else entries):
            for _ in range(self.integer()):  # states
                for _ in range(2 if two_pdfs else 1):
                    self.integer()
                for _ in range(self.integer()):  # transitions
                    self.integer()
                    self.real()
        self.expect("</Topology>")

    def network(self) -> tuple[list[tuple[int, str]], dict[str, Component]]:
        self.expect("<Nnet3>")
        if self.line() != "":
            self.fail(self.at, "no line end behind <Nnet3>", "one")
        lines = []
        while text := self.line():
            lines.append((self.at - len(text) - 1, text))
        self.expect("<NumComponents>")
        components = {}
        for _ in range(self.integer()):
            self.expect("<ComponentName>")
            at, name = self.at, self.token("a name")
            if name in components:
                self.fail(at, f"a second component {name}", "another name")
            components[name] = self.component(name)
        self.expect("</Nnet3>")
        return lines, components

    def line(self) -> str:
        end = self.data.find(b"\n", self.at)
        if end < 0:
            self.fail(self.at, f"the file ends after {len(self.data)} bytes", "a line end")
        text, at = self.data[self.at : end], self.at
        if not text.isascii():
            self.fail(at, f"{text[:20]!r}", "a line of text")
        self.at = end + 1
        return text.decode("ascii")

    def component(self, name: str) -> Component:
        at, opening = self.at, self.token("the type of a component")
        kind = opening.strip("<>")
        if opening != f"<{kind}>" or kind not in FIELDS:
            self.fail(at, f"component {name} of type {opening}", f"one of {', '.join(FIELDS)}")
        fields = {}
        for optional, field, kinds in re.findall(r"(\??)(\w+):([\w,]*)", FIELDS[kind]):
            if optional and not self.data.startswith(f"<{field}> ".encode(), self.at):
                continue
            self.expect(f"<{field}>")
            values = tuple(getattr(self, k)() for k in kinds.split(",") if k)
            fields[field] = values[0] if len(values) == 1 else values
        self.expect(f"</{kind}>")
        return Component(name, kind, at, fields)
