"""People talking: what they say, in turns, near and far; a recipe for each kind of talker.

Sentences come from a grammar of our own over a list of home words: nothing is quoted. The recipes
have the usual arguments and take the speakers allowed in a split (default: anybody).
"""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp
from sedutils.foley.speech import Line, Speaker, draw_speaker, say

_WORDS = {
    "who": "I|you|we|they|Grandma|your brother|the cat|your father|Anna|Tom|the baby|everybody",
    "did": "found|took|lost|wanted|forgot|moved|washed|broke|bought|dropped|put away|looked for",
    "do": "find|take|see|bring|open|carry|clean|fix|hide|look for|wait for|pick up",
    "how": "red|blue|little|old|broken|wet|big|yellow|new|other|empty|wooden",
    "thing": "cup|ball|box|chair|bottle|shoe|train|book|window|spoon|blanket|garden gate|apple"
    "|kettle|puzzle|bicycle|lamp|drawing|basket|coat",
    "where": "in the kitchen|under the table|on the stairs|behind the door|by the window|upstairs"
    "|in the garden|next to the fridge|over there|in the car",
    "when": "today|now|after lunch|this morning|tomorrow|in a minute|before supper|again",
    "hm": "Yes|No|Oh|Well|Okay|Really|Look|Maybe|Not yet|Wait|All right|Never mind",
}
_LISTS = {name: words.split("|") for name, words in _WORDS.items()}
_ADULT = (
    "{who} {did} the {how} {thing} {where}.",
    "{hm}, {who} {did} it {when}.",
    "Can you {do} the {thing} {where}?",
    "{hm}. We could {do} the {how} {thing} {when}.",
    "Did {who} {do} the {thing}?",
    "I think the {thing} is {where}, not {where}.",
    "{hm}.",
    "What happened to the {how} {thing}?",
)
_CHILD = (
    "My {thing}! {who} {did} my {thing}!",
    "I want the {how} {thing}.",
    "{hm}! A {how} {thing}!",
    "Where is the {thing}?",
    "Can I {do} it {when}? Please?",
    "No, no, not the {how} one.",
    "Look, it is {where}!",
    "The {thing} is {how} and the {thing} is {how}.",
)
_SHOUTS = (
    "{hm}!",
    "Come {where}!",
    "It is my {thing}!",
    "Catch the {thing}!",
    "No! Give it {when}!",
)


def sentence(rng: Generator, kind: str) -> str:
    """Something a speaker of this kind ("child", "male", "female", "shouting") may say at home."""
    patterns = {"child": _CHILD, "shouting": _SHOUTS}.get(kind, _ADULT)
    words = patterns[rng.integers(len(patterns))]
    for name, choices in _LISTS.items():
        while f"{{{name}}}" in words:
            words = words.replace(f"{{{name}}}", choices[rng.integers(len(choices))], 1)
    return words


def lines(
    rng: Generator, speakers: Sequence[Speaker], duration_s: float, *, style: str = ""
) -> list[Line]:
    """Sentences of the speakers, who take turns, enough for ``duration_s`` at their pace."""
    out, left_s, turn = [], 1.3 * duration_s + 1, int(rng.integers(len(speakers)))
    while left_s > 0:
        if len(speakers) > 1 and rng.random() < 0.75:  # else the same one goes on
            turn = (turn + int(rng.integers(1, len(speakers)))) % len(speakers)
        who = speakers[turn]
        text = sentence(rng, style or who.kind)
        out.append(Line(text, who, int(rng.integers(1, 1 << 30))))
        left_s -= 60 * len(text.split()) / who.pace_wpm + 0.1
    return out


def laid_out(
    rng: Generator, spoken: Sequence[np.ndarray], levels: Sequence[float], duration_s: float, *,
    gap_s: float, overlap: float,
) -> np.ndarray:  # fmt: skip
    """Utterances one after the other from some point before the clip, each at its level.

    Gaps are log-normal about ``gap_s``; with odds ``overlap`` an utterance starts before the last
    one has ended. Shape (samples of ``duration_s``,) float32.
    """
    n = dsp.length(duration_s)
    out = np.zeros(n, dtype=np.float32)
    # at least a third of a second of the first utterance is heard
    first_s = spoken[0].size / dsp.SAMPLE_RATE
    now = rng.uniform(-max(first_s - 0.4, 0.0), min(0.3, 0.3 * duration_s))
    for audio, level in zip(spoken, levels, strict=True):
        at = round(now * dsp.SAMPLE_RATE)
        part = audio[max(-at, 0) : max(n - at, 0)]
        start = max(at, 0)
        out[start : start + part.size] += np.float32(level) * part
        gap = gap_s * np.exp(rng.normal(0, 0.6))
        if rng.random() < overlap:
            gap = -rng.uniform(0.1, 0.5) * audio.size / dsp.SAMPLE_RATE
        now += audio.size / dsp.SAMPLE_RATE + gap
    return out


def talk(
    rng: Generator, duration_s: float, speakers: Sequence[Speaker], *, overlap: float = 0.0
) -> np.ndarray:
    """Talk of the speakers, each at an own distance (level and dullness), shape (n,) float32."""
    script = lines(rng, speakers, duration_s)
    level = {who: dsp.log_uniform(rng, 0.4, 1.0) for who in speakers}
    levels = [level[line.speaker] * np.exp(rng.normal(0, 0.15)) for line in script]
    spoken = [dsp.unit(audio) for audio, _ in say(script)]
    gap_s = dsp.log_uniform(rng, 0.12, 0.7)
    out = laid_out(rng, spoken, levels, duration_s, gap_s=gap_s, overlap=overlap)
    tilt = rng.uniform(-3, 1)  # turned away: the highs go past
    return dsp.shaped(out, [100, 500, 3000, 12000], [rng.uniform(-6, 2), 0, tilt, 3 * tilt])


def _of_kind(rng: Generator, kind: str, count: int, speakers: Sequence[Speaker] | None):
    """``count`` speakers of a kind from those allowed; ValueError where none is."""
    if speakers is None:
        return [draw_speaker(rng, kind) for _ in range(count)]
    fitting = [who for who in speakers if who.kind == kind]
    if not fitting:
        raise ValueError(f"talk: no speaker of kind {kind!r} among the {len(speakers)} given")
    return [fitting[i] for i in rng.permutation(len(fitting))[:count]]


def people_speaking(
    rng: Generator, duration_s: float, speakers: Sequence[Speaker] | None = None
) -> np.ndarray:
    """A conversation: two or three people in turns, near and far, at times two at once.

    Gaps between turns are about a fifth of a second, some turns overlap (Heldner & Edlund 2010).
    """
    count = int(rng.integers(2, 4))
    if speakers is None:
        kinds = rng.choice(["male", "female", "child"], count, p=[0.42, 0.42, 0.16])
        speakers = [draw_speaker(rng, kind) for kind in kinds]
    chosen = [speakers[i] for i in rng.permutation(len(speakers))[:count]]
    return talk(rng, duration_s, chosen, overlap=rng.uniform(0.0, 0.35))


def child_speech(
    rng: Generator, duration_s: float, speakers: Sequence[Speaker] | None = None
) -> np.ndarray:
    """A child talking: a pitch of 250-360 Hz, formants a fifth to a third above a woman's.

    Wide intonation and short sentences (Lee, Potamianos & Narayanan 1999); at times two children.
    """
    count = 2 if rng.random() < 0.25 else 1
    return talk(rng, duration_s, _of_kind(rng, "child", count, speakers), overlap=0.1)


def male_speech(
    rng: Generator, duration_s: float, speakers: Sequence[Speaker] | None = None
) -> np.ndarray:
    """A man talking, with pauses: a pitch of 88-150 Hz (Hillenbrand et al. 1995)."""
    return talk(rng, duration_s, _of_kind(rng, "male", 1, speakers))


def female_speech(
    rng: Generator, duration_s: float, speakers: Sequence[Speaker] | None = None
) -> np.ndarray:
    """A woman talking, with pauses: a pitch of 168-238 Hz (Hillenbrand et al. 1995)."""
    return talk(rng, duration_s, _of_kind(rng, "female", 1, speakers))


def children_shouting(
    rng: Generator, duration_s: float, speakers: Sequence[Speaker] | None = None
) -> np.ndarray:
    """Three or four children calling over each other: pitch up by a half, stretched, pressed.

    Vocal effort raises pitch and first formant and flattens the spectrum (Traunmüller & Eriksson
    2000): faster resampling, slower pace, highs lifted, and the peaks rounded.
    """
    children = _of_kind(rng, "child", int(rng.integers(3, 5)), speakers)
    loud = [_shouting(rng, who) for who in children]
    n = dsp.length(duration_s)
    script = [lines(rng, [who], duration_s, style="shouting") for who in loud]
    spoken = iter([dsp.unit(audio) for audio, _ in say([line for each in script for line in each])])
    out = np.zeros(n, dtype=np.float32)
    for each in script:
        mine = [next(spoken) for _ in each]
        levels = dsp.log_uniform(rng, 0.3, 1.0) * np.exp(rng.normal(0, 0.2, len(mine)))
        gap_s = dsp.log_uniform(rng, 0.2, 1.5)
        out += laid_out(rng, mine, levels, duration_s, gap_s=gap_s, overlap=0.0)
    out = dsp.shaped(out, [150, 500, 3500, 12000], [-14, 0, rng.uniform(4, 10), 3])
    return np.tanh(rng.uniform(0.6, 1.5) * dsp.unit(out))


def _shouting(rng: Generator, who: Speaker) -> Speaker:
    """The same child at the top of its voice."""
    return Speaker(
        kind=who.kind,
        voice=who.voice,
        pitch=min(99, who.pitch + int(rng.integers(25, 45))),
        range=95,
        shift=round(who.shift * rng.uniform(1.04, 1.1), 3),
        pace_wpm=round(0.75 * who.pace_wpm, 1),
    )


RECIPES = {
    "child_speech": child_speech,
    "children_shouting": children_shouting,
    "female_speech": female_speech,
    "male_speech": male_speech,
    "people_speaking": people_speaking,
}
