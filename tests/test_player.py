import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import soundfile

from sedutils.show.player import once, page, player

RATE, SECONDS = 44100, 3
LABELS = ["dog_barking", "rain", "thunder"]
ADDRESS = re.compile(r"(?:https?:)?//[\w.]", re.I)


@pytest.fixture(scope="module")
def audio():
    return np.random.default_rng(0).uniform(-0.1, 0.1, RATE * SECONDS).astype(np.float32)


def events(*rows):
    return pd.DataFrame(rows, columns=["onset_s", "offset_s", "label"])


@pytest.fixture
def rows():
    return {
        "annotation": events((0.5, 1.5, "rain"), (1.0, 2.0, "dog_barking")),
        "CRNN": events((0.6, 1.4, "rain")),
    }


@pytest.fixture
def features():
    return np.random.default_rng(1).random((150, 40))


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def all(self, tag, kind=""):
        return [a for t, a in self.found if t == tag and kind in (a.get("class") or "").split(" ")]


def test_same_bytes_twice(audio, rows, features):
    scores = {"CRNN": np.random.default_rng(2).random((150, 3))}
    made = [
        player(audio, RATE, rows=rows, labels=LABELS, features=features, probabilities=scores)
        for _ in range(2)
    ]
    assert made[0] == made[1]


def test_nothing_is_fetched_and_no_ids(audio, rows, features):
    html = player(audio, RATE, rows=rows, features=features)
    assert not ADDRESS.search(re.sub(r"base64,[\w+/=]+", "", html))
    tags = Tags(html)
    assert not [a for _, a in tags.found if "id" in a]
    sources = [
        a.get("src") or a.get("href") for t, a in tags.found if t in ("audio", "img", "image")
    ]
    assert len(sources) == 2 and all(s.startswith("data:") for s in sources)


def test_audio_is_what_was_given(audio, rows, features):
    html = player(audio, RATE, rows=rows, features=features, start_s=1, stop_s=2, max_rate=RATE)
    sound = Tags(html).all("audio")[0]["src"].removeprefix("data:audio/flac;base64,")
    heard, rate = soundfile.read(io.BytesIO(base64.b64decode(sound)))
    assert rate == RATE
    np.testing.assert_allclose(heard, audio[RATE : 2 * RATE], atol=1e-4)
    smaller = Tags(player(audio, RATE, rows=rows, features=features)).all("audio")[0]["src"]
    smaller = base64.b64decode(smaller.partition(",")[2])
    assert soundfile.info(io.BytesIO(smaller)).samplerate == 22050


def test_events_stand_at_their_times(audio, rows, features):
    tags = Tags(player(audio, RATE, rows=rows, labels=LABELS, features=features))
    drawn = tags.all("rect", "sed-event")
    assert [(r["data-on"], r["data-off"]) for r in drawn] == [
        ("0.500", "1.500"), ("1.000", "2.000"), ("0.600", "1.400")
    ]  # fmt: skip
    assert (drawn[0]["x"], drawn[0]["width"]) == ("16.667%", "33.333%")
    assert drawn[0]["style"] == drawn[2]["style"] != drawn[1]["style"]  # a colour a class
    assert drawn[0]["y"] > drawn[1]["y"]  # lanes in the order of labels
    assert len(tags.all("div", "sed-lane")) == 4  # thunder does not occur
    assert len(tags.all("rect", "sed-ghost")) == 2  # the annotation behind CRNN, not behind itself


def test_a_part_of_a_recording(audio, rows, features):
    html = player(audio, RATE, rows=rows, features=features, start_s=1.2, stop_s=2.7)
    drawn = Tags(html).all("rect", "sed-event")
    assert [(r["data-on"], r["data-off"]) for r in drawn] == [
        ("0.000", "0.300"), ("0.000", "0.800"), ("0.000", "0.200")
    ]  # fmt: skip
    assert "annotation: dog_barking, 1.20–2.00 s (0.80 s)" in html
    assert 'data-start="1.20" data-duration="1.5000"' in html


def test_colours_do_not_depend_on_what_occurs(audio, rows, features):
    def colour(given):
        made = player(audio, RATE, rows={"a": given}, labels=LABELS, features=features)
        return [r["style"] for r in Tags(made).all("rect", "sed-event")][-1]

    assert colour(events((0, 1, "rain"))) == colour(events((0, 1, "dog_barking"), (1, 2, "rain")))


def test_text_is_escaped(audio, features):
    bad = "</script><img src=x onerror=alert(1)>\"'&"
    html = player(audio, RATE, rows={bad: events((0, 1, bad))}, title=bad, features=features)
    tags = Tags(html)
    assert [t for t, _ in tags.found].count("img") == 1
    assert not [a for _, a in tags.found if "onerror" in a]
    assert html.count("</script>") == 1


def test_script_and_style_once_a_page(audio, rows, features):
    one = player(audio, RATE, rows=rows, features=features)
    assert once(one) == one
    whole = page("Two < three", one + one)
    assert whole.count("<script>") == 1 and whole.count("<figure") == 2
    assert whole.startswith("<!DOCTYPE html>") and "<title>Two &lt; three</title>" in whole
    assert whole.index("<script>") < whole.index("<figure")


def test_spectrogram_without_features_and_without_events(audio):
    html = player(audio, RATE, rows={"annotation": events()})
    assert "data:image/png;base64," in html
    assert not Tags(html).all("rect", "sed-event")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ["rain"]}, "label 'dog_barking' is not among labels"),
        ({"rows": {"CNN": events((2, 1, "rain"))}}, "'CNN' has rain from 2 to 1 s"),
        (
            {"probabilities": {"RNN": np.zeros((5, 3))}, "labels": LABELS},
            "'RNN' is not among the rows",
        ),
        ({"probabilities": {"CRNN": np.zeros((5, 2))}, "labels": LABELS}, "(5, 2) for 3 labels"),
        ({"start_s": 2, "stop_s": 1}, "is no part of 3.00 s"),
    ],
)
def test_errors_in_one_line(audio, rows, features, change, message):
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        player(audio, RATE, **{"rows": rows, "features": features, **change})
    assert "\n" not in str(error.value)


def test_stereo_is_refused(rows):
    with pytest.raises(ValueError, match=r"got shape \(10, 2\)"):
        player(np.zeros((10, 2)), RATE, rows=rows)
