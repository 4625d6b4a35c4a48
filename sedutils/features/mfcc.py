"""The input of the acoustic model: 40 MFCCs a frame as Kaldi computes them ("hires").

Kaldi's ``mfcc_hires.conf`` for 16 kHz: 25 ms windows every 10 ms, 40 mel bands from 20 to 7600 Hz, all 40
coefficients kept. No dither, so that the same sound gives the same numbers, and no ``snip-edges``:
frame f stands for ``[f * 10 ms, (f + 1) * 10 ms)``, the window is centred on it, and the signal is
mirrored at its ends. Samples count in 16-bit steps, so that Kaldi's own weights fit.
"""

import numpy as np
import scipy.fft

from sedutils.corpora.phones import SAMPLE_RATE

HOP_S = 0.01
COEFFICIENTS = 40
_HOP, _WINDOW, _FFT = 160, 400, 512
_BAND_HZ = (20.0, 7600.0)
_PREEMPHASIS = 0.97
_LIFTER = 22
_FULL_SCALE = 32768
_BLOCK = 4096  # frames at once: the memory of a long recording stays small


def mfcc(audio: np.ndarray) -> np.ndarray:
    """``(samples,)`` at 16 kHz, full scale 1, to ``(frames, 40)`` float32; see `frame_count`.

    ValueError for audio shorter than a window.
    """
    if len(audio) < _WINDOW:
        raise ValueError(f"{len(audio)} samples: one window takes {_WINDOW} (25 ms at 16 kHz)")
    count = frame_count(len(audio))
    before = (_WINDOW - _HOP) // 2
    after = (count - 1) * _HOP + _WINDOW - before - len(audio)
    padded = np.pad(audio.astype(np.float32) * _FULL_SCALE, (before, max(after, 0)), "symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:count]
    blocks = range(0, count, _BLOCK)
    return np.concatenate([_of_windows(windows[at : at + _BLOCK]) for at in blocks])


def frame_count(samples: int) -> int:
    """Frames of a recording: its length over 10 ms, rounded."""
    return (samples + _HOP // 2) // _HOP


def _of_windows(windows: np.ndarray) -> np.ndarray:
    x = windows - windows.mean(axis=1, keepdims=True)
    x = x - _PREEMPHASIS * np.concatenate((x[:, :1], x[:, :-1]), axis=1)
    power = np.abs(scipy.fft.rfft(x * povey_window(), _FFT)) ** 2  # (windows, 257)
    energies = power @ mel_filters().T
    logs = np.log(np.maximum(energies, np.finfo(np.float32).eps))
    return (scipy.fft.dct(logs, norm="ortho") * lifter()).astype(np.float32)


def povey_window() -> np.ndarray:
    """Hann to the power of 0.85, ``(400,)`` float32: it goes to zero, unlike Hamming."""
    return (np.hanning(_WINDOW) ** 0.85).astype(np.float32)


def mel_filters() -> np.ndarray:
    """Triangles of height 1, straight over mel, ``(40, 257)`` float32; the bin at 8 kHz is in none."""
    edges = np.linspace(*mel(np.array(_BAND_HZ)), COEFFICIENTS + 2)
    bins = mel(np.arange(_FFT // 2 + 1) * SAMPLE_RATE / _FFT)
    rising = (bins - edges[:-2, None]) / (edges[1] - edges[0])
    falling = (edges[2:, None] - bins) / (edges[1] - edges[0])
    return np.maximum(np.minimum(rising, falling), 0).astype(np.float32)


def mel(hz: np.ndarray) -> np.ndarray:
    return 1127 * np.log(1 + hz / 700)


def lifter() -> np.ndarray:
    """Weights of the coefficients, which bring the higher ones to the scale of the lower ones."""
    n = np.arange(COEFFICIENTS)
    return (1 + _LIFTER / 2 * np.sin(np.pi * n / _LIFTER)).astype(np.float32)
