"""The trainings of a family, as `sedutils.training.systems.train` takes them, and how each begins."""

from collections.abc import Iterable
from pathlib import Path

import torch

from sedutils.models.kinds import KINDS
from sedutils.models.network import Network
from sedutils.pipeline import jobs, params
from sedutils.training import loop
from sedutils.training.systems import Recordings, System, Trial, train


def facts_of(size: str, corpus: str, features: dict) -> dict:
    """What the description of every system of a family keeps.

    corpus : name of its folder, such as ``desed_2020-foley``; features : section of the front end
    """
    name, source = corpus.rsplit("-", 1)
    return {"size": size, "corpus": name, "source": source, "features": features}


def of(trial: Trial, *, folder: Path, **how) -> dict:
    """What `sedutils.training.systems.train` takes for a trial; ``folder``: of the family, ``how``: all the rest."""
    return {"name": trial.system, "seed": trial.seed, "folder": folder / trial.path} | how


def train_all(tasks: Iterable[dict], *, label: str) -> list[dict]:
    """Train tasks side by side; what each training returns, in the order of the tasks.

    On a GPU those that need one take turns (`jobs.gpu_trainings` of params.yaml), and what learns without gradients
    has all cores before.
    """
    tasks = list(tasks)
    spread = {
        True: params.workers(tasks[0]["settings"]["device"]),
        False: params.workers(),
    }
    needs = [KINDS[task["arguments"]["kind"]].by_gradient for task in tasks]
    if spread[True] == spread[False]:
        needs = [True] * len(tasks)
    found = {}
    for need in sorted(set(needs)):
        places = [i for i, needed in enumerate(needs) if needed == need]
        results = jobs.parallel(train, [tasks[i] for i in places], label=label, **spread[need])
        found |= dict(zip(places, results, strict=True))
    return [found[i] for i in range(len(tasks))]


def by_class(tasks: Iterable[dict]) -> dict[type[Network], dict]:
    """The first of some tasks for each class of network among them."""
    found = {}
    for task in tasks:
        found.setdefault(KINDS[task["arguments"]["kind"]], task)
    return found


def beginning(
    *, name: str, seed: int, arguments: dict, data: Recordings, settings: dict, facts: dict, **later
) -> tuple[Network, tuple[tuple, tuple]]:
    """The network of a task as `sedutils.training.systems.by_sequences` begins with it, and the first batch that it
    learns from.

    later : what else a task has; torch's generator stays where it is
    """
    with torch.random.fork_rng(devices=[]):
        system = System.new(arguments, data, facts | {"system": name, "seed": seed})
    frames = data.frames("train", system.front_end)
    system.model.begin(frames, seed)
    length, size = arguments["sequence_frames"], arguments["batch_frames"]
    frames = system.model.targets(frames)
    batches = loop.Sequences(frames, length, size, seed, hop=settings["hop_frames"])
    return system.model, next(iter(batches(0)))
