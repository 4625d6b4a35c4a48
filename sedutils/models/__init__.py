"""One file a paper, one class an architecture."""

from sedutils.models.cakir2017 import CNN, CRNN, FNN, RNN
from sedutils.models.ebbers2020 import FBCRNN, TagConditionedCNN
from sedutils.models.gradual import CBRNN, FinetuningNet
from sedutils.models.kao2018 import RCRNN, ClipTagger
from sedutils.models.phan2018 import MultiLabelCRNN, MultiTaskCRNN

NETWORKS = {
    "FNN": FNN,
    "CNN": CNN,
    "RNN": RNN,
    "CRNN": CRNN,
    "MultiLabelCRNN": MultiLabelCRNN,
    "MultiTaskCRNN": MultiTaskCRNN,
    "ClipTagger": ClipTagger,
    "RCRNN": RCRNN,
    "CBRNN": CBRNN,
    "FinetuningNet": FinetuningNet,
    "FBCRNN": FBCRNN,
    "TagConditionedCNN": TagConditionedCNN,
}


def build(kind: str, *, bands: int, classes: int, **arguments):
    """The network that params.yaml calls ``kind``, with a system's other values as its arguments."""
    return NETWORKS[kind](bands=bands, classes=classes, **arguments)
