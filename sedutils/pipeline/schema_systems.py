"""What section systems of params.yaml may hold: the arguments of the constructors in `sedutils.models`.

They are read from the files, since to import them takes seconds, which every check of params.yaml would cost.
"""

import ast
from pathlib import Path
from typing import Annotated, Any, Literal, Union

from pydantic import Field, TypeAdapter, ValidationError, create_model

from sedutils.pipeline import closure
from sedutils.pipeline.schema_corpora import Count, Counts, Fraction, NotNegative, Positive, Section

Whole = Annotated[int, Field(ge=0)]
SORTS = {  # annotation of an argument -> what may stand in params.yaml
    "int": Count,
    "float": NotNegative,
    "bool": bool,
    "list[int]": Annotated[list[Count], Field(min_length=1)],
    "tuple[int, int]": Counts,
}
LIMITS = {"dropout": Fraction, "fnn_layers": Whole, "frames_per_model": Whole, "memory": Whole}
OF_TRAINING = {"sequence_frames": Count, "batch_frames": Count, "learning_rate": Positive}
# Where `from_params` makes an argument out of another value; None: out of those that stand there anyway
OTHERWISE: dict[str, dict[str, Any]] = {
    "GMM": {"window_frames": None, "window_s": Positive} | dict.fromkeys(OF_TRAINING),
    "CBRNN": {"frames": None, "asr": Literal["trained", "untrained", "none"]},
    "FinetuningNet": {"asr": Literal["trained", "untrained"]},
    # learn in steps (section weak_training)
    **dict.fromkeys(("FBCRNN", "PooledCRNN", "TagConditionedCNN"), dict.fromkeys(OF_TRAINING)),
}
ELSEWHERE = ("ClipTagger", "TDNNF")  # values in sections rcrnn.pretraining and acoustic_model


def networks() -> dict[str, tuple[str, ast.arguments]]:
    """Kind -> its file, which is its paper and front end, and the arguments of its constructor."""
    found, classes = {}, {}
    for path in sorted((Path(__file__).parents[1] / "models").glob("*.py")):
        tree = closure.parsed(path.read_text(encoding="utf-8"), path)
        classes |= {n.name: (path.stem, n) for n in tree.body if isinstance(n, ast.ClassDef)}

    def line(name: str) -> list[str]:
        """A class and those it comes from."""
        bases = [b.id for b in classes[name][1].bases if isinstance(b, ast.Name)]
        return [name, *(n for base in bases if base in classes for n in line(base))]

    for name, (paper, node) in classes.items():
        made = [f for n in line(name) for f in classes[n][1].body if of_name(f, "__init__")]
        if "Network" in line(name)[1:] and not node.keywords and name not in ELSEWHERE:
            found[name] = paper, made[0].args
    return found


def of_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == name


def section(kind: str, paper: str, arguments: ast.arguments) -> type[Section]:
    """The values of one kind of system.

    Raises
    ------
    ValueError : in one line with file and class, for an argument that params.yaml could not hold
    """
    fields = {name: (sort, ...) for name, sort in OF_TRAINING.items()}
    where = f"sedutils/models/{paper}.py: {kind}.__init__"
    _, *elsewhere = [*arguments.posonlyargs, *arguments.args]  # behind self
    for argument in filter(None, [*elsewhere, arguments.vararg, arguments.kwarg]):
        raise ValueError(f"{where}: {argument.arg}: write it behind the *, one argument a value")
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        name, annotation = argument.arg, argument.annotation
        text = ast.unparse(annotation) if annotation else "no annotation"
        if name in ("bands", "classes"):  # of the features
            continue
        if text.startswith("Literal["):
            sort = Literal[ast.literal_eval(annotation.slice)]
        elif name in LIMITS or text in SORTS:
            sort = LIMITS.get(name) or SORTS[text]
        else:
            needed = f"annotate it with {', '.join(SORTS)} or a Literal"
            raise ValueError(f"{where}: {name}: {text}: {needed}")
        try:
            fields[name] = (sort, ... if default is None else ast.literal_eval(default))
        except ValueError:
            problem = f"default {ast.unparse(default)}: write the value itself"
            raise ValueError(f"{where}: {name}: {problem}") from None
    fields |= {name: (sort, ...) for name, sort in OTHERWISE.get(kind, {}).items()}
    fields = {name: field for name, field in fields.items() if field[0] is not None}
    return create_model(kind, __base__=Section, kind=(Literal[kind], ...), **fields)


NETWORKS = networks()
PAPERS = {kind: paper for kind, (paper, _) in NETWORKS.items()}
System = Annotated[
    Union[tuple(section(kind, *found) for kind, found in NETWORKS.items())],  # noqa: UP007
    Field(discriminator="kind"),
]

# Systems that tables and verdicts of the chapters cannot do without, by corpus and family
ROWS = {
    ("tut_sed_synthetic_2016", "main"): ("gmm", "fnn", "rnn", "cnn", "crnn"),
    ("tut_sed_synthetic_2016", "filter_shapes"): tuple(
        f"crnn_{shape}" for shape in ("3x3", "5x5", "11x11", "1x5", "5x1", "3x11", "11x3")
    ),
    ("tut_sed_synthetic_2016", "regularisation"): tuple(
        f"crnn_{what}" for what in ("with_both", "no_dropout", "no_batch_norm", "neither", "lstm")
    ),
    ("tut_sed_2009", "main"): ("gmm", "fnn", "rnn_scenes", "cnn_scenes", "crnn_2009"),
    ("tut_sound_events_2016", "main"): ("gmm", "fnn", "rnn_scenes", "cnn_scenes", "crnn_2016"),
    ("tut_sed_synthetic_2016", "multitask"): ("multilabel_crnn", "multitask_crnn"),
    ("itc_irst", "multitask"): ("multilabel_crnn", "multitask_crnn"),
    ("tut_rare_2017", "rcrnn"): ("rcrnn_cnn", "rcrnn_gru", "rcrnn", "rcrnn_literal"),
    ("tut_rare_2017", "gradual"): (
        "crnn_ta",
        "cbrnn",
        "finetuning_net",
        "gradual_net",
        "gradual_net_untrained",
    ),
    ("desed_2020", "weak"): (
        *("fbcrnn", "fbcrnn_ends", "attention_crnn", "linear_crnn", "tag_cnn", "tag_cnn_blind"),
    ),
    ("chime_home", "main"): (
        *("rnn_chime", "cnn_chime", "crnn_chime", "cnn_chime_twin", "cnn_chime_no_batch_norm"),
    ),
}


# What the comparison can compare (`sedutils.papers.comparison.entries`, which is slow to import), and of which family
# of trainings it takes each; None is for those that it trains itself
COMPARED = {
    **dict.fromkeys(("gmm", "fnn", "rnn", "cnn", "crnn"), "main"),
    **dict.fromkeys(("multilabel_crnn", "multitask_crnn"), "multitask"),
    **dict.fromkeys(("rcrnn", "crnn_ta", "cbrnn", "fbcrnn"), None),
}


def possible(name: str, system: Section, bands: int) -> None:
    """Complain of a system whose sizes do not go together."""
    values = system.model_dump()
    if PAPERS[system.kind] == "ebbers2020" and bands % 2 ** len(system.widths):
        raise ValueError(f"{name}.widths: {bands} bands are not halved {len(system.widths)} times")
    for factor in values.get("pool", []):
        if bands % factor:
            raise ValueError(f"{name}.pool: {bands} bands do not pool by {factor}")
        bands //= factor
    if system.kind == "FNN" and (system.units % system.pieces or not system.context % 2):
        raise ValueError(f"{name}: units must divide by pieces, context must be odd")


def buildable(base: Section, values: dict, bands: int) -> None:
    """Complain of a grid point: a base system with some of its values replaced."""
    name = f"grid point {base.kind} {values}"
    try:
        system = TypeAdapter(System).validate_python(base.model_dump() | values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{name}: {first['loc'][-1]}: {first['msg']}") from None
    possible(name, system, bands)
