"""How real the procedural sound is: learn from foley alone, be tested on real recordings.

    python -m sedutils.foley.realism --bank FOLDER [--folds 1 2 3] [--seeds 3] [--out table.csv]

A clip classifier (statistics of log-mel energies, standardised, one hidden layer) is trained on
isolated foley instances of the classes that FOLDER has too, then names the real clips in
``FOLDER/<class>/*.ogg``, whose names begin with a fold number ("1-100032-A.ogg"). Accuracy over
chance says that the recipes carry what distinguishes the real sounds. Recipes are improved on some
folds and reported on others.
"""

import argparse
import sys
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import soundfile
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sedutils.foley import SAMPLE_RATE, synthesise

# folder of the bank -> label here
SAME_SOUND = {"baby_cry": "baby_crying", "dog_bark": "dog_barking", "rain": "rain"}
SECONDS = 5.0
PER_CLASS = 120
_FLOOR_DB = 60.0  # below the loudest frame: deeper is noise floor or digital silence, not the sound


def log_mel(x: np.ndarray) -> np.ndarray:
    """Log-mel energies in dB under the clip's loudest, shape (40, frames), 40 ms each 20 ms.

    Up to 12 kHz: what is above tells the codec a clip was stored with, not the sound.
    """
    mel = librosa.feature.melspectrogram(
        y=x, sr=SAMPLE_RATE, n_fft=2048, win_length=1764, hop_length=882, n_mels=40, fmax=12000
    )
    level = 10 * np.log10(np.maximum(mel, 1e-12))
    return np.maximum(level - level.max(), -_FLOOR_DB - 20)


def clip_features(x: np.ndarray) -> np.ndarray:
    """Statistics of one clip that ignore its level, shape (171,).

    Of the frames less than 60 dB under the loudest: mean, deviation and mean step from frame to
    frame a band (each spectrum less its mean: microphones differ more than sounds in tilt).
    Of the envelope: its quantiles, the share of such frames, and the modulation spectrum.
    """
    level = log_mel(x)
    loud = 10 * np.log10(np.mean(10 ** (level / 10), axis=0))
    loud = np.maximum(loud - loud.max(), -_FLOOR_DB)
    active = loud > -_FLOOR_DB + 20
    frames = level[:, active] - loud[active]
    step = np.abs(np.diff(level, axis=1)).mean(axis=1)
    spectrum = 10 * np.log10(np.mean(10 ** (level[:, active] / 10), axis=1) + 1e-8)
    shape = [frames.mean(axis=1), frames.std(axis=1), step, spectrum - spectrum.max()]
    envelope = np.quantile(loud, [0.1, 0.25, 0.5, 0.75, 0.9])
    modulation = np.abs(np.fft.rfft((loud - loud.mean()) * np.hanning(loud.size)))
    hz = np.fft.rfftfreq(loud.size, 0.02)
    bands = [
        modulation[(hz >= a) & (hz < b)].mean()
        for a, b in ((0.4, 1), (1, 2), (2, 4), (4, 8), (8, 25))
    ]
    return np.concatenate([*shape, envelope, [active.mean()], np.log(np.array(bands) + 1e-3)])


def fit_length(x: np.ndarray) -> np.ndarray:
    """``x`` cut, or filled with silence, to five seconds."""
    size = round(SECONDS * SAMPLE_RATE)
    return np.pad(x[:size], (0, max(size - x.size, 0)))


def foley_clips(label: str, *, seed: int, count: int) -> np.ndarray:
    """Features of ``count`` foley clips of 1.5 to 5 s, silence after the short ones."""
    rng = np.random.default_rng(seed)
    lasting = np.minimum(rng.uniform(1.5, 7.0, count), SECONDS)
    seeds = 1_000_000 * (seed + 1) + np.arange(count)
    clips = (
        synthesise(label, seed=int(s), duration_s=d) for s, d in zip(seeds, lasting, strict=True)
    )
    return np.stack([clip_features(fit_length(x)) for x in clips])


def bank_clips(folder: Path, folds: list[int]) -> tuple[np.ndarray, list[str], list[int]]:
    """Features, labels and folds of the real clips; FileNotFoundError where there are none."""
    features, labels, numbers = [], [], []
    for name, label in sorted(SAME_SOUND.items()):
        for path in sorted((folder / name).glob("*.ogg")):
            fold = int(path.name.split("-")[0])
            if fold not in folds:
                continue
            x, rate = soundfile.read(path, dtype="float32", always_2d=True)
            x = x.mean(axis=1)
            if rate != SAMPLE_RATE:
                x = librosa.resample(x, orig_sr=rate, target_sr=SAMPLE_RATE)
            features.append(clip_features(fit_length(x)))
            labels.append(label)
            numbers.append(fold)
    if not labels:
        raise FileNotFoundError(f"{folder}: no clips <class>/<fold>-*.ogg of {sorted(SAME_SOUND)}")
    return np.stack(features), labels, numbers


def guesses(real: np.ndarray, *, seed: int, count: int) -> np.ndarray:
    """Labels a classifier trained on foley alone gives to ``real`` (clips, features)."""
    labels = sorted(SAME_SOUND.values())
    train = np.concatenate([foley_clips(label, seed=seed, count=count) for label in labels])
    model = make_pipeline(
        StandardScaler(),
        MLPClassifier((32,), alpha=1.0, solver="lbfgs", max_iter=2000, random_state=seed),
    )
    model.fit(train, np.repeat(labels, count))
    # a real clip may lie outside what foley ever does: three deviations say as much as thirty
    scaled = np.clip(model[0].transform(real), -3, 3)
    return model[1].predict(scaled)


def measure(
    folder: Path, *, folds: list[int], seeds: int = 3, count: int = PER_CLASS
) -> pd.DataFrame:
    """Share of real clips named rightly, by class and over all, as mean and deviation over seeds.

    Columns: label, folds, clips, accuracy_score, accuracy_std, seeds, and said_<label>: the share
    of the clips given each name.
    """
    real, labels, _ = bank_clips(folder, folds)
    truth = np.array(labels)
    said = np.stack([guesses(real, seed=seed, count=count) for seed in range(seeds)])
    rows = []
    for label in [*sorted(set(labels)), "all"]:
        mine = np.ones(truth.size, bool) if label == "all" else truth == label
        right = (said[:, mine] == truth[mine]).mean(axis=1)
        row = {
            "label": label,
            "folds": " ".join(map(str, folds)),
            "clips": int(mine.sum()),
            "accuracy_score": round(float(right.mean()), 4),
            "accuracy_std": round(float(right.std(ddof=1)), 4) if seeds > 1 else float("nan"),
            "seeds": seeds,
        }
        for name in sorted(SAME_SOUND.values()):
            row[f"said_{name}"] = round(float((said[:, mine] == name).mean()), 4)
        rows.append(row)
    return pd.DataFrame(rows)


def main(arguments: list[str] | None = None) -> int:
    """Print the table as CSV; write it only where ``--out`` says."""
    parser = argparse.ArgumentParser(description="Train on foley, test on real clips.")
    parser.add_argument("--bank", type=Path, required=True, help="folder of <class>/<fold>-*.ogg")
    parser.add_argument("--folds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument(
        "--seeds", type=int, default=3, help="independent training sets and networks"
    )
    parser.add_argument("--out", type=Path, help="CSV file to write")
    options = parser.parse_args(arguments)
    table = measure(options.bank, folds=options.folds, seeds=options.seeds)
    print(table.to_csv(index=False), end="")
    if options.out:
        table.to_csv(options.out, index=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
