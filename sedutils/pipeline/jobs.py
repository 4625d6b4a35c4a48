"""Independent jobs side by side, one thread each, with lines of progress."""

import asyncio
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import joblib
from threadpoolctl import threadpool_limits

ANSWER_S = 5.0
# A Dask worker may have several threads, but jobs share torch's random state with their process
ONE_AT_A_TIME = threading.RLock()
ALLOWED_WARNINGS = (
    # sed_eval and dcase_util import pkg_resources, which setuptools has announced to drop
    ("ignore", "pkg_resources is deprecated", UserWarning),
    ("ignore", ".*declare_namespace", DeprecationWarning),
    # ipykernel, at every shutdown, of its own method
    ("ignore", "For consistency across implementations", PendingDeprecationWarning),
    # joblib starts its workers with a fork of a process that has threads; they then exec
    ("ignore", ".*multi-threaded, use of fork", DeprecationWarning),
    # joblib, in the thread that hands out work, as it replaces a worker that has grown by 300 MB (a late
    # import will do); as an error it would end the thread, and the run would wait for ever
    ("ignore", "A worker stopped while some jobs were given", UserWarning),
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
    backend : "processes", "in-process", or the address of a Dask scheduler, such as tcp://host:8786
    workers : 0 for as many as cores; a cluster has its own number

    Returns
    -------
    list of results in the order of the arguments
    """
    arguments = list(arguments)
    progress = Progress(label, total=len(arguments))
    calls = (joblib.delayed(single_threaded)(function, each, os.getcwd()) for each in arguments)
    results = []
    with placed(backend, workers):
        for result in joblib.Parallel(return_as="generator")(calls):
            results.append(result)
            progress.update(len(results))
    return results


def on_gpu(device: str) -> bool:
    """Whether jobs run on a GPU with this value of ``training.device``."""
    if device == "auto":
        import torch  # here, since most of what has jobs needs none

        return torch.cuda.is_available()
    return device == "cuda"


@contextmanager
def placed(backend: str, workers: int):
    """Where `joblib.Parallel` runs its calls while this is open."""
    if "://" in backend:
        with cluster(backend) as client, joblib.parallel_config("dask", client=client):
            yield
    else:
        workers = (workers or os.cpu_count()) if backend == "processes" else 1
        with joblib.parallel_config("loky", inner_max_num_threads=1, n_jobs=workers):
            yield


@contextmanager
def cluster(scheduler: str):
    """A client of a Dask cluster that exists, once it has a worker.

    Dask gives the job of a worker that is lost to another one, which goes on from its checkpoint.

    Raises
    ------
    ConnectionError : in one line and within `ANSWER_S`, where no scheduler answers at the address
    """
    from distributed import Client, rpc

    async def known():
        async with asyncio.timeout(ANSWER_S), rpc(scheduler, timeout=ANSWER_S) as other:
            return await other.identity()

    try:
        # in a thread, since a notebook has an event loop of its own; Client would wait for ever for
        # something that takes the connection and says nothing
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, known()).result()
    except Exception as error:  # whatever another kind of server makes Dask believe
        why = f"{type(error).__name__} {error}".strip().partition("\n")[0]
        message = f"jobs.scheduler = {scheduler!r}: no Dask scheduler answers there ({why})"
        raise ConnectionError(message) from None
    with Client(scheduler, timeout=ANSWER_S, set_as_default=False) as client:
        if not client.ncores():
            os.write(2, f"{scheduler}: waiting for the first worker\n".encode())
            client.wait_for_workers(1)
        yield client


def single_threaded(function: Callable, arguments: dict, folder: str):
    """Run one job on one thread and in the submitter's folder, in whatever process it finds itself."""
    if os.environ.get("SEDUTILS_STRICT"):
        strict_warnings()
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    with ONE_AT_A_TIME, threadpool_limits(1):
        os.chdir(folder)  # a worker elsewhere on the same file system
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
