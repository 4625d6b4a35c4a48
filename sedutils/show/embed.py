"""Sound and pictures as bytes inside a page: the same bytes for the same input."""

import base64
import io

import numpy as np
import soundfile
import soxr


def flac(audio, sample_rate, max_rate):
    """FLAC bytes: lossless, played by every browser, and the same bytes for the same samples."""
    if sample_rate > max_rate:
        audio, sample_rate = soxr.resample(audio, sample_rate, max_rate), max_rate
    sound = io.BytesIO()
    soundfile.write(sound, np.clip(audio, -1, 1), sample_rate, format="FLAC", subtype="PCM_16")
    return sound.getvalue()


def png(image):
    """PNG bytes of a pillow image, without a date in them."""
    out = io.BytesIO()
    image.save(out, format="PNG", optimize=True)
    return out.getvalue()


def data_uri(kind, content):
    """Bytes of a MIME type as an address that holds them."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def log_mel(audio, sample_rate):
    """(frames, 64) dB: a picture for the eye, not the features of any paper."""
    import librosa  # slow to import, and not needed where features are given

    hop = max(1, round(0.01 * sample_rate))
    power = librosa.feature.melspectrogram(
        y=audio, sr=sample_rate, n_fft=2048, hop_length=hop, n_mels=64
    )
    return librosa.power_to_db(power, ref=1.0, top_db=80).T


def fewer(values, most):
    """(frames, x) averaged over neighbouring frames down to at most `most`."""
    step = -(-len(values) // most)
    if step <= 1:
        return values
    starts = np.arange(0, len(values), step)
    counts = np.diff(np.append(starts, len(values)))
    return np.add.reduceat(values, starts, axis=0) / counts[:, None]
