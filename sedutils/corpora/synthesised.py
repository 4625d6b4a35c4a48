"""Speech with phone times, made here: espeak-ng reads word lists and sentences in many voices.

A recording has one speaker, a microphone and a noise of its own. Between utterances are pauses (SIL), in
some of them a sound that is no speech (SPN). espeak's variants go to train, validation or test, never to
two of them, and so do the seeds of the sounds. Phone times are the synthesiser's own.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import soxr
from numpy.random import Generator

from sedutils import foley
from sedutils.corpora import corpus, mixing, phones
from sedutils.foley import dsp, recording, speech
from sedutils.foley.talk import sentence
from sedutils.pipeline import files, jobs

ACCENT = "en-us"  # the accent of CMUdict; see `phones`
SCENE = "speech"
KINDS = ("male", "female")  # adults, as in LibriSpeech
SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
GROUPS = {"train": ("a", "b", "c"), "validation": ("v",), "test": ("t",)}  # share no voice
# No voices; nothing steady, which is the background of a recording and belongs to SIL; no target of the
# rare-event task (baby crying, glass breaking, gun shot) nor their closest kin: what the acoustic model
# says about those is a result of the paper (Table 2, Fig. 2)
NOISES = (
    "alarms_and_sirens", "ball_hitting_floor", "bird_singing", "brakes_squeak", "buzzer",
    "cash_register_beep", "chair_moving", "cupboard", "door", "drawer", "footsteps", "horsewalk",
    "keyboard", "keys_jangling", "object_impact", "object_rustling", "object_snapping",
    "paper_rustling", "people_walking", "pressure_release", "printer", "shoe_squeaks", "telephone",
    "turn_signal", "water_splash", "whistle",
)  # fmt: skip
TRACT = (0.9, 1.12)  # a factor on the formants of a voice: espeak has only some thirty voices
STOPS = ("P", "T", "K", "CH", "B", "D", "G", "JH")
CLOSED = 0.01  # of the utterance's peak: -40 dB
# A list's words hold its phone; frequent phones need none, the sentences have them
WORDS = {
    "AA": "father|calm|dollar|copper|garden|sparkle|bottom|honest",
    "AE": "apple|ladder|hammer|gather|rapid|salmon|candle|jacket",
    "AH": "above|sudden|mother|company|trouble|hundred|sofa|banana",
    "AO": "daughter|autumn|water|almost|corner|morning|before|laundry",
    "AW": "mountain|flower|outside|however|pound|crowd|powder|shower",
    "AY": "island|silent|bicycle|climbing|neither|violet|highway|pilot",
    "B": "rubber|cabin|bubble|harbor|ribbon|club|number|rabbit",
    "CH": "kitchen|teacher|chimney|nature|orchard|watch|chapter|picture",
    "D": "shadow|medal|garden|wonder|cloudy|middle|paddle|food",
    "DH": "weather|brother|together|feather|bathe|either|smooth|leather",
    "EH": "pencil|level|many|weapon|heavy|measure|breakfast|letter",
    "ER": "early|journey|worker|turtle|purple|thirty|summer|perfect",
    "EY": "paper|famous|neighbor|rainy|table|explain|vacation|bakery",
    "F": "coffee|elephant|laughing|often|puffin|cliff|safety|enough",
    "G": "finger|eagle|forget|again|magazine|tiger|bigger|egg",
    "HH": "behind|perhaps|hotel|whole|hungry|ahead|hollow|handle",
    "IH": "winter|system|building|busy|village|minute|kitten|women",
    "IY": "season|evening|machine|people|region|eager|story|believe",
    "JH": "bridge|manager|gentle|jungle|soldier|village|judge|magic",
    "K": "chocolate|market|ocean liner|blanket|uncle|pocket|cactus|music",
    "L": "yellow|island|color|valley|bottle|lily|jelly|pillow",
    "M": "summer|camera|family|mammal|remember|climb|lemon|hammock",
    "N": "dinner|banana|funny|canyon|winner|number nine|opinion|linen",
    "NG": "singing|longer|hunger|evening|English|tongue|ringing|anchor",
    "OW": "ocean|yellow|moment|program|shoulder|motor|rainbow|hotel",
    "OY": "noisy|enjoy|oyster|voyage|poison|toy|annoy|loyal",
    "P": "paper|happy|open|simple|puppy|people|apron|champion",
    "R": "mirror|carry|orange|arrow|forest|railroad|drawer|rural",
    "S": "sister|castle|basket|city|glasses|listen|possible|ice",
    "SH": "fashion|ocean|station|special|sugar|cushion|mission|shelter",
    "T": "water|button|battery|little|party|tomato|return|title",
    "TH": "author|nothing|healthy|method|birthday|thunder|mouth|thick",
    "UH": "wooden|cookie|pudding|bookshelf|football|woman|pushing|goodness",
    "UW": "ruler|music|beautiful|cucumber|school|afternoon|moving|july",
    "V": "river|seven|cover|velvet|heaven|over|vivid|eleven",
    "W": "window|always|twenty|away|language|quiet|sandwich|worthwhile",
    "Y": "yesterday|beyond|yogurt|useful|yard|yellow|younger|unit",
    "Z": "lazy|music|easy|dozen|reason|visit|puzzle|zebra",
    "ZH": "treasure|vision|usual|garage|pleasure|casual|television|measure",
}  # fmt: skip
_WORDS = [words.split("|") for words in WORDS.values()]


def plan(*, seed: int, minutes: float, recording_s: float) -> pd.DataFrame:
    """The recordings, in order of the splits: recording, speaker, split, and the columns of a ``Speaker``.

    A split gets its share of ``minutes``, at least one recording. Every recording draws its speaker from
    the voices of its split (`sedutils.foley.speech.deal`).
    """
    names = {name: split for split, groups in GROUPS.items() for name in groups}
    count = {
        split: max(1, round(share * minutes * 60 / recording_s)) for split, share in SHARES.items()
    }
    most = max(-(-count[split] // len(groups)) for split, groups in GROUPS.items())
    people = speech.deal(seed, list(names), -(-most // len(KINDS)), KINDS)
    people["split"] = people["group"].map(names)
    # of each split the first man and woman of its groups, then the second ones
    people["turn"] = people.groupby(["group", "kind"]).cumcount()
    people = people.sort_values(["turn", "group", "kind"], kind="stable")
    tables = [people[people["split"] == split].head(count[split]) for split in SHARES]
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, "recording", [f"speech-{i:05d}" for i in range(len(table))])
    return table.drop(columns=["group", "turn"])


def build(folder: Path, settings: dict, *, backend: str, workers: int) -> None:
    """Make the recordings of a `plan` and write the corpus; ``settings`` are those of `plan` and

    noise_share : odds that a pause holds a sound (SPN)
    snr_db : least and most, of the speech over the noise of the recording
    """
    table = plan(**{key: settings[key] for key in ("seed", "minutes", "recording_s")})
    keys = ("seed", "recording_s", "noise_share", "snr_db")
    tasks = [
        {"row": row, "folder": folder, "settings": {key: settings[key] for key in keys}}
        for _, row in table.iterrows()
    ]
    made = jobs.parallel(write_recording, tasks, label="speech", backend=backend, workers=workers)
    events, durations = zip(*made, strict=True)
    recordings = table[["recording", "split"]].assign(
        path=[f"audio/{name}.wav" for name in table["recording"]],
        duration_s=durations,
        sample_rate=phones.SAMPLE_RATE,
        scene=SCENE,
    )
    corpus.write(folder, recordings, pd.concat(events, ignore_index=True), phones.LABELS)


def write_recording(*, row: pd.Series, folder: Path, settings: dict) -> tuple[pd.DataFrame, float]:
    """Make one recording of a plan; returns its events and its length in seconds."""
    audio, events = render(row, **settings)
    files.write_wav(folder / "audio" / f"{row.recording}.wav", audio, phones.SAMPLE_RATE)
    events.insert(0, "recording", row.recording)
    return events, len(audio) / phones.SAMPLE_RATE


def render(
    row: pd.Series,
    *,
    seed: int,
    recording_s: float,
    noise_share: float,
    snr_db: tuple[float, float],
) -> tuple[np.ndarray, pd.DataFrame]:
    """One recording, ``(samples,)`` float32 at 16 kHz, and its phones without a gap: onset_s, offset_s, label.

    row : of a plan
    recording_s : the utterance that passes it is the last
    """
    rng = np.random.default_rng(mixing.stable_seed(seed, row.recording, "speech"))
    (speaker,) = speech.cast(row.to_frame().T).values()
    shift = round(speaker.shift * dsp.log_uniform(rng, *TRACT), 3)
    speaker = replace(speaker, shift=shift, voice=f"{ACCENT}+{speaker.voice.partition('+')[2]}")
    spoken = speech.say(script(rng, speaker, recording_s))
    pieces, tables, now_s = [], [], 0.0
    for audio, table in spoken:
        for sound, events in (*between(rng, noise_share), (audio, with_closures(audio, table))):
            pieces.append(sound)
            tables.append(
                events.assign(onset_s=events.onset_s + now_s, offset_s=events.offset_s + now_s)
            )
            now_s += len(sound) / dsp.SAMPLE_RATE
        if now_s > recording_s:
            break
    pieces.append(pause(rng))
    audio = recorded(rng, np.concatenate(pieces), snr_db)
    events = phones.filled(pd.concat(tables, ignore_index=True), len(audio) / phones.SAMPLE_RATE)
    return audio, events


def with_closures(audio: np.ndarray, table: pd.DataFrame) -> pd.DataFrame:
    """Phones of an utterance of `sedutils.foley.speech.say`, each stop from the start of its closure on.

    espeak counts the closure to the phone before; here and in aligned speech it is the stop's. It is where
    the sound before the stop is quiet.
    """
    events = phones.from_espeak(table)
    loud = np.flatnonzero(np.abs(audio) > CLOSED * np.abs(audio).max())
    for i in range(1, len(events)):
        before, onset_s = events.onset_s[i - 1], events.onset_s[i]
        if events.label[i] not in STOPS or events.label[i - 1] == phones.SIL:
            continue
        last = np.searchsorted(loud, round(onset_s * dsp.SAMPLE_RATE)) - 1
        closed_s = (loud[last] + 1) / dsp.SAMPLE_RATE if last >= 0 else onset_s
        border_s = min(onset_s, max(closed_s, (before + onset_s) / 2))
        events.loc[i - 1, "offset_s"] = events.loc[i, "onset_s"] = border_s
    return events


def script(rng: Generator, speaker: speech.Speaker, seconds: float) -> list[speech.Line]:
    """What a speaker says in ``seconds`` without pauses: home talk and lists of words, in turns at random."""
    lines, left_s = [], seconds
    while left_s > 0:
        text = sentence(rng, "any") if rng.random() < 0.5 else word_list(rng)
        lines.append(speech.Line(text, speaker, int(rng.integers(1, 1 << 30))))
        left_s -= 60 * len(text.split()) / speaker.pace_wpm
    return lines


def word_list(rng: Generator) -> str:
    """Four to eight words that hold as many phones, all phones with equal odds."""
    lists = rng.choice(len(_WORDS), int(rng.integers(4, 9)), replace=False)
    return " ".join(_WORDS[i][rng.integers(len(_WORDS[i]))] for i in lists)


def pause(rng: Generator) -> np.ndarray:
    """Silence of 0.1 to 0.6 s."""
    return np.zeros(dsp.length(rng.uniform(0.1, 0.6)), np.float32)


def between(rng: Generator, noise_share: float) -> list[tuple[np.ndarray, pd.DataFrame]]:
    """What comes before an utterance: a pause, or a sound between two pauses, with its events (SPN)."""
    nothing = pd.DataFrame({"onset_s": [], "offset_s": [], "label": []})
    quiet = [(pause(rng), nothing)]
    if rng.random() >= noise_share:
        return quiet
    label, length_s = NOISES[rng.integers(len(NOISES))], dsp.log_uniform(rng, 0.3, 2.0)
    sound = foley.synthesise(label, seed=int(rng.integers(1 << 31)), duration_s=length_s)
    sound = mixing.faded(dsp.log_uniform(rng, 0.03, 0.5) * sound)
    levels = mixing.frame_levels_db(sound)
    loud = np.flatnonzero(levels > levels.max() - 30)
    times = np.array([loud[0], loud[-1] + 1]) * mixing.FRAME_S
    times = np.minimum(times, len(sound) / dsp.SAMPLE_RATE)
    noise = pd.DataFrame({"onset_s": times[:1], "offset_s": times[1:], "label": phones.SPN})
    return [*quiet, (sound, noise), (pause(rng), nothing)]


def recorded(rng: Generator, dry: np.ndarray, snr_db: tuple[float, float]) -> np.ndarray:
    """``dry`` as one microphone took it at 16 kHz: the room (in half of the recordings), noise, colour, level.

    The noise is of any colour from that of wind to that of hiss; peaks lie between 0.1 and 0.9.
    """
    if rng.random() < 0.5:
        dry = dsp.convolve(dry, recording.room_response(rng, "room"))
    colour = [rng.uniform(0, 30), 0, rng.uniform(-15, 5)]
    noise = dsp.shaped(dsp.noise(rng, len(dry)), [50, 1000, 16000], colour)
    level_db = mixing.active_level_db(dry) - rng.uniform(*snr_db)
    noise = mixing.at_level(noise, level_db)
    recorded = dsp.shaped(dry + noise, *recording.microphone_curve(rng))
    audio = soxr.resample(recorded.astype(np.float32), dsp.SAMPLE_RATE, phones.SAMPLE_RATE)
    return np.float32(dsp.log_uniform(rng, 0.1, 0.9) / np.abs(audio).max()) * audio
