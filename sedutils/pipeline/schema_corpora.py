"""What section corpora of params.yaml may hold: a class a corpus."""

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(gt=0, le=1)]
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
        check_parts(self.bank_folds, self.split_fractions)
        return self


def check_parts(bank_folds: dict[str, list[int]], split_fractions: dict[str, float]) -> None:
    folds = [fold for numbers in bank_folds.values() for fold in numbers]
    if len(set(folds)) < len(folds):
        raise ValueError(f"bank_folds gives a fold to two parts: {bank_folds}")
    if abs(sum(split_fractions.values()) - 1) > 1e-6:
        raise ValueError(f"split_fractions must add up to 1: {split_fractions}")


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
    bank_annotation_range_db: Positive
    bank_annotation_gap_s: Annotated[float, Field(ge=0)]
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


class DomesticClips(Section):
    """How many clips in each part of DESED"""

    weak: Count
    unlabelled: Count
    synthetic: Count
    validation: Annotated[int, Field(ge=2)]
    public: Annotated[int, Field(ge=2)]


class Domestic(Section):
    """DESED as of DCASE 2020 task 4"""

    source: Literal["foley", "bank", "official"]
    official: str
    bank: str
    bank_folds: dict[Split, list[int]]
    split_fractions: dict[Split, Annotated[float, Field(gt=0, lt=1)]]
    seed: Annotated[int, Field(ge=0)]
    clip_s: Annotated[float, Field(ge=2)]
    event_to_background_db: Annotated[tuple[float, float], Field(strict=False)]
    annotation_range_db: Positive
    annotation_gap_s: Annotated[float, Field(ge=0)]
    clips: DomesticClips

    @model_validator(mode="after")
    def ordered(self):
        check_levels(self.event_to_background_db)
        check_parts(self.bank_folds, self.split_fractions)
        return self


class Speech(Section):
    """Speech with phone times, for the acoustic model"""

    source: Literal["espeak", "librispeech"]
    official: str
    seed: Annotated[int, Field(ge=0)]
    noise_share: Probability
    snr_db: Annotated[tuple[float, float], Field(strict=False)]
    minutes: Positive
    recording_s: Annotated[float, Field(ge=2)]

    @model_validator(mode="after")
    def ordered(self):
        low, high = self.snr_db
        if low > high:
            raise ValueError(f"snr_db is [{low}, {high}]: give the lower one first")
        return self


class Read(Section):
    """A corpus that is read where it lies, and never made here"""

    source: Literal["official"]
    official: str
    seed: Annotated[int, Field(ge=0)]
    validation_share: Annotated[float, Field(gt=0, lt=1)]


class Corpora(Section):
    """Those of the papers, and whatever else there is a reader for"""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Read]

    tut_sed_synthetic_2016: Mixtures
    tut_sed_2009: Scenes
    tut_sound_events_2016: Scenes
    chime_home: Chunks
    itc_irst: Sessions
    tut_rare_2017: RareEvents
    desed_2020: Domestic
    speech: Speech

    def __contains__(self, name: str) -> bool:
        return name in type(self).model_fields or name in self.__pydantic_extra__
