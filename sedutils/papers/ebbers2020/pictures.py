"""What augmentation does to a clip, and what mixing energies in place of waveforms costs (Sec. 3)."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from sedutils.corpora import recipes
from sedutils.corpora.corpus import Corpus
from sedutils.features import augmentation, spectra
from sedutils.features.frames import Frames
from sedutils.features.superposition import Mixtures, composed
from sedutils.papers.ebbers2020.experiments import SYNTHETIC, WEAK, Experiment

# How strong an augmentation is shown that stands alone
STRETCH, LOUDER, BLUR, NOISE = 1.25, 4.0, 2.0, 0.8
MASK_S, MASK_SHARE = 1.4, 0.2
DB = 10 / math.log(10)  # of one unit of a natural log of energy
NEAR_DB = 6.0


def richest(clips: Frames) -> Frames:
    """The first of those clips that have most classes, alone."""
    place = int(np.argmax(clips.tags.sum(axis=1)))
    return replace(clips, recordings=clips.recordings.iloc[[place]].reset_index(drop=True))


def spectrogram(clips: Frames, place: int = 0) -> np.ndarray:
    """Normalised log mel energies of one of some clips, ``(frames, bands)``."""
    padded, _ = clips.padded(clips.features, np.array([place]))
    return clips.normalised(padded)[0].numpy()


def augmented(experiment: Experiment, seed: int) -> dict[str, np.ndarray]:
    """A training clip as it is, after each augmentation alone, after all as drawn in training: name -> frames x bands.

    Alone each is so strong that it shows, also where training has less of it or none.
    """
    clips = experiment.clips("train", WEAK, SYNTHETIC)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    settings, hop_s = experiment.settings["augmentation"], experiment.hop_s
    order = np.argsort(-clips.tags.sum(axis=1), kind="stable")
    pair = rng.choice(order[: max(2, len(order) // 4)], 2, replace=False)  # there is much in them
    starts = 0, int(clips.lengths[pair[0]]) // 3
    length = (np.array(starts) + clips.lengths[pair]).max()
    batch = Mixtures(pair[None], np.array([starts]), np.array([length]))
    alone = Mixtures(np.array([[pair[0], -1]]), np.zeros((1, 2), int), clips.lengths[pair[:1]])
    trained = batch if settings["mixup_probability"] else alone
    raw, lengths = clips.padded(clips.features, pair[:1])
    x, drawn = clips.normalised(raw), {"generator": generator}
    both = augmentation.superpose(*batch.placed(clips, clips.features, -math.inf))
    masks = {"longest": MASK_S / hop_s, "share": MASK_SHARE}
    panels = {
        "as it is": x,
        f"{LOUDER:g} times as loud": clips.normalised(raw + 2 * math.log(LOUDER)),
        "with a second clip over it": clips.normalised(both),
        f"mel axis stretched by {STRETCH}": augmentation.stretched(x, torch.tensor([STRETCH])),
        "blurred": augmentation.blur(x, lengths, scale=BLUR, **drawn),
        "masked in time": augmentation.mask_time(x, lengths, **masks, **drawn),
        "masked in frequency": augmentation.mask_bands(x, share=MASK_SHARE, **drawn),
        "noise": augmentation.add_noise(x, std=NOISE, **drawn),
        "all, as in training": composed(clips, trained, settings, hop_s=hop_s, **drawn)[0],
    }
    return {name: panel[0].numpy() for name, panel in panels.items()}


def phase_error(made: Corpus, front_end: dict, pairs: int) -> pd.DataFrame:
    """Log-mel energies of mixed clips: what sums of energies say more than the energy of the mixed waveforms, in dB.

    A row for all frames and bands of some pairs of weak clips, one for those where the two clips are within
    `NEAR_DB` of each other, where phases count most. Nothing is scaled before the clips are added.

    front_end : section of ``features``
    """
    weak = made.recordings[made.recordings.scene == WEAK].recording.to_numpy()
    sounds, settings = recipes.sounds(made), spectra.front_end(front_end)
    errors, distances = [], []
    for first, second in zip(weak[:pairs], np.roll(weak, -pairs)[:pairs], strict=True):
        audio = [
            spectra.scaled(sounds[name].read(front_end["sample_rate"]), front_end)
            for name in (first, second)
        ]
        length = min(map(len, audio))
        one, other = (spectra.log_mel(x[:length], **settings) for x in audio)
        mixed = spectra.log_mel(audio[0][:length] + audio[1][:length], **settings)
        errors.append((np.logaddexp(one, other) - mixed).ravel() * DB)
        distances.append(np.abs(one - other).ravel() * DB)
    error, near = np.concatenate(errors), np.concatenate(distances) < NEAR_DB
    rows = {}
    for name, part in (("everywhere", error), (f"clips within {NEAR_DB:g} dB", error[near])):
        rows[name] = {
            "values": len(part),
            "mean (dB)": np.mean(part),
            "mean absolute (dB)": np.mean(np.abs(part)),
            "95 % are below (dB)": np.quantile(np.abs(part), 0.95),
        }
    return pd.DataFrame.from_dict(rows, orient="index").astype({"values": int}).round(2)
