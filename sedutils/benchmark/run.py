"""What it costs: speed of each part, time and memory of each stage. Nothing here is part of a stage.

    python -m sedutils.benchmark.run [speed] [memory] [stages]
    python -m sedutils.benchmark.run stages NAME...     these alone; the rows of all others stay

Rows go to data/measured/<part>.csv with machine, versions and date. Ratios compare two ways of doing the
same thing in turn within one run, since machines are noisy.
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median

import joblib
import numpy as np
import pandas as pd
import psutil
import torch
import yaml
from torch import nn
from torch.nn import functional as F

from sedutils.benchmark.comparison import costs
from sedutils.benchmark.grid import grid_throughput
from sedutils.benchmark.networks import clips_per_second, windows_per_second
from sedutils.benchmark.sound import shifting, sound
from sedutils.features.frames import Frames
from sedutils.models.cakir2017 import CRNN, FNN
from sedutils.pipeline import files, params
from sedutils.training import loop

MEASURED = Path("data/measured")
SIZE = "laptop"


class Straightforward(nn.Module):
    """The CRNN as one would write it down: convolution, batch norm, ReLU, pooling, dropout; torch's GRU."""

    def __init__(self, crnn):
        super().__init__()
        self.blocks = crnn.convolutions
        self.recurrent = crnn.recurrent
        self.output = crnn.output

    def forward(self, x):
        h = x.unsqueeze(1)
        for block in self.blocks:
            h = block.dropout(block.pool(F.relu(block.norm(block.conv(h)))))
        h = h.transpose(1, 2).flatten(2)
        for layer in self.recurrent:
            h = layer.gru(layer.input_dropout(h))[0]
        return self.output(h)


def crnn():
    """The laptop CRNN, a batch for it, and its settings."""
    design, front_end = params.load("systems.crnn", "features.cakir2017", size=SIZE)
    torch.manual_seed(0)
    sizes = {"classes": 16, "width": front_end["mel_bands"], "front_end": front_end}
    net = CRNN.from_params(design, **sizes)
    length = design["sequence_frames"]
    x = torch.randn(design["batch_frames"] // length, length, front_end["mel_bands"])
    return net, x, (torch.rand(*x.shape[:2], 16) < 0.1).float()


def stepper(net, x, y):
    """A function that does one training step."""
    optimiser = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], fused=True)

    def step():
        loss = F.binary_cross_entropy_with_logits(net(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def in_turn(*functions, rounds: int = 30) -> list[float]:
    """Median seconds of each function, called in turn after a warm-up."""
    times = [[] for _ in functions]
    for i in range(rounds + 2):
        for kept, function in zip(times, functions, strict=True):
            start = time.perf_counter()
            function()
            if i >= 2:
                kept.append(time.perf_counter() - start)
    return [median(kept) for kept in times]


def steps_per_second(threads: int, seconds: float = 8.0) -> float:
    """Training steps a second of one job."""
    torch.set_num_threads(threads)
    net, x, y = crnn()
    step, count, start = (
        stepper(net.to(memory_format=torch.channels_last), x, y),
        0,
        time.perf_counter(),
    )
    while time.perf_counter() - start < seconds:
        step()
        count += 1
    return count / (time.perf_counter() - start)


def speed() -> list[tuple]:
    """Training step, both cores, mixtures and features."""
    torch.set_num_threads(1)
    net, x, y = crnn()
    plain, _, _ = crnn()
    ours, straight = in_turn(
        stepper(net.to(memory_format=torch.channels_last), x, y),
        stepper(Straightforward(plain), x, y),
    )
    yield "CRNN training step, one thread, straightforward / ours", straight / ours, "times faster"
    yield "CRNN training step, one thread", 1000 * ours, "ms"
    yield from clips_per_second(SIZE, in_turn)
    yield from windows_per_second(SIZE, in_turn)
    yield from costs(SIZE)
    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        pair = sum(joblib.Parallel()(joblib.delayed(steps_per_second)(1) for _ in range(2)))
    with joblib.parallel_config("loky", n_jobs=1, inner_max_num_threads=2):
        double = joblib.Parallel(n_jobs=2)([joblib.delayed(steps_per_second)(2)])[0]
    yield "two one-thread trainings / one two-thread training", pair / double, "times the steps"
    yield from grid_throughput(SIZE)
    yield from sound(SIZE)
    yield from shifting(SIZE)


def anonymous_mb(process: psutil.Process) -> float:
    """RssAnon of a process and its descendants in MB: memory maps do not count."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            status = Path(f"/proc/{one.pid}/status").read_text()
        except OSError:  # it ended between the listing and the reading
            continue
        total += sum(
            int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")
        )
    return total / 1024


def watched(command: list[str]) -> tuple[float, float]:
    """Run a command; its seconds and the peak of its anonymous memory in MB."""
    start, peak = time.perf_counter(), 0.0
    process = subprocess.Popen(command)
    watcher = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            peak = max(peak, anonymous_mb(watcher))
        except psutil.NoSuchProcess:
            break
        time.sleep(0.1)
    if process.wait():
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - start, peak


def memory() -> list[tuple]:
    """Peak anonymous memory of one epoch of the FNN on as much audio as laptop size has, and ten times that."""
    for factor in (1, 10):
        _, peak = watched(
            [sys.executable, "-m", "sedutils.benchmark.run", "epoch", str(factor * 72_000)]
        )
        yield f"one epoch of training on {factor * 24} minutes, peak anonymous memory", peak, "MB"


def epoch(frames: int) -> None:
    """Train the FNN for one epoch on random features of so many frames (see `memory`)."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, width, kind in (("log_mel", 40, np.float32), ("targets", 16, np.uint8)):
            rows = np.lib.format.open_memmap(folder / f"{file}.npy", "w+", kind, (frames, width))
            for start in range(0, frames, 10_000):
                rows[start : start + 10_000] = (
                    rng.random((min(10_000, frames - start), width)) < 0.3
                )
        recordings = pd.DataFrame({"first_frame": np.arange(0, frames, 3000), "frames": 3000})
        maps = [np.load(folder / f"{file}.npy", "r") for file in ("log_mel", "targets")]
        split = Frames(*maps, recordings, torch.zeros(40), torch.ones(40))
        net = FNN(bands=40, classes=16, context=5, units=64, layers=2, pieces=2, dropout=0.1)
        batches = loop.Sequences(split, length=128, size=2048, seed=1, shift=73)
        score = partial(net.validation_score, split, length=128)
        schedule = loop.Schedule(learning_rate=0.001, max_epochs=1, patience=1)
        loop.fit(net, batches, score, schedule, seed=1, device=torch.device("cpu"))


def stages(only: list[str] | None = None) -> list[tuple]:
    """Seconds and peak anonymous memory of stages, run anew with an empty checkpoint cache."""
    declared = yaml.safe_load(Path("dvc.yaml").read_text())["stages"]
    if unknown := set(only or []) - set(declared):
        sys.exit(f"dvc.yaml: no stage {min(unknown)!r}")
    subprocess.run(["rm", "-rf", ".cache/checkpoints"], check=True)
    for stage in only or declared:
        name = f"{stage}@*" if "matrix" in declared[stage] else stage
        command = ["repro", "--single-item", "--force", "--glob", name]
        seconds, peak = watched([sys.executable, "-m", "dvc", *command])
        yield f"stage {stage}", seconds, "s"
        yield f"stage {stage}, peak anonymous memory", peak, "MB"


def machine() -> dict:
    """What the rows were measured on."""
    cpu = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    versions = f"Python {platform.python_version()}, torch {version('torch')}, librosa {version('librosa')}"
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "gpu": card,
        "versions": versions,
        "date": date.today().isoformat(),
    }


def main(parts: list[str]) -> None:
    if parts[:1] == ["epoch"]:
        return epoch(int(parts[1]))
    if parts[:1] == ["stages"] and parts[1:]:
        rows = measured(stages(parts[1:]))
        kept = pd.read_csv(MEASURED / "stages.csv", dtype=str)
        kept = kept[~kept.what.isin(rows.what)]
        return files.write_csv(MEASURED / "stages.csv", pd.concat([kept, rows]), decimals=3)
    known = {"speed": speed, "memory": memory, "stages": stages}
    for part in parts or known:
        files.write_csv(MEASURED / f"{part}.csv", measured(known[part]()), decimals=3)


def measured(found) -> pd.DataFrame:
    """One row for each ``(what, value, unit)``, printed as it comes."""
    rows = []
    for what, value, unit in found:
        print(f"{what}: {value:.3g} {unit}", flush=True)
        rows.append({"what": what, "value": round(value, 3), "unit": unit} | machine())
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
