"""What params.yaml may hold: a class a section, and what must agree between sections."""

import itertools
import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(gt=0, le=1)]
# a YAML list is welcome where a pair is meant
Range = Annotated[tuple[Positive, Positive], Field(strict=False)]
Counts = Annotated[tuple[Count, Count], Field(strict=False)]
Split = Literal["train", "validation", "test"]


# Systems that tables and verdicts of the chapters cannot do without, by corpus and family
ROWS = {
    ("tut_sed_synthetic_2016", "main"): ("gmm", "fnn", "rnn", "cnn", "crnn"),
    ("tut_sed_synthetic_2016", "filter_shapes"): tuple(
        f"crnn_{shape}" for shape in ("3x3", "5x5", "11x11", "1x5", "5x1", "3x11", "11x3")
    ),
    ("tut_sed_synthetic_2016", "regularisation"): ("crnn_with_both", "crnn_neither", "crnn_lstm"),
    ("tut_sed_2009", "main"): ("gmm", "fnn", "rnn_scenes", "cnn_scenes", "crnn_2009"),
    ("tut_sound_events_2016", "main"): ("gmm", "fnn", "rnn_scenes", "cnn_scenes", "crnn_2016"),
    ("tut_sed_synthetic_2016", "multitask"): ("multilabel_crnn", "multitask_crnn"),
    ("itc_irst", "multitask"): ("multilabel_crnn", "multitask_crnn"),
    ("chime_home", "main"): ("rnn_chime", "cnn_chime", "crnn_chime", "cnn_chime_no_batch_norm"),
}


class Section(BaseModel):
    """A part of params.yaml: unknown keys are errors, and 1.5 is no integer."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Mixtures(Section):
    """TUT-SED Synthetic 2016"""

    source: Literal["foley", "bank", "official"]
    official: str
    bank: str
    seed: Annotated[int, Field(ge=0)]
    bank_folds: dict[Split, list[int]]
    split_fractions: dict[Split, Annotated[float, Field(gt=0, lt=1)]]
    classes_per_mixture: Counts
    segment_s: Range
    polyphony: Positive
    level_spread_db: Annotated[float, Field(ge=0)]
    annotation_range_db: Positive
    annotation_gap_s: Annotated[float, Field(ge=0)]
    mixture_s: Positive
    mixtures: dict[Split, Count]
    uses_per_instance: Positive

    @model_validator(mode="after")
    def ordered(self):
        for name in ("classes_per_mixture", "segment_s"):
            least, most = getattr(self, name)
            if least > most:
                raise ValueError(
                    f"{name} is [{least}, {most}]: the first must not exceed the second"
                )
        folds = [fold for numbers in self.bank_folds.values() for fold in numbers]
        if len(set(folds)) < len(folds):
            raise ValueError(f"bank_folds gives a fold to two parts: {self.bank_folds}")
        if abs(sum(self.split_fractions.values()) - 1) > 1e-6:
            raise ValueError(f"split_fractions must add up to 1: {self.split_fractions}")
        return self


class Scenes(Section):
    """TUT-SED 2009 and TUT Sound Events 2016"""

    source: Literal["foley", "official"]
    official: str
    seed: Annotated[int, Field(ge=0)]
    recordings_per_scene: Annotated[int, Field(ge=3)]
    recording_s: Positive
    polyphony: Positive
    event_to_background_db: Annotated[tuple[float, float], Field(strict=False)]
    folds: Annotated[int, Field(ge=2)]
    validation_share: Annotated[float, Field(gt=0, lt=1)]
    annotation_range_db: Positive
    annotation_gap_s: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def possible(self):
        check_levels(self.event_to_background_db)
        rest = self.recordings_per_scene - math.ceil(self.recordings_per_scene / self.folds)
        held = math.ceil(self.validation_share * rest)
        if self.recordings_per_scene < self.folds or not 0 < held < rest:
            raise ValueError(
                f"recordings_per_scene = {self.recordings_per_scene} is too few for {self.folds} folds"
            )
        return self


def check_levels(event_to_background_db: tuple[float, float]) -> None:
    low, high = event_to_background_db
    if low > high:
        raise ValueError(f"event_to_background_db is [{low}, {high}]: give the lower one first")


class Chunks(Section):
    """CHiME-Home"""

    source: Literal["foley", "official"]
    official: str
    seed: Annotated[int, Field(ge=0)]
    development: Count
    evaluation: Count
    validation_share: Annotated[float, Field(gt=0, lt=1)]


class RareClips(Section):
    """How many mixtures of each class in each set of TUT Rare Sound Events 2017"""

    pretraining: Count
    detection: Count
    validation: Count
    development: Count
    evaluation: Count


class Sessions(Section):
    """ITC-Irst"""

    source: Literal["foley", "official"]
    official: str
    seed: Annotated[int, Field(ge=0)]
    train_sessions: Annotated[int, Field(ge=2)]
    test_sessions: Count
    events_per_class: Count
    session_s: Positive
    event_to_background_db: Annotated[tuple[float, float], Field(strict=False)]
    annotation_range_db: Positive

    @model_validator(mode="after")
    def ordered(self):
        check_levels(self.event_to_background_db)
        return self


class RareEvents(Section):
    """TUT Rare Sound Events 2017"""

    source: Literal["foley", "bank", "official"]
    official: str
    bank: str
    bank_events: dict[Literal["babycry", "glassbreak", "gunshot"], str]
    bank_backgrounds: Annotated[list[str], Field(min_length=1)]
    seed: Annotated[int, Field(ge=0)]
    clip_s: Positive
    event_probability: Probability
    detection_event_probability: Probability
    ebr_db: Annotated[list[float], Field(min_length=1)]
    validation_share: Annotated[float, Field(gt=0, lt=1)]
    annotation_range_db: Positive
    annotation_gap_s: Annotated[float, Field(ge=0)]
    clips: RareClips
    events_share: Share
    backgrounds_share: Share
    audio: bool

    @model_validator(mode="after")
    def told_apart(self):
        if self.event_probability == self.detection_event_probability:
            raise ValueError(
                f"detection_event_probability = {self.event_probability} is event_probability too: "
                "the two training sets could not be told apart"
            )
        for label in ("babycry", "glassbreak", "gunshot"):
            if label not in self.bank_events:
                raise ValueError(f"bank_events: no label for {label}")
        both = set(self.bank_events.values()) & set(self.bank_backgrounds)
        if both or len(set(self.bank_events.values())) < len(self.bank_events):
            raise ValueError("bank_events, bank_backgrounds: a label is there twice")
        return self


class Corpora(Section):
    tut_sed_synthetic_2016: Mixtures
    tut_sed_2009: Scenes
    tut_sound_events_2016: Scenes
    chime_home: Chunks
    itc_irst: Sessions
    tut_rare_2017: RareEvents


class FrontEnd(Section):
    sample_rate: Count
    frame_s: Positive
    hop_s: Positive
    fft: Count
    mel_bands: Count
    low_hz: Annotated[float, Field(ge=0)]
    log_floor: Positive
    mfcc: Annotated[int, Field(ge=0)]
    delta_frames: Annotated[int, Field(ge=3)]

    @model_validator(mode="after")
    def frame_fits(self):
        if round(self.frame_s * self.sample_rate) > self.fft:
            raise ValueError(f"fft = {self.fft} is shorter than a frame of {self.frame_s} s")
        if self.low_hz >= self.sample_rate / 2:
            raise ValueError(f"low_hz = {self.low_hz} leaves no band below half the sample rate")
        return self


class Features(Section):
    cakir2017: FrontEnd
    phan2018: FrontEnd

    @model_validator(mode="after")
    def complete(self):
        if self.cakir2017.mfcc < 2:
            raise ValueError(f"cakir2017.mfcc = {self.cakir2017.mfcc}: the GMM needs at least 2")
        return self


class GMM(Section):
    kind: Literal["GMM"]
    components: Count
    iterations: Count
    frames_per_model: Annotated[int, Field(ge=0)]
    window_s: Positive


class Network(Section):
    dropout: Fraction
    time_pooling: bool = False
    sequence_frames: Count
    batch_frames: Count
    learning_rate: Positive


class FNN(Network):
    kind: Literal["FNN"]
    context: Count
    units: Count
    layers: Count
    pieces: Count


class Convolutional(Network):
    maps: Count
    pool: Annotated[list[Count], Field(min_length=1)]
    filter_shape: Counts


class CNN(Convolutional):
    kind: Literal["CNN"]
    batch_norm: bool = True
    fnn_layers: Count
    dense_batch_norm: bool = False


class CRNN(Convolutional):
    kind: Literal["CRNN"]
    batch_norm: bool = True
    rnn_layers: Count
    cell: Literal["gru", "lstm"] = "gru"


class RNN(Network):
    kind: Literal["RNN"]
    cell: Literal["gru", "lstm"] = "gru"
    units: Count
    rnn_layers: Count
    fnn_layers: Annotated[int, Field(ge=0)]


class BoundaryCRNN(Convolutional):
    """Phan et al. 2018, with boundaries and without"""

    kind: Literal["MultiLabelCRNN", "MultiTaskCRNN"]
    units: Count


System = Annotated[GMM | FNN | CNN | RNN | CRNN | BoundaryCRNN, Field(discriminator="kind")]


class Training(Section):
    seeds: Annotated[list[int], Field(min_length=1)]
    patience: Annotated[int, Field(ge=0)]
    minimum_epochs: Count
    max_epochs: Count
    shift_frames: Annotated[int, Field(ge=0)]
    hop_frames: Annotated[int, Field(ge=0)]
    checkpoint_epochs: Count
    device: Literal["auto", "cpu", "cuda"]


class Schedule(Section):
    """What a family trains with in place of the values of section training."""

    patience: Annotated[int, Field(ge=0)] | None = None
    minimum_epochs: Count | None = None
    max_epochs: Count | None = None
    hop_frames: Annotated[int, Field(ge=0)] | None = None


class Family(Section):
    systems: Annotated[list[str], Field(min_length=1)]
    seeds: Annotated[int, Field(ge=0)]
    folds: Annotated[int, Field(ge=0)]
    share: Annotated[float, Field(gt=0, le=1)]
    training: Schedule = Schedule()


Kind = Literal["cnn", "rnn", "crnn"]
Choices = Annotated[list, Field(min_length=1)]


class Search(Section):
    """A grid on one corpus: the base system of each kind, and how much of it is trained on what."""

    bases: dict[Kind, str]
    fold: int | None = None
    points: Annotated[int, Field(ge=0)]
    share: Annotated[float, Field(gt=0, le=1)]


class Grid(Section):
    seed: Annotated[int, Field(ge=0)]
    first: dict[Kind, dict[str, Choices]]
    second: dict[str, Choices]
    corpora: dict[str, Search]

    @model_validator(mode="after")
    def different(self):
        lists_of = {f"first.{kind}": lists for kind, lists in self.first.items()}
        for name, lists in (lists_of | {"second": self.second}).items():
            for key, values in lists.items():
                if any(values.count(value) > 1 for value in values):
                    raise ValueError(f"{name}.{key} names a value twice: {values}")
        return self


class Jobs(Section):
    backend: Literal["processes", "in-process", "dask"]
    workers: Annotated[int, Field(ge=0)]
    scheduler: Annotated[str, Field(pattern=r"^((tcp|tls|ws|wss)://[^\s/]+:\d+)?$")]

    @model_validator(mode="after")
    def addressed(self):
        if self.backend == "dask" and not self.scheduler:
            raise ValueError("backend is dask, but scheduler is empty: give tcp://host:8786")
        return self


class Evaluation(Section):
    threshold: Annotated[float, Field(gt=0, lt=1)]
    resamples: Annotated[int, Field(ge=100)]
    gmm_minimum_event_s: Annotated[float, Field(ge=0)]
    gmm_minimum_gap_s: Annotated[float, Field(ge=0)]


class Build(Section):
    sizes: Annotated[list[str], Field(min_length=1)]


class Params(Section):
    """params.yaml with the values of one size laid over it."""

    build: Build
    corpora: Corpora
    features: Features
    families: dict[str, dict[str, Family]]
    systems: dict[str, System]
    training: Training
    grid: Grid
    jobs: Jobs
    evaluation: Evaluation

    @model_validator(mode="after")
    def consistent(self):
        for corpus, families in self.families.items():
            if corpus not in Corpora.model_fields:
                raise ValueError(f"families: no corpus is called {corpus!r}")
            for name, family in families.items():
                key = f"families.{corpus}.{name}"
                for system in family.systems:
                    if system not in self.systems:
                        raise ValueError(f"{key}: no system is called {system!r}")
                if corpus == "chime_home" and family.folds == 1:
                    raise ValueError(f"{key}.folds = 1: development and evaluation are two")
                for system in ROWS.get((corpus, name), ()):
                    if system not in family.systems:
                        raise ValueError(
                            f"{key}.systems: {system!r} is missing, a row of its table"
                        )
        for name, system in self.systems.items():
            boundary = isinstance(system, BoundaryCRNN)
            front_end = self.features.phan2018 if boundary else self.features.cakir2017
            possible(f"systems.{name}", system, front_end.mel_bands)
        self.check_grid()
        if len(set(self.training.seeds)) < len(self.training.seeds):
            raise ValueError(f"training.seeds: {self.training.seeds} names a seed twice")
        return self

    def check_grid(self):
        """Every point of the grid must be a system that can be built."""
        for corpus, search in self.grid.corpora.items():
            if corpus not in Corpora.model_fields:
                raise ValueError(f"grid.corpora: no corpus is called {corpus!r}")
            for kind, base in search.bases.items():
                system = self.systems.get(base)
                if system is None or system.kind.lower() != kind:
                    where = f"grid.corpora.{corpus}.bases.{kind}"
                    raise ValueError(f"{where} = {base!r}: no system of this kind")
                if kind not in self.grid.first:
                    raise ValueError(f"grid.first: no lists for {kind}")
                for section in (self.grid.first[kind], self.grid.second):
                    for values in combinations(section):
                        buildable(system, values, self.features.cakir2017.mel_bands)


def possible(name: str, system: GMM | Network, bands: int) -> None:
    """Complain of a system whose sizes do not go together."""
    if isinstance(system, Convolutional):
        for factor in system.pool:
            if bands % factor:
                raise ValueError(f"{name}.pool: {bands} bands do not pool by {factor}")
            bands //= factor
    if isinstance(system, FNN) and (system.units % system.pieces or not system.context % 2):
        raise ValueError(f"{name}: units must divide by pieces, context must be odd")


def buildable(base: Network, values: dict, bands: int) -> None:
    """Complain of a grid point: a base system with some of its values replaced."""
    name = f"grid point {base.kind} {values}"
    try:
        system = TypeAdapter(System).validate_python(base.model_dump() | values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{name}: {first['loc'][-1]}: {first['msg']}") from None
    possible(name, system, bands)


def combinations(lists: dict[str, list]) -> list[dict]:
    """Every choice of one value from each list."""
    return [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
