"""params.yaml: valid as staged; one clear line for what is not; sizes lie over sections."""

import ast
from pathlib import Path

import pytest
import yaml
from conftest import refused

from sedutils.pipeline import params, schema_systems, validation


@pytest.fixture(autouse=True)
def project(staged, monkeypatch):
    """Where every test here finds params.yaml."""
    monkeypatch.chdir(staged)


def changed(tmp_path, path, value):
    """A copy of params.yaml with one value set; a path of keys joined by dots."""
    branch = tree = params.read("params.yaml")
    *parents, key = path.split(".")
    for parent in parents:
        branch = branch.setdefault(parent, {})
    branch[key] = value
    copy = tmp_path / "params.yaml"
    copy.write_text(yaml.safe_dump(tree))
    return copy


def test_the_staged_file_is_valid():
    validation.validate("params.yaml")


CORPUS = "corpora.tut_sed_synthetic_2016"
FAMILY = {"systems": ["cnn_chime"], "seeds": 1, "folds": 0, "share": 1.0}
READ = {"source": "official", "official": "data/raw/x", "seed": 1, "validation_share": 0.2}
BAD = [
    ("training.learnig_rate", 0.1, "training.learnig_rate"),
    ("systems.rnn.learning_rate", 0, "learning_rate = 0"),
    ("training.patience", "100", "patience"),
    ("sizes.laptop.training.max_epochs", 1.5, "training.max_epochs = 1.5"),
    ("sizes.paper.training.seeds", [1, 1], "names a seed twice"),
    (f"{CORPUS}.source", "youtube", "source = 'youtube'"),
    (f"{CORPUS}.segment_s", [15.0, 3.0], "segment_s is [15.0, 3.0]"),
    (f"{CORPUS}.bank_folds.test", [4], "gives a fold to two parts"),
    (f"{CORPUS}.split_fractions.test", 0.5, "must add up to 1"),
    ("families.chime_home.main.systems", ["transformer"], "no system is called 'transformer'"),
    ("families.chime", {}, "no corpus is called 'chime'"),
    ("families.chime_home.main.share", 0, "share = 0"),
    ("families.chime_home.main.systems", ["cnn_chime"], "'rnn_chime' is missing"),
    ("sizes.laptop.families.chime_home.main.folds", 1, "folds = 1: development and evaluation"),
    ("corpora.tut_sed_2009.event_to_background_db", [20.0, 0.0], "give the lower one first"),
    ("sizes.laptop.corpora.tut_sed_2009.recordings_per_scene", 4, "is too few for 5 folds"),
    ("systems.crnn_2016.base", "transformer", "systems.crnn_2016.base = 'transformer'"),
    ("systems.crnn_2016.base", "crnn_2009", "itself a variant"),
    ("systems.crnn_lengths.base", "crnn_2009", "systems.crnn_lengths.base = 'crnn_2009'"),
    ("systems.crnn_lengths.vary", [8, 32], "systems.crnn_lengths.vary = [8, 32]: give a key"),
    ("systems.crnn_lengths.vary.sequence_frames", 8, "vary = {'sequence_frames': 8}: give a key"),
    ("systems.crnn_lengths.vary.sequence_frames.crnn_8", 0, "systems.crnn_8.CRNN.sequence_frames"),
    ("systems.crnn_lengths.vary.sequence_frames.crnn", 8, "systems.crnn: there twice"),
    ("systems.crnn_lengths.vary.frames.crnn_9", 9, "systems.crnn_9.CRNN.frames"),
    ("sizes.laptop.systems.crnn_8.batch_frames", 64, "systems.crnn_8: there twice"),
    ("corpora.tut_sed_2009.source", "bank", "source = 'bank'"),
    ("corpora.chime_home.validation_share", 1.5, "validation_share = 1.5"),
    ("systems.crnn.pool", [7], "40 bands do not pool by 7"),
    ("systems.crnn.kind", "LSTM", "systems.crnn"),
    ("systems.fnn.units", 1601, "units must divide by pieces"),
    ("build.sizes", ["desktop"], "'desktop'"),
    ("sizes.laptop", 3, "sizes.laptop = 3: sections are needed"),
    ("sizes.paper", None, "sizes.paper = None: sections are needed"),
    ("sizes.quick.base", "desktop", "sizes.quick.base = 'desktop': no such size"),
    ("sizes.quick.base", ["laptop"], "sizes.quick.base = ['laptop']: no such size"),
    ("sizes.laptop.base", "paper", "sizes.quick.base = 'laptop': no such size, or one with a base"),
    ("systems.crnn_lstm.base", ["crnn"], "base = ['crnn']: no such system"),
    ("features.fft", 512, "fft = 512"),
    ("jobs.backend", "dask", "backend is dask, but scheduler is empty"),
    ("jobs.scheduler", "host:8786", "jobs.scheduler = 'host:8786'"),
    ("grid.first.cnn.maps", [96, 96], "first.cnn.maps names a value twice"),
    ("grid.first.crnn.pool", [[3]], "40 bands do not pool by 3"),
    ("grid.first.rnn.maps", [16], "maps: Extra inputs are not permitted"),
    ("grid.first.rnn.rnn_layers", [0], "rnn_layers: Input should be greater"),
    ("grid.second.dropout", [1.0], "dropout: Input should be less than 1"),
    ("grid.corpora.chime_home.bases.cnn", "crnn", "bases.cnn = 'crnn': no system of this kind"),
    ("grid.corpora.chime_home.points", -1, "points = -1"),
    ("grid.corpora.chime", {"bases": {}, "points": 0, "share": 1.0}, "no corpus is called 'chime'"),
    ("surprise", {}, "surprise"),
    ("corpora.maestro", {"source": "foley"}, "corpora.maestro.source = 'foley'"),
    ("corpora.tut_sed_2O09", {"source": "official", "seed": 1}, "tut_sed_2O09.official: Field"),
    ("features.gradual.context", 4, "context = 4: as many before as behind"),
    ("features.gradual.mean_frames", 4, "two means must make a decision of 0.1 s"),
    (
        "features.gradual.mel_bands",
        25,
        "mel_bands = 25, context = 5: the CBRNN's poolings need 127",
    ),
    ("features.kao2018.mel_bands", 12, "kao2018.mel_bands = 12: R-CRNN's strides need 13"),
    ("features.gradual.hop_s", 0.02, "mean_frames = 5, hop_s = 0.02: two means"),
    ("features.gradual.sample_rate", 22050, "features.gradual.sample_rate"),
    ("corpora.speech.snr_db", [35.0, 5.0], "snr_db is [35.0, 5.0]: give the lower one first"),
    ("systems.rcrnn.sequence_frames", 1291, "a clip of 30 s has 1292 frames"),
    ("systems.cbrnn.sequence_frames", 301, "= 301: a clip of 30 s has 300 frames"),
    ("systems.finetuning_net.sequence_frames", 150, "finetuning_net.sequence_frames = 150"),
    ("corpora.tut_rare_2017.clip_s", 10.0, "a clip of 10 s has 100 frames"),
    ("features.kao2018.hop_s", 0.02, "a clip of 30 s has 1500 frames"),
    ("families.tut_rare_2017.rcrnn.systems", ["rcrnn"], "'rcrnn_cnn' is missing"),
    ("systems.gradual_net.asr", "all", "asr = 'all'"),
    ("systems.finetuning_net.asr", "none", "asr = 'none'"),
    ("systems./tmp/x", {"base": "crnn"}, "'/tmp/x' names a folder: only letters"),
    ("families.chime_home.a b", FAMILY, "'a b' names a folder"),
    ("corpora.a/b", READ, "'a/b' names a folder"),
    ("rcrnn.probability", 1.0, "probability = 1.0"),
    ("rcrnn.search.nodes", [], "rcrnn.search.nodes"),
]


@pytest.mark.parametrize(("path", "value", "words"), BAD)
def test_a_bad_value_is_one_line_that_names_it(tmp_path, path, value, words):
    with pytest.raises(ValueError, match=r"params\.yaml") as caught:
        validation.validate(changed(tmp_path, path, value))
    message = str(caught.value)
    assert words in message
    assert "\n" not in message


def test_broken_yaml_is_one_line(tmp_path):
    broken = tmp_path / "params.yaml"
    broken.write_text("build: [\n")
    with pytest.raises(ValueError, match=r"params\.yaml") as caught:
        validation.validate(broken)
    assert "\n" not in str(caught.value)


def test_a_key_that_stands_twice_is_named_with_its_line(tmp_path):
    lines = Path("params.yaml").read_text().splitlines()
    twice = lines.index("training:") + 1
    copy = tmp_path / "params.yaml"
    copy.write_text("\n".join([*lines[:twice], "  seeds: [1]", "  seeds: [2]", *lines[twice:]]))
    refused(ValueError, lambda: validation.validate(copy), f"line {twice + 2}: 'seeds' is there")


ARGUMENTS = {
    "*, maps": "maps: no annotation: annotate it with int,",
    "*, maps: str": "maps: str: annotate it with int,",
    "maps: int, *, units: int": "maps: write it behind the *",
    "*maps": "maps: write it behind the *",
    "*, maps: int = WIDE": "maps: default WIDE",
}


@pytest.mark.parametrize(("written", "words"), ARGUMENTS.items())
def test_an_argument_of_a_network_that_is_no_value_is_one_line(written, words):
    arguments = ast.parse(f"def __init__(self, {written}): ...").body[0].args
    call = lambda: schema_systems.section("TCN", "tcn", arguments)  # noqa: E731
    refused(ValueError, call, f"sedutils/models/tcn.py: TCN.__init__: {words}")


def test_an_empty_file_is_an_error(tmp_path):
    empty = tmp_path / "params.yaml"
    empty.write_text("")
    with pytest.raises(ValueError, match=r"params\.yaml"):
        validation.validate(empty)


def test_the_values_of_a_size_lie_over_the_section():
    tree = params.read("params.yaml")
    laptop, paper = (params.load("systems.crnn", size=size)[0] for size in ("laptop", "paper"))
    assert laptop["maps"] == tree["sizes"]["laptop"]["systems"]["crnn"]["maps"]
    assert paper["maps"] == tree["systems"]["crnn"]["maps"] == 256
    assert laptop["pool"] == paper["pool"] == [5, 4, 2]


def test_a_size_takes_over_the_values_of_its_base():
    sizes = params.read("params.yaml")["sizes"]
    laptop, quick = (params.resolved(size) for size in ("laptop", "quick"))
    assert sizes["quick"]["base"] == "laptop" and "features" not in sizes["quick"]
    assert quick["features"] == laptop["features"]
    assert quick["systems"]["crnn"] == laptop["systems"]["crnn"] | sizes["quick"]["systems"]["crnn"]
    assert "base" not in quick


def test_an_entry_stands_for_the_systems_that_it_varies():
    systems = params.resolved("laptop")["systems"]
    assert "crnn_lengths" not in systems and "crnn_shapes" not in systems
    own = {"sequence_frames": 32, "maps": 8}  # the entry's, which this size gives it
    assert systems["crnn_32"] == systems["crnn"] | own
    assert systems["crnn_3x11"] == systems["crnn"] | {"filter_shape": [3, 11], "maps": 8}
    assert systems["rnn_32"]["kind"] == "RNN" and params.resolved("paper")["systems"]["rnn_32"] == (
        params.resolved("paper")["systems"]["rnn"] | {"sequence_frames": 32}
    )


def test_a_corpus_may_be_one_that_is_only_read(tmp_path):
    validation.validate(changed(tmp_path, "corpora.maestro", READ))


def test_an_unknown_section_is_an_error():
    with pytest.raises(KeyError, match=r"systems\.transformer"):
        params.load("systems.transformer", size="laptop")


@pytest.fixture
def written(project):
    """What stage `sources` writes."""
    params.write_resolved()


def test_a_stage_reads_nothing_but_what_it_declares(monkeypatch, written):
    (whole,) = params.load("training", size="laptop")
    monkeypatch.setenv("DVC_STAGE", "start_here@laptop")
    source, training = params.load("corpora.tut_sed_synthetic_2016", "training", size="laptop")
    assert source == {"source": "foley"}
    assert training["patience"] == whole["patience"]
    with pytest.raises(KeyError, match=r"'systems', or stage start_here@laptop does not declare"):
        params.load("systems", size="laptop")


@pytest.mark.parametrize(
    "stage", ["train@laptop-main", "grid@laptop-chime_home-foley", "crnn@laptop"]
)
def test_a_stage_reads_what_it_declares(monkeypatch, written, stage):
    whole = params.load("training", "systems", size="laptop")
    monkeypatch.setenv("DVC_STAGE", stage)
    assert params.load("training", "systems", size="laptop") == whole
    if stage.startswith("train"):
        (family,) = params.load("families.tut_sed_synthetic_2016.main", size="laptop")
        assert family["systems"] == ["gmm", "fnn", "rnn", "cnn", "crnn"]


def test_of_a_cluster_the_backend_is_its_address(tmp_path):
    assert params.workers() == {"backend": "processes", "workers": 0}
    path = changed(tmp_path, "jobs.scheduler", "tcp://host:8786")
    assert params.workers(path=path)["backend"] == "processes"
    path.write_text(path.read_text().replace("backend: processes", "backend: dask"))
    assert params.workers("cuda", path=path) == {"backend": "tcp://host:8786", "workers": 0}


@pytest.mark.parametrize(("there", "device"), [(True, "auto"), (False, "cuda")])
def test_on_a_gpu_trainings_take_turns_and_nothing_else_does(monkeypatch, there, device, tmp_path):
    monkeypatch.setattr("torch.cuda.is_available", lambda: there)
    assert params.workers() == params.workers("cpu") == {"backend": "processes", "workers": 0}
    assert params.workers(device) == {"backend": "processes", "workers": 1}
    path = changed(tmp_path, "jobs.gpu_trainings", 3)
    assert params.workers(device, path=path)["workers"] == 3
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert params.workers("auto")["workers"] == 0
