"""The values of params.yaml: validated as a whole, and handed out by section and size.

python -m sedutils.params     checks the file, and says nothing if all is well
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import dvc.api
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
# a YAML list is welcome where a pair is meant
Range = Annotated[tuple[Positive, Positive], Field(strict=False)]
Counts = Annotated[tuple[Count, Count], Field(strict=False)]
Split = Literal["train", "validation", "test"]


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


class Chunks(Section):
    """CHiME-Home"""

    source: Literal["foley", "official"]
    official: str
    seed: Annotated[int, Field(ge=0)]
    development: Count
    evaluation: Count
    validation_share: Annotated[float, Field(gt=0, lt=1)]


class Corpora(Section):
    tut_sed_synthetic_2016: Mixtures
    tut_sed_2009: Scenes
    tut_sound_events_2016: Scenes
    chime_home: Chunks


class Features(Section):
    sample_rate: Count
    frame_s: Positive
    hop_s: Positive
    fft: Count
    mel_bands: Count
    log_floor: Positive
    mfcc: Annotated[int, Field(ge=2)]
    delta_frames: Annotated[int, Field(ge=3)]

    @model_validator(mode="after")
    def frame_fits(self):
        if round(self.frame_s * self.sample_rate) > self.fft:
            raise ValueError(f"fft = {self.fft} is shorter than a frame of {self.frame_s} s")
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
    batch_norm: bool = True


class CNN(Convolutional):
    kind: Literal["CNN"]
    fnn_layers: Count
    dense_batch_norm: bool = False


class CRNN(Convolutional):
    kind: Literal["CRNN"]
    rnn_layers: Count
    cell: Literal["gru", "lstm"] = "gru"


class RNN(Network):
    kind: Literal["RNN"]
    cell: Literal["gru", "lstm"] = "gru"
    units: Count
    rnn_layers: Count
    fnn_layers: Annotated[int, Field(ge=0)]


System = Annotated[GMM | FNN | CNN | RNN | CRNN, Field(discriminator="kind")]


class Training(Section):
    seeds: Annotated[list[int], Field(min_length=1)]
    patience: Count
    minimum_epochs: Count
    max_epochs: Count
    shift_frames: Annotated[int, Field(ge=0)]
    checkpoint_epochs: Count
    device: Literal["auto", "cpu", "cuda"]


class Family(Section):
    systems: Annotated[list[str], Field(min_length=1)]
    seeds: Annotated[int, Field(ge=0)]
    folds: Annotated[int, Field(ge=0)]
    share: Annotated[float, Field(gt=0, le=1)]


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
    jobs: Jobs
    evaluation: Evaluation

    @model_validator(mode="after")
    def consistent(self):
        for corpus, families in self.families.items():
            if corpus not in Corpora.model_fields:
                raise ValueError(f"families: no corpus is called {corpus!r}")
            for name, family in families.items():
                for system in family.systems:
                    if system not in self.systems:
                        key = f"families.{corpus}.{name}"
                        raise ValueError(f"{key}: no system is called {system!r}")
        for name, system in self.systems.items():
            if isinstance(system, Convolutional):
                bands = self.features.mel_bands
                for factor in system.pool:
                    if bands % factor:
                        raise ValueError(
                            f"systems.{name}.pool: {bands} bands do not pool by {factor}"
                        )
                    bands //= factor
            if isinstance(system, FNN) and (system.units % system.pieces or not system.context % 2):
                raise ValueError(
                    f"systems.{name}: units must divide by pieces, context must be odd"
                )
        if len(set(self.training.seeds)) < len(self.training.seeds):
            raise ValueError(f"training.seeds: {self.training.seeds} names a seed twice")
        return self


def validate(path: str | Path = "params.yaml") -> None:
    """Check every value of a params file for every size; ``ValueError`` names the key in one line."""
    try:
        tree = yaml.safe_load(Path(path).read_text())
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict) or not isinstance(tree.get("sizes"), dict):
        raise ValueError(f"{path}: no section 'sizes'")
    sizes = tree.pop("sizes")
    for size, values in sizes.items():
        try:
            whole = overlaid(tree, values)
            if isinstance(whole.get("systems"), dict):
                whole["systems"] = with_bases(whole["systems"])
            checked = Params.model_validate(whole)
        except ValueError as error:
            said = first_line(error) if isinstance(error, ValidationError) else error
            raise ValueError(f"{path} ({size}): {said}") from None
        for name in checked.build.sizes:
            if name not in sizes:
                raise ValueError(f"{path}: build.sizes names {name!r}, which is not under sizes")


def first_line(error: ValidationError) -> str:
    """The first complaint of pydantic as ``key = value: what is wrong``."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or "params"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing" or isinstance(first["input"], dict):
        return f"{key}: {message}"
    return f"{key} = {first['input']!r}: {message}"


def overlaid(base: Any, over: Any) -> Any:
    """``base`` with the values of ``over`` in place of its own, branch by branch; lists are replaced."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {**base, **{k: overlaid(base.get(k), v) for k, v in over.items()}}


def with_bases(systems: dict[str, dict]) -> dict[str, dict]:
    """Every system in full: a variant names the system whose values it takes over by ``base``."""
    full = {}
    for name, values in systems.items():
        own = dict(values) if isinstance(values, dict) else values
        base = own.pop("base", None) if isinstance(own, dict) else None
        if base is not None and "kind" not in (systems.get(base) or {}):
            raise ValueError(f"systems.{name}.base = {base!r}: no such system, or itself a variant")
        full[name] = overlaid(systems[base], own) if base else own
    return full


def load(*sections: str, size: str) -> list[dict]:
    """Return sections of params.yaml with the values of a size laid over them.

    A section is named by its path, such as ``"training"`` or ``"corpora.tut_sed_synthetic_2016"``.
    Inside a DVC stage only what the stage declares under ``params`` can be read, so a forgotten
    declaration is a ``KeyError`` and not a stale result.
    """
    stage = os.environ.get("DVC_STAGE")
    tree = dvc.api.params_show(stages=stage) if stage else dvc.api.params_show("params.yaml")
    scaled = tree.get("sizes", {}).get(size, {})
    loaded = [overlaid(branch(tree, name), branch(scaled, name)) for name in sections]
    loaded = [
        with_bases(values) if name == "systems" else values
        for name, values in zip(sections, loaded, strict=True)
    ]
    for name, values in zip(sections, loaded, strict=True):
        if not values:
            raise KeyError(f"params.yaml has no {name!r}, or stage {stage} does not declare it")
    return loaded


def branch(tree: dict, path: str) -> dict:
    """The dictionary at a dotted path, empty where there is none."""
    for part in path.split("."):
        tree = tree.get(part, {})
    return tree


def workers(path: str | Path = "params.yaml") -> dict:
    """How `jobs.parallel` spreads work: ``backend`` (of a Dask cluster its address) and ``workers``.

    Section ``jobs``, read past DVC: how work is spread changes no result, so no stage depends on it.
    """
    section = yaml.safe_load(Path(path).read_text())["jobs"]
    scheduler = section.pop("scheduler")
    return section | ({"backend": scheduler} if section["backend"] == "dask" else {})


if __name__ == "__main__":
    try:
        validate()
    except (ValueError, OSError) as complaint:
        sys.exit(str(complaint))
