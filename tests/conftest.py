import numpy as np
import pytest


def pytest_collection_modifyitems(items):
    """The smoke run first: it takes longer than all the rest, which goes beside it in `make test`."""
    items.sort(key=lambda item: "test_smoke" not in item.nodeid)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def refused(error, call, *needles):
    """The call raises the error with a message of one line that holds every needle."""
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    for needle in needles:
        assert str(needle) in message


class CountingGenerator(np.random.Generator):
    """A generator that counts how often a recipe asks it for something."""

    asked = 0

    def __getattribute__(self, name):
        if name in {"uniform", "normal", "random", "integers", "choice", "exponential", "pareto"}:
            type(self).asked += 1
        return super().__getattribute__(name)
