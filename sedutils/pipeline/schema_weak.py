"""What sections weak_training and weak_labels of params.yaml may hold (Ebbers & Haeb-Umbach 2020)."""

from typing import Annotated

from pydantic import Field, model_validator

from sedutils.pipeline.schema_corpora import (
    Count,
    Fraction,
    NotNegative,
    Positive,
    Probability,
    Section,
)


class Augmented(Section):
    """How spectrograms are varied"""

    mixup_probability: Probability
    longest_s: Positive
    scale_spread: NotNegative
    scale_limit: NotNegative
    warp: NotNegative
    time_mask_s: NotNegative
    time_mask_share: Fraction
    frequency_mask_share: Fraction
    blur_scale: NotNegative
    noise_std: NotNegative


class WeakTraining(Section):
    """Ebbers & Haeb-Umbach 2020, Sec. 3"""

    batch_clips: Count
    padding: Annotated[float, Field(gt=0, lt=1)]
    steps: Count
    validation_steps: Count
    patience: Annotated[int, Field(ge=0)]
    average: Fraction
    statistics_batches: Annotated[int, Field(ge=0)]
    learning_rate: Positive
    gradient_clip: Positive
    precision: Fraction
    npv: Fraction
    augmentation: Augmented


class WeakLabels(Section):
    """Windows and median filters in frames"""

    contexts: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    medians: Annotated[list[Count], Field(min_length=1)]
    pseudo_context: Annotated[int, Field(ge=0)]
    pseudo_median: Count

    @model_validator(mode="after")
    def centred(self):
        for median in (*self.medians, self.pseudo_median):
            if median % 2 == 0:
                raise ValueError(f"medians, pseudo_median: {median} frames have no middle one")
        for values in (self.contexts, self.medians):
            if len(set(values)) < len(values):
                raise ValueError(f"contexts, medians: {values} names a value twice")
        return self
