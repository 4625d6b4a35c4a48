"""The systems of the five papers that can be compared, and what each prescribes between scores and decisions."""

from dataclasses import dataclass, field, replace

from sedutils.decoding.smoothing import tidy_frames
from sedutils.papers.comparison.cuts import GRID_S, ROUNDING
from sedutils.papers.comparison.smoothing import Confidence, Median, Nothing, Tidy

STRONG, WEAK = "strong", "weak (tags)"
FRONT_ENDS = ("cakir2017", "phan2018", "kao2018", "gradual", "ebbers2020")
MEDIANS = (
    1,
    7,
    13,
    25,
    49,
    97,
    145,
    193,
    253,
)  # frames of the grid, to the largest that Phan et al. try
ALPHAS = tuple(i / 10 for i in range(10))


@dataclass(frozen=True)
class Entry:
    """One system.

    front_end : folder of its features
    family : whose trainings on whole mixtures are cut; None for one that is trained on cuts
    supervision : what it learns from, `STRONG` or `WEAK`
    pretrained : whether its extractor first learns what is in a cut
    smoothing : of `sedutils.papers.comparison.smoothing`
    """

    system: str
    title: str
    paper: str
    front_end: str
    family: str | None
    supervision: str = STRONG
    pretrained: bool = False
    smoothing: Nothing | Tidy | Median | Confidence = field(default_factory=Nothing)


CAKIR, PHAN, KAO = "Cakir et al. 2017", "Phan et al. 2018", "Kao et al. 2018"
GRADUAL, EBBERS = "gradual network", "Ebbers & Haeb-Umbach 2020"
ENTRIES = (
    Entry("gmm", "GMM", CAKIR, "cakir2017", "main"),
    Entry("fnn", "FNN", CAKIR, "cakir2017", "main"),
    Entry("rnn", "RNN", CAKIR, "cakir2017", "main"),
    Entry("cnn", "CNN", CAKIR, "cakir2017", "main"),
    Entry("crnn", "CRNN", CAKIR, "cakir2017", "main"),
    Entry("multilabel_crnn", "multi-label CRNN", PHAN, "phan2018", "multitask"),
    Entry("multitask_crnn", "multi-task CRNN", PHAN, "phan2018", "multitask"),
    Entry("rcrnn", "R-CRNN", KAO, "kao2018", None, pretrained=True),
    Entry("crnn_ta", "CRNN+TA", GRADUAL, "gradual", None),
    Entry("cbrnn", "CBRNN", GRADUAL, "gradual", None),
    Entry("fbcrnn", "FBCRNN", EBBERS, "ebbers2020", None, WEAK),
)


def named(systems: list[str]) -> dict[str, Entry]:
    """Entries by the names of params.yaml, in the order of the papers. ValueError for another system."""
    known = {entry.system: entry for entry in ENTRIES}
    for system in systems:
        if system not in known:
            raise ValueError(f"comparison.systems: {system!r} is none of {', '.join(known)}")
    return {name: entry for name, entry in known.items() if name in systems}


def chosen(systems: list[str], rules: dict, weak: dict, hop_s: float) -> dict[str, Entry]:
    """The same with the smoothing that each paper prescribes.

    rules : section ``evaluation``, for the GMM's
    weak : section ``weak_labels``; hop_s : of the frames that it counts in
    """
    smoothings = {
        "gmm": Tidy(
            **tidy_frames(
                minimum_event_s=rules["gmm_minimum_event_s"],
                minimum_gap_s=rules["gmm_minimum_gap_s"],
                hop_s=GRID_S,
            )
        ),
        "multilabel_crnn": Median(MEDIANS),
        "multitask_crnn": Confidence(ALPHAS),
        "fbcrnn": Median(tuple(odd(width * hop_s / GRID_S) for width in weak["medians"])),
    }
    return {
        name: replace(entry, smoothing=smoothings.get(name, entry.smoothing))
        for name, entry in named(systems).items()
    }


def odd(frames: float) -> int:
    """The odd number nearest to a number of frames; of two the smaller one."""
    return 2 * max(0, round((frames - 1) / 2 - ROUNDING)) + 1
