"""One file a paper, one class an architecture."""

from sedutils.models.cakir2017 import CNN, CRNN, FNN, RNN

NETWORKS = {"FNN": FNN, "CNN": CNN, "RNN": RNN, "CRNN": CRNN}


def build(kind: str, *, bands: int, classes: int, **arguments):
    """The network that params.yaml calls ``kind``, with a system's other values as its arguments."""
    return NETWORKS[kind](bands=bands, classes=classes, **arguments)
