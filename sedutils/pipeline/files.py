"""Files: writes that are whole or absent, and audio reading that says what is wrong and where.

Every writer fills a temporary file in the target's own folder and renames it over the target, so a
full disk, an exception or a kill leaves the old content (or nothing), never half a file. A kill
can leave a hidden ``.<name>.<random>.part`` behind, which no reader looks at.
"""

import contextlib
import hashlib
import io
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
import soxr

SILENCE_PEAK_TO_PEAK = 1e-5  # a third of one 16-bit step: below it nothing can be heard or learned

# libsndfile notes a data chunk that promises more bytes than the file has, and reads on
_CHUNK_SHORT = re.compile(r"^\s*(?:data|SSND|Data Size)\s*:\s*(\d+) \(should be (\d+)\)", re.M)
_OGG_SHORT = "Last page lacks an end-of-stream bit"
_UNKNOWN_LENGTH = 0x7FFFF000  # streamed wav files carry a size of 2 GiB or more for "until the end"


class AudioError(ValueError):
    """Audio that cannot be used; the message is one line that starts with the file."""


@dataclass(frozen=True)
class AudioInfo:
    """What the header of an audio file says: `frames` per channel, `sample_rate` in Hz."""

    frames: int
    sample_rate: int
    channels: int

    @property
    def duration_s(self) -> float:
        return self.frames / self.sample_rate


@contextlib.contextmanager
def _staged(path: Path) -> Iterator[Path]:
    """Yield the name of a new temporary file beside `path`; remove it if the body raises."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
    except OSError as error:
        part.unlink(missing_ok=True)
        reason = error.strerror or str(error).splitlines()[0]
        raise type(error)(error.errno, f"{reason}; not written", str(path)) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _write(path: str | Path, fill: Callable[[io.BufferedWriter], object], *, sync: bool) -> None:
    path = Path(path)
    with _staged(path) as part:
        with open(part, "xb") as handle:
            fill(handle)
            if sync:
                handle.flush()
                os.fsync(handle.fileno())
        os.replace(part, path)


def write_bytes(path: str | Path, data: bytes, *, sync: bool = False) -> None:
    """Write `data` atomically; `sync` waits until the disk has it (survives a power cut)."""
    _write(path, lambda handle: handle.write(data), sync=sync)


def write_text(path: str | Path, text: str, *, sync: bool = False) -> None:
    """Write `text` atomically as UTF-8, line ends as they are."""
    write_bytes(path, text.encode(), sync=sync)


def csv_bytes(table: pd.DataFrame, *, decimals: int = 6) -> bytes:
    """Return `table` as CSV without index: floats with `decimals` places, never ``-0.0``, '\\n'."""
    table = table.copy()
    for column in table.select_dtypes("floating"):
        table[column] = table[column].round(decimals) + 0.0  # adding 0 turns -0.0 into 0.0
    return table.to_csv(index=False, float_format=f"%.{decimals}f", lineterminator="\n").encode()


def write_csv(
    path: str | Path, table: pd.DataFrame, *, decimals: int = 6, sync: bool = False
) -> None:
    """Write `table` atomically as `csv_bytes` spells it: the same table gives the same bytes."""
    write_bytes(path, csv_bytes(table, decimals=decimals), sync=sync)


def write_npy(path: str | Path, array: np.ndarray, *, sync: bool = False) -> None:
    """Write `array` atomically in numpy's own format; object arrays (pickles) are an error."""
    array = np.asarray(array)
    if array.dtype.hasobject:
        raise ValueError(f"{path}: an array of objects is not written")
    _write(path, lambda handle: np.save(handle, array, allow_pickle=False), sync=sync)


def write_set(
    folder: str | Path, contents: Mapping[str, bytes], *, last: str, absent: Iterable[str] = ()
) -> None:
    """Write several files that belong together, so that a mixture of old and new is noticed.

    All are staged first (a full disk changes nothing), then `last` is removed, files named in
    `absent` are removed, and all are renamed into place, `last` at the end: after a kill in
    between, `last` is missing.
    """
    folder = Path(folder)
    with contextlib.ExitStack() as stack:
        parts = {}
        for name, data in contents.items():
            parts[name] = stack.enter_context(_staged(folder / name))
            parts[name].write_bytes(data)
        for name in (last, *absent):
            (folder / name).unlink(missing_ok=True)
        for name in sorted(parts, key=lambda name: name == last):
            os.replace(parts[name], folder / name)


@contextlib.contextmanager
def whole_folder(folder: str | Path) -> Iterator[Path]:
    """Yield a new folder that takes the place of ``folder`` at the end, or is gone if the body raises.

    So an interrupted cell leaves the old folder or none, never half a corpus.
    """
    folder = Path(folder)
    part = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    part.mkdir(parents=True)
    try:
        yield part
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def digest(source: bytes | str | Path) -> str:
    """Return the sha256, in hex, of bytes or of the file at a path (read in blocks)."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    state = os.stat(source)
    return _digest(source, state.st_ino, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=1024)
def _digest(path: str | Path, *state: int) -> str:
    """Of a file that is as ``state`` says: a training asks for those of the features again and again."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def audio_info(path: str | Path) -> AudioInfo:
    """Return an audio file's length and rate from its header, without decoding.

    FileNotFoundError for a missing file; AudioError for one that is empty, no audio, or cut off
    where the header or the container shows it (wav, aiff, au, w64, ogg); FLAC and MP3 show it only
    to `read_audio`.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such audio file")
    if not path.is_file():
        raise AudioError(f"{path}: not a file")
    if path.stat().st_size == 0:
        raise AudioError(f"{path}: empty file (0 bytes)")
    try:
        info = soundfile.info(path)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path}: not audio ({error.error_string.rstrip('.')})") from error
    for promised, found in _CHUNK_SHORT.findall(info.extra_info):
        if int(found) < int(promised) < _UNKNOWN_LENGTH:
            raise AudioError(f"{path}: truncated, {found} of {promised} bytes of audio")
    if _OGG_SHORT in info.extra_info:
        raise AudioError(f"{path}: truncated, the last page is not marked as the end")
    if info.frames == 0:
        raise AudioError(f"{path}: empty audio (0 frames)")
    return AudioInfo(info.frames, info.samplerate, info.channels)


def read_audio(
    path: str | Path, *, sample_rate: int | None = None, allow_silence: bool = False
) -> tuple[np.ndarray, int]:
    """Read any file soundfile reads as mono.

    path: any rate, any number of channels (their mean is taken).
    sample_rate: resample to this rate in Hz (soxr, high quality); None keeps the file's own.
    Returns float32 (frames,) and the rate in Hz. Full scale is 1; float files and resampling can
    go beyond it, which `write_wav` refuses.
    FileNotFoundError for a missing file; AudioError for an empty, truncated or unreadable one, for
    NaN or infinite samples, and for silence unless `allow_silence`.
    """
    info = audio_info(path)
    try:
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path}: damaged audio ({error.error_string.rstrip('.')})") from error
    if len(audio) < info.frames:
        raise AudioError(f"{path}: truncated, {len(audio)} of {info.frames} frames")
    audio = audio[:, 0] if info.channels == 1 else audio.mean(axis=1)
    bad = np.flatnonzero(~np.isfinite(audio))
    if len(bad):
        raise AudioError(f"{path}: sample {bad[0]} is {audio[bad[0]]} ({len(bad)} not finite)")
    if not allow_silence and np.ptp(audio) < SILENCE_PEAK_TO_PEAK:
        raise AudioError(f"{path}: silent from start to end")
    if sample_rate is not None and sample_rate != rate:
        audio, rate = soxr.resample(audio, rate, sample_rate, quality="HQ"), sample_rate
    return np.ascontiguousarray(audio, dtype=np.float32), rate


def write_wav(path: str | Path, audio: np.ndarray, sample_rate: int) -> None:
    """Write mono `audio` (frames,) atomically as 16-bit PCM.

    Samples beyond full scale are an error, never clipped: scale before writing. ValueError names
    the file for clipping, NaN, an empty array or one that is not one-dimensional.
    """
    audio = np.asarray(audio)
    if audio.ndim != 1 or len(audio) == 0:
        raise ValueError(f"{path}: audio of shape {audio.shape} is not a non-empty mono signal")
    peak = float(np.abs(audio).max())
    if not peak <= 1:  # also true for NaN
        raise ValueError(f"{path}: peak {peak:.6g} is beyond full scale (1.0), not written")
    pcm = np.rint(audio * np.float64(32767)).astype(np.int16)
    buffer = io.BytesIO()
    soundfile.write(buffer, pcm, sample_rate, subtype="PCM_16", format="WAV")
    write_bytes(path, buffer.getvalue())
