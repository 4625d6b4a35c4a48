"""Made sources of rare-event mixtures: published counts, nothing shared, the part that sounds."""

import numpy as np
import pytest

from sedutils.corpora import mixing, rare_foley
from sedutils.pipeline import files

LIMITS = {"range_db": 40.0, "gap_s": 1.0}


def test_at_paper_size_there_are_as_many_as_published():
    events = rare_foley.plan_events(1.0, seed=1)
    counts = events.groupby(["label", "split"]).size().unstack()
    assert counts["train"].to_dict() == {"babycry": 106, "glassbreak": 96, "gunshot": 134}
    assert counts["development"].to_dict() == {"babycry": 42, "glassbreak": 43, "gunshot": 53}
    assert counts["evaluation"].to_dict() == {"babycry": 61, "glassbreak": 58, "gunshot": 76}
    places = rare_foley.plan_backgrounds(1.0, seed=1)
    assert places.groupby("split").size()[["train", "development"]].tolist() == [844, 277]
    assert set(places["label"]) == set(rare_foley.SCENES) and len(rare_foley.SCENES) == 15
    dealt = places.groupby(["split", "label"]).size().unstack()
    assert (dealt.max(axis=1) - dealt.min(axis=1) <= 1).all()
    for table in (events, places):
        assert table["source"].is_unique and table["seed"].is_unique


def test_a_small_share_leaves_something_for_every_split():
    counts = rare_foley.plan_events(0.001, seed=1).groupby(["label", "split"]).size()
    assert len(counts) == 9 and set(counts) == {1, 2}
    assert not rare_foley.plan_events(0.1, seed=1).equals(rare_foley.plan_events(0.1, seed=2))


@pytest.mark.parametrize(
    ("label", "published_s"), [("babycry", 2.33), ("glassbreak", 1.29), ("gunshot", 1.21)]
)
def test_events_last_about_as_long_as_published(label, published_s, tmp_path):
    events = rare_foley.plan_events(0.3, seed=2017).query("label == @label and split == 'train'")
    lengths = [
        rare_foley.write_event(
            path=tmp_path / "a.wav", label=label, seed=row.seed, clip_s=row.clip_s, **LIMITS
        )
        for row in events.itertuples()
    ]
    assert np.median(lengths) == pytest.approx(published_s, rel=0.3)
    assert max(lengths) <= rare_foley.CLIP_S[label][3] + 1e-3 and np.std(lengths) > 0.3
    assert min(lengths) >= rare_foley.SHORTEST_S - 1e-3


def test_an_event_sounds_from_its_first_frame_to_its_last(tmp_path):
    path = tmp_path / "event.wav"
    for seed in range(4):
        length_s = rare_foley.write_event(
            path=path, label="gunshot", seed=seed, clip_s=2.0, **LIMITS
        )
        audio, rate = files.read_audio(path)
        assert rate == 44100 and len(audio) == round(length_s * rate)
        levels = mixing.frame_levels_db(audio)
        assert min(levels[0], levels[-1]) > levels.max() - 43  # faded, in whole frames


def test_a_place_has_its_level_and_noise_to_the_top(tmp_path):
    path = tmp_path / "place.wav"
    for scene in ("library", "train"):
        rare_foley.write_background(path=path, label=scene, seed=3, level_db=-30.0, duration_s=3.0)
        audio, _ = files.read_audio(path)
        assert len(audio) == 3 * 44100
        assert mixing.active_level_db(audio) == pytest.approx(-30.0, abs=0.1)
        power = np.abs(np.fft.rfft(audio)) ** 2
        bands = [band.mean() for band in np.array_split(power, 40)]
        assert 10 * np.log10(min(bands) / np.mean(power)) > -60
