"""What a place sounds like when nothing happens: the ambience under the events of a scene.

An ambience is a few layers of noise and hum that run on for as long as asked, nothing in them
standing out: no word, no step, no single car. ``place`` draws what stays the same (which room,
which road), ``moment`` what moves; every layer has unit RMS.
"""

import zlib
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp
from sedutils.foley.machines import engine
from sedutils.foley.recording import microphone_curve

CHUNK_S, SEAM_S = 60.0, 2.0  # long ambiences are made in chunks, so memory does not grow with them
Layer = Callable[[Generator, Generator, int], np.ndarray]


def _wash(
    place: Generator, moment: Generator, n: int, *, hz: list, db: list, sway: float, rate_hz: float
) -> np.ndarray:
    """Noise of a spectrum that differs by place (each point by 3 dB), swaying at ``rate_hz``."""
    levels = np.asarray(db, dtype=float) + place.normal(0, 3, len(db))
    at = np.asarray(hz) * np.exp(place.normal(0, 0.12))
    out = dsp.coloured(moment, n, at, levels)
    return out * dsp.spread(np.exp(sway * dsp.wander(moment, n, rate_hz)), n)


def _wind(place: Generator, moment: Generator, n: int) -> np.ndarray:
    """A breeze: low noise in soft gusts, leaves above."""
    gust = 0.3 * dsp.wander(moment, n, 0.4) + 0.15 * dsp.wander(moment, n, 1.5)
    low_hz = dsp.log_uniform(place, 60, 180)
    points = [20, low_hz, 4 * low_hz, 4000, 18000], [0, 0, place.uniform(-16, -8), -36, -60]
    low = dsp.coloured(moment, n, *points) * dsp.spread(np.exp(gust), n)
    leaves = dsp.coloured(moment, n, [400, 1500, 4500, 18000], [-30, -8, 0, -14])
    out = low + place.uniform(0.02, 0.2) * leaves * dsp.spread(np.exp(1.5 * gust), n)
    return dsp.unit(out)


def _hum(place: Generator, moment: Generator, n: int) -> np.ndarray:
    """Mains and motors: 50 Hz and its multiples, a fan's blades; the beat of two that differ."""
    k = np.arange(1, 25)
    level = k ** -place.uniform(0.8, 1.8) * np.exp(place.normal(0, 0.8, k.size))
    level[::2] *= place.uniform(0.1, 1.0)  # rectifiers and cores hum at the even ones
    second = dsp.harmonic_table([1.0, 0.4, 0.2, 0.1], place.uniform(0, 6, 4))
    cycles = np.arange(n) / dsp.SAMPLE_RATE
    motor_hz = place.integers(40, 180)  # whole Hz: chunks join without a jump
    out = dsp.look_up(dsp.harmonic_table(level, place.uniform(0, 6, k.size)), 50 * cycles)
    out = out + place.uniform(0.1, 1.0) * dsp.look_up(second, motor_hz * cycles)
    return dsp.unit(out) * dsp.spread(np.exp(0.1 * dsp.wander(moment, n, 0.5)), n)


def _murmur(place: Generator, moment: Generator, n: int, *, highest_hz: float = 260) -> np.ndarray:
    """A crowd talking: many voices at once, syllables by the rate (3-5 Hz) but no word to be heard.

    Three bands of noise where formants lie, each with syllables of its own, and three voices that
    only glide.
    """
    out = np.zeros(n, dtype=np.float32)
    for hz, db in ((260, 0), (560, 1), (1700, -9)):
        centre = hz * np.exp(place.normal(0, 0.12))
        points = [0.3 * centre, 0.7 * centre, 1.4 * centre, 4 * centre], [-30, 0, 0, -30]
        sway = 0.35 * dsp.wander(moment, n, 6.0) + 0.15 * dsp.wander(moment, n, 0.5)
        band = dsp.coloured(moment, n, *points) * dsp.spread(np.exp(sway), n)
        out += 10 ** ((db + place.normal(0, 2)) / 20) * band
    voices = np.zeros(n, dtype=np.float32)
    for _ in range(3):
        base = dsp.log_uniform(place, 95, highest_hz)
        pitch = base * np.exp(0.15 * dsp.wander(moment, n, 2.5))
        table = dsp.glottal_table(1.7 * base, 1.5)
        level = np.clip(0.4 + 0.7 * dsp.wander(moment, n, 5.0), 0, None)
        voices += dsp.look_up(table, dsp.phase(pitch, n, moment.random())) * dsp.spread(level, n)
    points = [80, 250, 600, 1500, 5000, 16000], [-24, 0, 0, -10, -24, -50]
    voices = dsp.unit(dsp.shaped(voices, *points))
    return dsp.unit(dsp.unit(out) + place.uniform(0.15, 0.45) * voices)


def _surf(place: Generator, moment: Generator, n: int) -> np.ndarray:
    """Far surf: waves overlap to a roar that breathes every few seconds."""
    period_hz = place.uniform(0.12, 0.3)
    swell = 0.35 * dsp.wander(moment, n, 2 * period_hz)
    low = dsp.coloured(moment, n, [25, 150, 500, 2500, 18000], [-10, 0, -2, -16, -40])
    foam = dsp.coloured(moment, n, [300, 1500, 5000, 18000], [-30, -4, 0, -16])
    out = low * dsp.spread(np.exp(swell), n)
    behind = int(dsp.CONTROL_RATE)  # foam comes a second after the roar
    late = np.concatenate([np.full(behind, swell[0]), swell])[: swell.size]
    return dsp.unit(out + place.uniform(0.1, 0.5) * foam * dsp.spread(np.exp(1.3 * late), n))


def _rails(place: Generator, moment: Generator, n: int, *, joints_hz: float) -> np.ndarray:
    """A rail vehicle from inside: wheels rolling, the floor's rumble, soft blows of rail joints."""
    top = place.uniform(-26, -14)
    rolling = dsp.coloured(
        moment, n, [30, 120, 500, 1400, 5000, 18000], [-8, -2, 0, -8, top, top - 26]
    )
    pace = joints_hz * np.exp(0.06 * dsp.wander(moment, n, 0.1) + place.normal(0, 0.15))
    beat = np.cos(2 * np.pi * np.cumsum(pace) / dsp.CONTROL_RATE)
    sway = 0.12 * dsp.wander(moment, n, 0.5) + place.uniform(0.05, 0.3) * beat
    return dsp.unit(rolling * dsp.spread(np.exp(sway), n))


def _engine(place: Generator, moment: Generator, n: int, *, low: float, high: float) -> np.ndarray:
    """The vehicle one sits in, at a steady pace: engine through the floor, turning a bit faster or
    slower."""
    cylinders = int(place.choice([4, 4, 6]))
    cycle = place.uniform(low, high) * np.exp(0.08 * dsp.wander(moment, n, 0.15))
    out = engine(moment, n, cycle, np.arange(cylinders) / cylinders, uneven=0.12, rasp=0.4)
    top = place.uniform(-36, -22)
    return dsp.unit(dsp.shaped(out, [20, 50, 200, 1200, 18000], [-6, 0, -8, top, top - 30]))


ROOM = partial(
    _wash, hz=[20, 90, 400, 2500, 18000], db=[-2, 0, -14, -34, -58], sway=0.05, rate_hz=0.3
)
FAN = partial(
    _wash, hz=[25, 160, 700, 3000, 18000], db=[-12, 0, -6, -20, -44], sway=0.03, rate_hz=0.5
)
ROAD = partial(
    _wash, hz=[20, 60, 250, 1000, 5000, 18000], db=[-2, 0, -10, -20, -42, -60], sway=0.12, rate_hz=1
)
STREET = partial(
    _wash, hz=[20, 70, 400, 1200, 4000, 18000], db=[-6, 0, -5, -10, -28, -52], sway=0.2, rate_hz=0.3
)
CROWD = partial(
    _wash, hz=[60, 250, 700, 1600, 4000, 16000], db=[-24, -4, 0, -6, -20, -46], sway=0.15, rate_hz=2
)
BUS = partial(_engine, low=6, high=11)
CAR = partial(_engine, low=10, high=22)
TRAIN = partial(_rails, joints_hz=1.6)
TRAM = partial(_rails, joints_hz=0.9)
CHILDREN = partial(_murmur, highest_hz=420)

# layers of each scene and the range of their levels in dB
AMBIENCES: dict[str, tuple[tuple[Layer, float, float], ...]] = {
    "home": ((ROOM, 0, 0), (_hum, -16, -3), (FAN, -14, 0), (STREET, -20, -6)),
    "residential_area": ((STREET, 0, 0), (_wind, -10, 3), (ROOM, -16, -6)),
    "basketball_game": ((CROWD, -4, 2), (CHILDREN, -6, 2), (FAN, -12, -4), (ROOM, -10, -2)),
    "beach": ((_surf, 0, 0), (_wind, -8, 2), (CHILDREN, -26, -14)),
    "inside_bus": ((BUS, 0, 0), (ROAD, -6, 3), (FAN, -14, -6), (_murmur, -26, -12)),
    "inside_car": ((ROAD, 0, 0), (CAR, -8, 2), (FAN, -18, -8)),
    "hallway": ((ROOM, 0, 0), (FAN, -6, 3), (_hum, -16, -6), (_murmur, -18, -6)),
    "office": ((FAN, 0, 0), (ROOM, -6, 4), (_hum, -12, -3), (STREET, -24, -12)),
    "restaurant": ((_murmur, 0, 0), (CROWD, -8, 0), (FAN, -12, -4), (ROOM, -10, -2)),
    "shop": ((FAN, 0, 0), (_murmur, -8, 2), (_hum, -14, -5), (ROOM, -8, 0)),
    "street": ((STREET, 0, 0), (ROAD, -8, 0), (_murmur, -20, -10), (_wind, -14, -4)),
    "stadium": ((CROWD, 0, 0), (_murmur, -8, 0), (_wind, -10, 2)),
    "forest_path": ((_wind, 0, 0), (STREET, -22, -8), (ROOM, -16, -6)),
    "library": ((ROOM, 0, 0), (FAN, -8, 2), (_hum, -16, -4), (_murmur, -30, -14)),
    "metro_station": ((FAN, 0, 0), (_murmur, -8, 2), (ROAD, -8, 4), (CROWD, -14, -4)),
    "park": ((_wind, 0, 0), (STREET, -8, 3), (CHILDREN, -20, -8)),
    "train": ((TRAIN, 0, 0), (FAN, -8, 2), (ROAD, -12, -2), (_murmur, -24, -10)),
    "tram": ((TRAM, 0, 0), (_hum, -10, 0), (ROAD, -12, -2), (_murmur, -20, -8)),
}


def _chunk(scene: str, seed: list[int], moment: Generator, n: int) -> np.ndarray:
    """One chunk: the place is drawn anew from the same seed, so it stays the same place."""
    place = np.random.default_rng(seed)
    out = np.zeros(n, dtype=np.float32)
    for layer, least_db, most_db in AMBIENCES[scene]:
        level = 10 ** (place.uniform(least_db, most_db) / 20)
        own = np.random.default_rng(place.integers(2**32))  # layers draw as many as they like
        out += level * layer(own, moment, n)
    return dsp.shaped(out, *microphone_curve(place)).astype(np.float32)


def background(scene: str, *, seed: int, duration_s: float) -> np.ndarray:
    """Ambience of ``scene``, shape (round(duration_s * 44100),) float32, peak 0.95.

    Another seed is another place. The same arguments give the same bytes; of two durations the
    shorter is not a part of the longer. ValueError for an unknown scene or a duration <= 0.
    """
    if scene not in AMBIENCES:
        raise ValueError(f"foley: unknown scene {scene!r}; known: {', '.join(AMBIENCES)}")
    if not duration_s > 0:
        raise ValueError(f"foley: duration_s must be positive, got {duration_s}")
    entropy = [zlib.crc32(scene.encode()), seed]
    moment = np.random.default_rng([*entropy, 1])
    n, step, seam = dsp.length(duration_s), dsp.length(CHUNK_S), dsp.length(SEAM_S)
    fade = np.sin(np.linspace(0, np.pi / 2, seam, dtype=np.float32))  # equal power
    out = np.zeros(n, dtype=np.float32)
    for first in range(0, n, step):
        size = min(step + seam, n - first)
        part = _chunk(scene, entropy, moment, max(size, seam))[:size]
        if first:
            part[:seam] *= fade[:size]
        if size == step + seam:
            part[step:] *= fade[::-1]
        out[first : first + size] += part
    out *= 0.95 / max(float(np.max(np.abs(out))), 1e-9)
    return out
