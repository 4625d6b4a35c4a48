"""Sections of params.yaml with values of the tests' own, which hold whatever that file says."""

# features.cakir2017
FRONT_END = {
    "sample_rate": 44100,
    "frame_s": 0.04,
    "hop_s": 0.02,
    "fft": 2048,
    "mel_bands": 40,
    "low_hz": 0.0,
    "window": "hamming",
    "log_floor": 1e-10,
    "mfcc": 20,
    "delta_frames": 9,
}
# features.gradual
GRADUAL_FRONT_END = FRONT_END | {
    "sample_rate": 16000,
    "frame_s": 0.02,
    "hop_s": 0.01,
    "fft": 512,
    "mfcc": 0,
    "mean_frames": 5,
    "context": 5,
}
# training
TRAINING = {
    "seeds": [1],
    "patience": 10,
    "minimum_epochs": 1,
    "max_epochs": 2,
    "learning_rate_decay": 0.0,
    "shift_frames": 73,
    "hop_frames": 0,
    "checkpoint_epochs": 5,
    "device": "cpu",
}
# corpora.tut_rare_2017
RARE_EVENTS = {
    "source": "foley",
    "official": "",
    "bank": "",
    "bank_events": {
        "babycry": "crying_baby",
        "glassbreak": "glass_breaking",
        "gunshot": "gun_shot",
    },
    "bank_backgrounds": ["rain", "sea_waves", "helicopter", "crackling_fire"],
    "seed": 2017,
    "clip_s": 30.0,
    "event_probability": 0.5,
    "detection_event_probability": 0.99,
    "ebr_db": [-6.0, 0.0, 6.0],
    "validation_share": 0.1,
    "annotation_range_db": 40.0,
    "annotation_gap_s": 1.0,
    "bank_annotation_range_db": 40.0,
    "bank_annotation_gap_s": 1.0,
    "clips": {
        "pretraining": 40,
        "detection": 40,
        "validation": 20,
        "development": 40,
        "evaluation": 40,
    },
    "events_share": 0.3,
    "backgrounds_share": 0.05,
    "audio": True,
}
# corpora.desed_2020
HOME = {
    "source": "foley",
    "official": "",
    "bank": "",
    "bank_folds": {"train": [1, 2, 3], "validation": [4], "test": [5]},
    "split_fractions": {"train": 0.6, "validation": 0.2, "test": 0.2},
    "seed": 2020,
    "clip_s": 3.0,
    "event_to_background_db": [6.0, 30.0],
    "annotation_range_db": 40.0,
    "annotation_gap_s": 0.3,
    "clips": {"weak": 5, "unlabelled": 4, "synthetic": 4, "validation": 4, "public": 4},
}
