"""Independent jobs side by side, one thread each, and word of how far they are."""

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable

import joblib
from threadpoolctl import threadpool_limits

ALLOWED_WARNINGS = (
    # sed_eval and dcase_util import pkg_resources, which setuptools has announced to drop
    ("ignore", "pkg_resources is deprecated", UserWarning),
    ("ignore", ".*declare_namespace", DeprecationWarning),
    # ipykernel, at every shutdown, of its own method
    ("ignore", "For consistency across implementations", PendingDeprecationWarning),
    # joblib starts its workers with a fork of a process that has threads; they then exec
    ("ignore", ".*multi-threaded, use of fork", DeprecationWarning),
)


def strict_warnings() -> None:
    """Make every warning an error, but for a short named list. Pipeline notebooks run so."""
    warnings.resetwarnings()
    warnings.simplefilter("error")
    for action, message, category in ALLOWED_WARNINGS:
        warnings.filterwarnings(action, message=message, category=category)


def parallel(
    function: Callable, arguments: Iterable[dict], *, label: str, backend: str, workers: int
):
    """Call ``function(**each)`` for each dictionary, as many at once as there are workers.

    Every call has one thread, so that results depend neither on the number of workers nor on the
    backend, and two calls side by side do not fight over the cores.

    Parameters
    ----------
    label : what a call does, for the progress lines on stderr
    backend : "processes" or "in-process"
    workers : 0 for as many as cores

    Returns
    -------
    list of results in the order of the arguments
    """
    arguments = list(arguments)
    workers = (workers or os.cpu_count()) if backend == "processes" else 1
    progress = Progress(label, total=len(arguments))
    calls = (joblib.delayed(single_threaded)(function, each) for each in arguments)
    results = []
    with joblib.parallel_config("loky", inner_max_num_threads=1, n_jobs=workers):
        for result in joblib.Parallel(return_as="generator")(calls):
            results.append(result)
            progress.update(len(results))
    return results


def single_threaded(function: Callable, arguments: dict):
    """Run one job on one thread, in whatever process it finds itself."""
    if os.environ.get("SEDUTILS_STRICT"):
        strict_warnings()
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    with threadpool_limits(1):
        return function(**arguments)


class Progress:
    """Lines on stderr that say how much is done and how long the rest will take.

    A kernel passes them on to the terminal at once, and the runner keeps them out of the executed
    notebook. Lines come at most
    every ``interval_s`` seconds, and at the end.
    """

    def __init__(self, label: str, *, total: int, done: int = 0, interval_s: float = 5.0):
        self.label, self.total, self.interval_s = label, total, interval_s
        self.first, self.start = done, time.monotonic()
        self.said = self.start

    def update(self, done: int, remark: str = "") -> None:
        """Report ``done`` of ``total`` units, and a remark such as the score so far."""
        now = time.monotonic()
        if done < self.total and now - self.said < self.interval_s:
            return
        self.said = now
        left = (now - self.start) / max(done - self.first, 1) * (self.total - done)
        words = [
            f"{self.label} {done}/{self.total}",
            remark,
            f"at most {duration(left)} left" if left else "",
        ]
        line = " · ".join(word for word in words if word) + "\n"
        # the descriptor itself: a kernel passes it on from worker processes as from its own
        os.write(2, line.encode())


def duration(seconds: float) -> str:
    """Seconds as people say them: ``42 s``, ``3 min 20 s``, ``2 h 5 min``."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
