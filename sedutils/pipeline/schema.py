"""What params.yaml may hold: a class a section, and what must agree between sections."""

import math
import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sedutils.pipeline.params import combinations
from sedutils.pipeline.schema_corpora import (
    Corpora,
    Count,
    Fraction,
    Positive,
    Section,
)
from sedutils.pipeline.schema_systems import COMPARED, PAPERS, ROWS, System, buildable, possible
from sedutils.pipeline.schema_weak import WeakLabels, WeakTraining

DECISION_S = 0.1  # of the gradual network, of two inputs
PER_DECISION = 2
SPECTRAL_VALUES = 127  # at the least, for the poolings of the gradual network
SMALLEST_BANDS = 13  # for the strides of R-CRNN


class FrontEnd(Section):
    sample_rate: Count
    frame_s: Positive
    hop_s: Positive
    fft: Count
    mel_bands: Count
    low_hz: Annotated[float, Field(ge=0)]
    window: Literal["hamming", "hann"]
    log_floor: Positive
    mfcc: Annotated[int, Field(ge=0)]
    delta_frames: Annotated[int, Field(ge=3)]
    peak: bool = False

    @model_validator(mode="after")
    def frame_fits(self):
        if round(self.frame_s * self.sample_rate) > self.fft:
            raise ValueError(f"fft = {self.fft} is shorter than a frame of {self.frame_s} s")
        if self.low_hz >= self.sample_rate / 2:
            raise ValueError(f"low_hz = {self.low_hz} leaves no band below half the sample rate")
        return self


class GradualFrontEnd(FrontEnd):
    sample_rate: Literal[16000]  # the acoustic model hears the same audio
    mean_frames: Count
    context: Count

    @model_validator(mode="after")
    def decisions(self):
        if self.context % 2 == 0:
            raise ValueError(
                f"context = {self.context}: as many before as behind make an odd number"
            )
        if self.mel_bands * self.context < SPECTRAL_VALUES:
            problem = f"mel_bands = {self.mel_bands}, context = {self.context}"
            raise ValueError(
                f"{problem}: the CBRNN's poolings need {SPECTRAL_VALUES} values a frame"
            )
        if abs(PER_DECISION * self.mean_frames * self.hop_s - DECISION_S) > 1e-9:
            problem = f"mean_frames = {self.mean_frames}, hop_s = {self.hop_s}"
            raise ValueError(f"{problem}: two means must make a decision of {DECISION_S} s")
        return self


class Features(Section):
    cakir2017: FrontEnd
    phan2018: FrontEnd
    kao2018: FrontEnd
    gradual: GradualFrontEnd
    ebbers2020: FrontEnd

    @model_validator(mode="after")
    def complete(self):
        if self.kao2018.mel_bands < SMALLEST_BANDS:
            problem = f"kao2018.mel_bands = {self.kao2018.mel_bands}"
            raise ValueError(f"{problem}: R-CRNN's strides need {SMALLEST_BANDS}")
        if self.cakir2017.mfcc < 2:
            raise ValueError(f"cakir2017.mfcc = {self.cakir2017.mfcc}: the GMM needs at least 2")
        return self


class Training(Section):
    seeds: Annotated[list[int], Field(min_length=1)]
    patience: Annotated[int, Field(ge=0)]
    minimum_epochs: Count
    max_epochs: Annotated[int, Field(ge=0)]
    steps: Annotated[int, Field(ge=0)]
    average: Fraction
    statistics_batches: Annotated[int, Field(ge=0)]
    learning_rate_decay: Annotated[float, Field(ge=0)]
    shift_frames: Annotated[int, Field(ge=0)]
    hop_frames: Annotated[int, Field(ge=0)]
    checkpoint_epochs: Count
    device: Literal["auto", "cpu", "cuda"]


class Schedule(Section):
    """What a family trains with in place of the values of section training."""

    patience: Annotated[int, Field(ge=0)] | None = None
    minimum_epochs: Count | None = None
    max_epochs: Annotated[int, Field(ge=0)] | None = None
    steps: Annotated[int, Field(ge=0)] | None = None
    average: Fraction | None = None
    statistics_batches: Annotated[int, Field(ge=0)] | None = None
    learning_rate_decay: Annotated[float, Field(ge=0)] | None = None
    hop_frames: Annotated[int, Field(ge=0)] | None = None


class Family(Section):
    systems: Annotated[list[str], Field(min_length=1)]
    seeds: Annotated[int, Field(ge=0)]
    folds: Annotated[int, Field(ge=0)]
    share: Annotated[float, Field(gt=0, le=1)]
    clips: Count | None = None
    training: Schedule = Schedule()


Kind = Literal["cnn", "rnn", "crnn"]
Choices = Annotated[list, Field(min_length=1)]


class Search(Section):
    """A grid on one corpus: the base system of each kind, and how much of it is trained on what."""

    bases: dict[Kind, str]
    fold: int | None = None
    points: Annotated[int, Field(ge=0)]
    share: Annotated[float, Field(gt=0, le=1)]
    seeds: Annotated[int, Field(ge=0)] = 1


class Grid(Section):
    seed: Annotated[int, Field(ge=0)]
    first: dict[Kind, dict[str, Choices]]
    second: dict[str, Choices]
    corpora: dict[str, Search]
    training: Schedule = Schedule()

    @model_validator(mode="after")
    def different(self):
        lists_of = {f"first.{kind}": lists for kind, lists in self.first.items()}
        for name, lists in (lists_of | {"second": self.second}).items():
            for key, values in lists.items():
                if any(values.count(value) > 1 for value in values):
                    raise ValueError(f"{name}.{key} names a value twice: {values}")
        return self


class Pretraining(Section):
    batch_frames: Count
    learning_rate: Positive


class RegionSearch(Section):
    units: Annotated[list[Count], Field(min_length=1)]
    nodes: Annotated[list[Count], Field(min_length=1)]


class RegionExperiments(Section):
    """Kao et al. 2018, Sec. 3"""

    pretraining: Pretraining
    search: RegionSearch
    search_seeds: Count
    probability: Fraction


class Comparison(Section):
    """All chapters on cuts of one corpus"""

    seconds: Positive
    systems: Annotated[list[str], Field(min_length=1)]
    seeds: Annotated[int, Field(ge=0)]
    training: Schedule = Schedule()


class AcousticModel(Section):
    """TDNN-F"""

    kaldi: str
    dim: Count
    bottleneck: Count
    strides: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    prefinal: Count
    chunk_s: Annotated[float, Field(ge=0.3)]
    batch_chunks: Count
    learning_rate: Positive
    patience: Count
    max_epochs: Count


class Jobs(Section):
    backend: Literal["processes", "in-process", "dask"]
    workers: Annotated[int, Field(ge=0)]
    gpu_trainings: Count
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
    rcrnn: RegionExperiments
    weak_training: WeakTraining
    weak_labels: WeakLabels
    comparison: Comparison
    acoustic_model: AcousticModel
    jobs: Jobs
    evaluation: Evaluation

    @model_validator(mode="after")
    def consistent(self):
        self.check_names()
        for corpus, families in self.families.items():
            if corpus not in self.corpora:
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
        self.check_ends()
        for name, system in self.systems.items():
            paper = PAPERS.get(system.kind)
            front_end = getattr(self.features, paper, self.features.cakir2017)  # the GMM's, too
            possible(f"systems.{name}", system, front_end.mel_bands)
        self.check_grid()
        self.check_clips()
        self.check_comparison()
        if len(set(self.training.seeds)) < len(self.training.seeds):
            raise ValueError(f"training.seeds: {self.training.seeds} names a seed twice")
        return self

    def check_ends(self):
        """Something ends every training."""
        sections = {"grid": self.grid, "comparison": self.comparison}
        schedules = {f"{key}.training": section.training for key, section in sections.items()}
        schedules["training"] = Schedule()
        for corpus, families in self.families.items():
            schedules |= {
                f"families.{corpus}.{k}.training": f.training for k, f in families.items()
            }
        for key, schedule in schedules.items():
            given = schedule.model_dump(exclude_none=True)
            ends = self.training.model_dump() | given
            if not ends["steps"] and not ends["max_epochs"]:
                raise ValueError(f"{key}: steps and max_epochs are both 0, one must end a training")

    def check_names(self):
        """Names of systems, families and corpora become names of folders, and parts of paths of keys."""
        families = [name for named in self.families.values() for name in named]
        for name in (*self.systems, *families, *self.corpora.__pydantic_extra__):
            if not re.fullmatch(r"[\w-]+", name):
                raise ValueError(f"{name!r} names a folder: only letters, digits, _ and -")

    def check_clips(self):
        """A sequence of the networks that see whole clips is a clip of the rare-event corpus."""
        clip_s = self.corpora.tut_rare_2017.clip_s
        for name, system in self.systems.items():
            paper = PAPERS[system.kind]
            if paper in ("kao2018", "gradual"):
                hop_s = self.features.kao2018.hop_s if paper == "kao2018" else DECISION_S
                frames = math.ceil(round(clip_s / hop_s, 6))
                if system.sequence_frames != frames:
                    problem = f"systems.{name}.sequence_frames = {system.sequence_frames}"
                    raise ValueError(f"{problem}: a clip of {clip_s:g} s has {frames} frames")

    def check_comparison(self):
        """Every system of the comparison can be had, and a cut from a mixture."""
        seconds, longest = self.comparison.seconds, self.corpora.tut_sed_synthetic_2016.mixture_s
        if seconds > longest:
            raise ValueError(f"comparison.seconds = {seconds:g}: a mixture has {longest:g} s")
        families = self.families["tut_sed_synthetic_2016"]
        for name in self.comparison.systems:
            if name not in COMPARED:
                raise ValueError(f"comparison.systems: {name!r} is none of {', '.join(COMPARED)}")
            family = COMPARED[name]
            if family and name not in families[family].systems:
                raise ValueError(f"comparison.systems: {name!r} is not in family {family}")

    def check_grid(self):
        """Every point of the grid must be a system that can be built."""
        for corpus, search in self.grid.corpora.items():
            if corpus not in self.corpora:
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
