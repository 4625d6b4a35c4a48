"""Figures and players of the chapter on procedural sound."""

import base64
import io

import librosa
import numpy as np
import pandas as pd
import soundfile
from IPython.display import HTML
from matplotlib.figure import Figure

from sedutils.foley import AVERAGE_SECONDS, synthesise
from sedutils.foley.dsp import SAMPLE_RATE
from sedutils.show.columns import frame_html
from sedutils.show.plots import plt

HOP = 882  # 20 ms
_RANGE_DB = 70.0


def log_mel(x: np.ndarray) -> np.ndarray:
    """40 log-mel energies a frame in dB under the clip's loudest, shape (40, frames)."""
    mel = librosa.feature.melspectrogram(
        y=x, sr=SAMPLE_RATE, n_fft=2048, win_length=1764, hop_length=HOP, n_mels=40
    )
    level = 10 * np.log10(np.maximum(mel, 1e-12))
    return np.maximum(level - level.max(), -_RANGE_DB)


def envelope(x: np.ndarray) -> np.ndarray:
    """RMS of every 20 ms frame in dB under the loudest, shape (frames,)."""
    frames = x[: x.size // HOP * HOP].reshape(-1, HOP)
    level = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    return np.maximum(level - level.max(), -_RANGE_DB)


def modulation_spectrum(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rates (0.5-25 Hz) and depth of the envelope's motion (RMS 20 ms frames, mean removed)."""
    level = 10 ** (envelope(x) / 20)
    level = (level / level.mean() - 1) * np.hanning(level.size)
    hz = np.fft.rfftfreq(1024, HOP / SAMPLE_RATE)
    depth = 2 * np.abs(np.fft.rfft(level, 1024)) / level.size
    keep = hz >= 0.5
    return hz[keep], depth[keep]


def examples(label: str) -> list[np.ndarray]:
    """Three instances of a class, as long as its mean length but at most 5 s."""
    duration_s = min(5.0, max(1.2, AVERAGE_SECONDS[label]))
    return [synthesise(label, seed=seed, duration_s=duration_s) for seed in (101, 102, 103)]


def spectrogram_page(clips: dict[str, list[np.ndarray]]) -> Figure:
    """Log-mel spectrograms, a row a class and a column an instance (any number of each)."""
    columns = max(len(group) for group in clips.values())
    fig, axes = plt.subplots(
        len(clips),
        columns,
        figsize=(9.5, 1.25 * len(clips)),
        squeeze=False,
        layout="constrained",
        dpi=80,
    )
    for row, (label, group) in zip(axes, clips.items(), strict=True):
        for ax, x in zip(row, group, strict=False):
            extent = (0, x.size / SAMPLE_RATE, 0, 40)
            steps = 4 * np.round(log_mel(x) / 4)  # in 4 dB steps the page is a third of the size
            ax.imshow(
                steps,
                origin="lower",
                aspect="auto",
                extent=extent,
                cmap="magma",
                interpolation="nearest",
            )
            ax.set_yticks([])
            ax.tick_params(labelsize=6)
        row[0].set_ylabel(
            label.replace("_", "\n", 1), fontsize=7, rotation=0, ha="right", va="center"
        )
    for ax in axes[-1]:
        ax.set_xlabel("time (s)", fontsize=8)
    fig.suptitle(
        "Log-mel energies (40 bands to 22 kHz, 70 dB), instances of each class", fontsize=10
    )
    return fig


def motion_page(clips: dict[str, list[np.ndarray]]) -> Figure:
    """Envelope (left of each pair) and modulation spectrum (right), a line an instance."""
    rows = -(-len(clips) // 2)
    fig, axes = plt.subplots(
        rows, 4, figsize=(9.5, 1.3 * rows), squeeze=False, layout="constrained"
    )
    pairs = axes.reshape(-1, 2)
    for (left, right), (label, group) in zip(pairs, clips.items(), strict=False):
        for x in group:
            left.plot(np.arange(x.size // HOP) * HOP / SAMPLE_RATE, envelope(x), lw=0.7)
            right.semilogx(*modulation_spectrum(x), lw=0.7)
        left.set_ylim(-_RANGE_DB, 3)
        left.set_title(label, fontsize=7, loc="left", pad=2)
        right.set_xticks([0.5, 1, 2, 4, 8, 16], ["0.5", "1", "2", "4", "8", "16"])
        right.set_xticks([], minor=True)
    for ax in pairs.ravel():
        ax.tick_params(labelsize=6)
    for spare in pairs[len(clips) :].ravel():
        spare.set_axis_off()
    for column, name in enumerate(["time (s)", "modulation (Hz)"] * 2):
        axes[-1, column].set_xlabel(name, fontsize=7)
    fig.suptitle(
        "Envelope (dB under the loudest 20 ms) and depth of modulation by rate", fontsize=10
    )
    return fig


def players(clips: dict[str, np.ndarray], *, rate: int = 22050, seconds: float = 3.0) -> HTML:
    """A table of audio players, 16-bit FLAC inside the page (the same bytes every time)."""
    cells = {}
    for label, x in clips.items():
        short = librosa.resample(
            x[: round(seconds * SAMPLE_RATE)], orig_sr=SAMPLE_RATE, target_sr=rate
        )
        file = io.BytesIO()
        soundfile.write(file, np.clip(short, -1, 1), rate, format="FLAC", subtype="PCM_16")
        data = base64.b64encode(file.getvalue()).decode()
        cells[label] = (
            f'<audio controls preload="none" src="data:audio/flac;base64,{data}"></audio>'
        )
    return HTML(frame_html(pd.Series(cells).to_frame(), header=False))
