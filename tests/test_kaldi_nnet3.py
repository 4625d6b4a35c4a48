"""Kaldi's binary chain models: read against a writer of our own, loaded against a slow evaluation."""

import numpy as np
import pytest
import torch
from conftest import refused
from kaldi_writer import ChainModel, integer, linear, matrix, real, token, vector

from sedutils.models.kaldi import nnet3, tdnnf
from sedutils.models.kaldi.nnet3 import KaldiError

SHAPE = {
    "mfcc": 3,
    "ivector": 2,
    "dim": 8,
    "bottleneck": 4,
    "strides": [1, 0, 3, 3],
    "prefinal": 5,
    "pdfs": 6,
}


@pytest.fixture
def model():
    return ChainModel(**SHAPE)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "final.mdl"


def written(model, file, **how):
    file.write_bytes(model.bytes(**how))
    return file


@pytest.mark.parametrize("changes", [{}, {"ivector": 0}, {"with_dropout": False}])
def test_the_loaded_network_gives_what_the_components_give(changes, file, rng):
    model = ChainModel(**(SHAPE | changes))
    net = tdnnf.load(written(model, file))
    x = rng.normal(size=(10, 3)).astype(np.float32)
    speakers = [np.zeros(2, np.float32), rng.normal(size=2).astype(np.float32)]
    for speaker in speakers[: 2 if model.has_ivector else 1]:
        outputs = model.evaluate(x, speaker, "output.affine", range(0, 10, 3))
        features = model.evaluate(x, speaker, "prefinal-chain.batchnorm2", range(0, 10, 3))
        given = torch.from_numpy(speaker)[None] if speaker.any() else None
        with torch.no_grad():
            found = net(torch.from_numpy(x)[None], given)[0].numpy()
            layer = net.features(torch.from_numpy(x)[None], given)[0].numpy()
        np.testing.assert_allclose(found, outputs, rtol=2e-4, atol=2e-5)
        np.testing.assert_allclose(layer, features, rtol=2e-4, atol=2e-5)
    assert not net.training and net.output.out_features == 6


def test_features_at_the_rate_of_the_mfccs(model, file, rng):
    net = tdnnf.load(written(model, file), subsampling=1)
    x = rng.normal(size=(5, 3)).astype(np.float32)
    expected = model.evaluate(x, np.zeros(2), "prefinal-chain.batchnorm2", range(5))
    with torch.no_grad():
        found = net.features(torch.from_numpy(x)[None])[0].numpy()
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("two_pdfs", [True, False])
def test_what_is_read(two_pdfs, model, file):
    found = nnet3.read(written(model, file, two_pdfs=two_pdfs))
    assert list(found.components) == list(model.components)
    assert [text for _, text in found.lines] == model.lines
    data = file.read_bytes()
    for at, text in found.lines:
        assert data[at : at + len(text)].decode() == text
    lda = found.components["lda"]
    assert lda.type == "FixedAffineComponent" and lda.fields["LinearParams"].shape == (11, 11)
    assert data[lda.at :].startswith(b"<FixedAffineComponent> ")
    tdnn = found.components["tdnnf4.linear"].fields
    assert tdnn["TimeOffsets"].tolist() == [-3, 0] and tdnn["RankInOut"] == (20, 80)
    assert tdnn["LinearParams"].dtype == np.float32 and tdnn["MaxChange"] == 0.75
    assert found.components["tdnn1.relu"].fields["Count"] == 123
    assert found.components["tdnn1.dropout"].fields["Continuous"] == ()
    pdfs = [[1, 0, 0, 1], [2, 0, 2, 3]] if two_pdfs else [[1, 0, 0, 0], [2, 0, 1, 1]]
    assert found.transitions[:2].tolist() == pdfs


def test_a_file_cut_anywhere_is_refused_with_the_place(model, file, rng):
    whole = model.bytes()
    lengths = {*range(60), *rng.integers(60, len(whole), 120).tolist(), len(whole) - 1}
    for length in sorted(lengths):
        file.write_bytes(whole[:length])
        refused(KaldiError, lambda: nnet3.read(file), f"{file}: byte ", str(length))
    written(model, file).write_bytes(whole + b"x")
    told = f"byte {len(whole)}: 1 more bytes, expected the end"
    refused(KaldiError, lambda: nnet3.read(file), told)


def test_an_unknown_component_is_named(model, file):
    model.components["tdnn1.relu"] = token("<SigmoidComponent>")
    written(model, file)
    at = file.read_bytes().index(b"<SigmoidComponent>")
    told = f"byte {at}: component tdnn1.relu of type <SigmoidComponent>, expected one of"
    refused(KaldiError, lambda: nnet3.read(file), file, told, "TdnnComponent")


@pytest.mark.parametrize(
    ("old", "new", "needles"),
    [
        (b"\0B", b"PK", ["byte 0", "b'PK'", "binary"]),
        (b"\0B<Tr", b"\0B<tr", ["byte 2", "<transitionModel>, expected <TransitionModel>"]),
        (b"<RankIn> \x04", b"<RankIn> \x08", ["a size of 8", "integer of 4 bytes"]),
        (b"<Epsilon> \x04", b"<Epsilon> \x02", ["a size of 2", "4 or 8 bytes"]),
        (b"<TestMode> T", b"<TestMode> 1", ["b'1', expected T or F"]),
        (b"<LinearParams> FM ", b"<LinearParams> CM ", ["CM, expected FM or DM"]),
        (b"<TimeOffsets> \x04", b"<TimeOffsets> \x08", ["a size of 8", "integers of 4 bytes"]),
        (b"<Alpha> ", b"<Beta> ", ["<Beta>, expected <Alpha>"]),
        (b"<ComponentName> tdnn1.affine ", b"<ComponentName> lda ", ["a second component lda"]),
        (b"<ComponentName> lda", b"<ComponentName> \xff\xfe", ["expected a name"]),
        (b"<NumComponents> \x04", b"<NumComponents> \xfc", ["a size of 252"]),
    ],
)
def test_what_kaldi_does_not_write_is_named(old, new, needles, model, file):
    data = model.bytes()
    assert old in data
    file.write_bytes(data.replace(old, new, 1))
    refused(KaldiError, lambda: nnet3.read(file), f"{file}: byte ", *needles)


def test_sizes_that_are_lies_are_refused_without_reading_so_much(model, file):
    huge = matrix(np.zeros((1, 1)))[: -4 - 10] + integer(2**31 - 1) + integer(2**31 - 1)
    negative = matrix(np.zeros((1, 1)))[: -4 - 10] + integer(-1) + integer(3)
    for wrong, told in ((huge, "the file ends after"), (negative, "-1 x 3")):
        data = model.bytes().replace(matrix(np.zeros((1, 1)))[:3], wrong, 1)
        file.write_bytes(data)
        refused(KaldiError, lambda: nnet3.read(file), told)


def test_a_weight_that_is_no_number_is_refused_at_its_byte(model, file):
    values = np.ones((5, 8), np.float32)
    values[2, 3] = np.nan
    model.components["prefinal-l"] = linear(values)
    data = model.bytes()
    at = data.index(values.tobytes()) + 4 * (2 * 8 + 3)
    file.write_bytes(data)
    refused(KaldiError, lambda: nnet3.read(file), f"byte {at}: nan, expected a finite")


def renamed(old, new):
    def change(model):
        assert any(old in line for line in model.lines)
        model.lines = [line.replace(old, new) for line in model.lines]

    return change


def replaced(name, data):
    def change(model):
        model.components[name] = data

    return change


@pytest.mark.parametrize(
    ("change", "needles"),
    [
        (replaced("prefinal-l", linear(np.ones((5, 9)))), ["Params of prefinal-l is 5 x 9", "x 8"]),
        (
            replaced("prefinal-chain.linear", linear(np.ones((4, 8)))),
            ["Params of prefinal-chain.linear is 4 x 8, expected 5 x 8"],
        ),
        (
            lambda m: m.tdnn("tdnnf3.affine", "tdnnf3.linear", 4, 9, [0], bias=True),
            ["LinearParams of tdnnf3.affine is 9 x 4, expected 8 x 4"],
        ),
        (
            lambda m: m.tdnn("tdnnf4.linear", "tdnnf3.noop", 8, 4, [-2, 0], bias=False),
            ["time offsets of tdnnf4 ([-2, 0], [0, 3])"],
        ),
        (
            lambda m: m.batch_norm("tdnn1.batchnorm", "tdnn1.relu", 7),
            ["tdnn1.batchnorm of 7 units", "expected 8 in one block"],
        ),
        (
            lambda m: m.affine("output.affine", "prefinal-chain.batchnorm2", 5, 7),
            ["7 outputs, expected 6, one a pdf"],
        ),
        (
            lambda m: m.affine("more.affine", "lda", 5, 7),
            ["component more.affine, expected components of a TDNN-F alone"],
        ),
        (replaced("tdnn1.relu", linear(np.ones((8, 8)))), ["tdnn1.relu is a LinearComponent"]),
        (renamed("input=lda", "input=input"), ["tdnn1.affine reads from input, expected lda"]),
        (renamed("0.75, tdnnf2.noop", "0.66, tdnnf2.noop"), ["a bypass of 0.66, expected 0.75"]),
        (renamed("Sum(", "Append("), ["tdnnf2.noop reads from Append(", "expected Sum(Scale(0.75"]),
        (renamed("name=tdnnf2.", "name=layer2."), ["without component-node tdnnf2.linear"]),
        (renamed("component-node name=lda", "dim-range name=lda"), ["dim-range", "input-node"]),
        (renamed("component=lda", "component=pca"), ["lda has no component"]),
        (renamed("name=input dim=3", "name=input"), ["inputs of [0, 2] dimensions"]),
        (
            renamed("name=output input=output", "name=output input=tdnn1"),
            ["output reads from tdnn1"],
        ),
    ],
)
def test_another_network_than_a_tdnnf_is_named(change, needles, model, file):
    change(model)
    model.lines = list({line.split(" input=")[0]: line for line in model.lines}.values())
    written(model, file)
    nnet3.read(file)  # well-formed
    refused(KaldiError, lambda: tdnnf.load(file), f"{file}: byte ", *needles)


def test_a_missing_file_is_named(file):
    refused(FileNotFoundError, lambda: tdnnf.load(file), f"{file}: no such file")


def test_fields_of_earlier_versions_are_read(model, file):
    """NoOp as a nonlinearity, and affine layers that still had counters of their updates."""
    name, end = "output.affine", token("</NaturalGradientAffineComponent>")
    old = token("<MaxChangePerSample>") + real(0.1) + token("<IsGradient>") + b"F"
    old += token("<UpdateCount>") + real(1) + token("<ActiveScalingCount>") + real(2)
    old += token("<MaxChangeScaleStats>") + real(3)
    model.components[name] = model.components[name].replace(end, old + end)
    no_op = token("<NoOpComponent>") + token("<Dim>") + integer(8) + token("<ValueAvg>")
    no_op += vector([]) + token("<DerivAvg>") + vector([]) + token("<Count>") + real(0)
    no_op += token("<NumDimsSelfRepaired>") + real(0) + token("<NumDimsProcessed>") + real(0)
    model.components["tdnnf2.noop"] = no_op + token("</NoOpComponent>")
    assert tdnnf.load(written(model, file)).context == 8
