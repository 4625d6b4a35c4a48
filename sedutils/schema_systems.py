"""What section systems of params.yaml may hold: a class a kind of system."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from sedutils.schema_corpora import Count, Counts, Fraction, Positive, Section


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


class OfClips(Section):
    """A network that is trained on whole clips"""

    sequence_frames: Count
    batch_frames: Count
    learning_rate: Positive


class RegionCRNN(OfClips):
    """Kao et al. 2018"""

    kind: Literal["RCRNN"]
    widths: Counts
    recurrent: Literal["bigru", "gru", "none"]
    units: Count
    nodes: Count


class AttentionCRNN(OfClips):
    """The gradual network, its twins without ASR features and without spectral attention"""

    kind: Literal["CBRNN"]
    asr: Literal["trained", "untrained", "none"]
    channels: Count
    units: Count
    layers: Count
    spectral_units: Count
    temporal_units: Count
    spectral_attention: bool
    attention: Literal["softmax", "sigmoid"]
    dropout: Fraction


class Finetuning(OfClips):
    """A dense layer on ASR features alone"""

    kind: Literal["FinetuningNet"]
    asr: Literal["trained", "untrained"]


class OfWeakClips(Section):
    """Ebbers & Haeb-Umbach 2020"""

    widths: Annotated[list[Count], Field(min_length=1)]
    units: Count


class ForwardBackward(OfWeakClips):
    """The forward-backward CRNN, jointly trained or not"""

    kind: Literal["FBCRNN"]
    joint: bool


class TagConditioned(OfWeakClips):
    """The second stage, told the tags or not"""

    kind: Literal["TagConditionedCNN"]
    conditioned: bool


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
    ("tut_rare_2017", "rcrnn"): ("rcrnn_cnn", "rcrnn_gru", "rcrnn"),
    ("tut_rare_2017", "gradual"): (
        *("crnn_ta", "cbrnn", "finetuning_net", "gradual_net", "gradual_net_untrained"),
    ),
    ("desed_2020", "weak"): ("fbcrnn", "fbcrnn_ends", "tag_cnn", "tag_cnn_blind"),
    ("chime_home", "main"): ("rnn_chime", "cnn_chime", "crnn_chime", "cnn_chime_no_batch_norm"),
}


# What the comparison can compare (`sedutils.comparison.entries`, which is slow to import), and of which family
# of trainings it takes each; None is for those that it trains itself
COMPARED = {
    **dict.fromkeys(("gmm", "fnn", "rnn", "cnn", "crnn"), "main"),
    **dict.fromkeys(("multilabel_crnn", "multitask_crnn"), "multitask"),
    **dict.fromkeys(("rcrnn", "crnn_ta", "cbrnn", "fbcrnn"), None),
}

System = Annotated[
    GMM
    | FNN
    | CNN
    | RNN
    | CRNN
    | BoundaryCRNN
    | RegionCRNN
    | AttentionCRNN
    | Finetuning
    | ForwardBackward
    | TagConditioned,
    Field(discriminator="kind"),
]


def possible(name: str, system: System, bands: int) -> None:
    """Complain of a system whose sizes do not go together."""
    if isinstance(system, OfWeakClips) and bands % 2 ** len(system.widths):
        raise ValueError(f"{name}.widths: {bands} bands are not halved {len(system.widths)} times")
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
