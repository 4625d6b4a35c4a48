"""Water: tap, washing up, splashes, waves on a beach."""

import numpy as np
from numpy.random import Generator

from sedutils.foley import dsp, solids


def _bubbles(
    rng: Generator, n: int, density: np.ndarray, low_hz: float, high_hz: float, kinds: int = 3
) -> np.ndarray:
    """Trapped bubbles, ``density`` (a control) a second, ringing at their Minnaert pitch; unit RMS.

    A bubble near the surface rises in pitch while it rings (van den Doel 2005).
    """
    out = np.zeros(n, dtype=np.float32)
    t = np.arange(dsp.length(0.06)) / dsp.SAMPLE_RATE
    for _ in range(kinds):
        hz = dsp.log_uniform(rng, low_hz, high_hz)
        fall = 0.13 * hz + 0.0072 * hz**1.5
        ring = np.sin(2 * np.pi * hz * t * (1 + rng.uniform(0.0, 0.1) * fall * t))
        ring *= np.exp(-fall * t) * np.minimum(t / 0.001, 1)
        ring = ring[: 1 + dsp.length(min(7 / fall, 0.06))].astype(np.float32)
        counts = rng.poisson(np.maximum(density, 0) / kinds / dsp.CONTROL_RATE)
        times = np.repeat(np.arange(counts.size), counts) / dsp.CONTROL_RATE
        times = times + rng.uniform(0, 0.0015, times.size)
        out += solids.struck(n, times, rng.pareto(2.5, times.size) + 0.2, ring)
    return dsp.unit(out)


def stream(rng: Generator, n: int, flow: np.ndarray) -> np.ndarray:
    """A jet into a sink: hiss of the aerator, roar of the basin, bubbles; ``flow`` is a control."""
    hiss_hz = dsp.log_uniform(rng, 2500, 9000)
    hiss = dsp.coloured(rng, n, [80, 700, hiss_hz, 19000], [-40, -14, 0, rng.uniform(-18, -4)])
    low_hz = dsp.log_uniform(rng, 200, 900)
    roar = dsp.coloured(rng, n, [30, 0.5 * low_hz, low_hz, 3000, 18000], [-30, -5, 0, -10, -36])
    basin = dsp.resonators(roar, dsp.log_uniform(rng, 180, 1800, 3), [0.03] * 3, [1, 0.8, 0.6])
    out = rng.uniform(0.3, 1.4) * hiss + roar + rng.uniform(0.1, 0.9) * dsp.unit(basin)
    filling = rng.uniform(0.1, 1.2)  # into water rather than on steel
    bubbles = _bubbles(rng, n, dsp.log_uniform(rng, 40, 300) * flow, 350, 3500)
    uneven = np.exp(rng.uniform(0.03, 0.15) * dsp.wander(rng, n, rng.uniform(8, 25)))
    return (dsp.unit(out) * dsp.spread(uneven, n) + filling * bubbles) * dsp.spread(flow, n)


def water_tap_running(rng: Generator, duration_s: float) -> np.ndarray:
    """Tap: a steady broadband hiss with gurgling below, turned on and off within a tenth of a second.

    The jet's noise is broad; what it falls on decides the rest: steel drums, water bubbles
    (350-3500 Hz). Close to rain and frying, as it is in life.
    """
    n = dsp.length(duration_s)
    times = np.sort(rng.uniform(0, duration_s, 1 + int(rng.poisson(0.2 * duration_s))))
    opened = rng.uniform(0.35, 1.0, times.size + 1)[np.searchsorted(times, dsp.control_times(n))]
    smooth = np.ones(60) / 60  # a hand turns a tap in a tenth of a second
    flow = np.convolve(np.pad(opened, 60, mode="edge"), smooth, mode="same")[60:-60]
    on_s, off_s = rng.uniform(0.02, 0.15), rng.uniform(0.03, 0.3)
    flow *= dsp.contour([0, on_s, duration_s - off_s, duration_s], [0, 1, 1, 0.01], n)
    return stream(rng, n, flow)


def washing_dishes(rng: Generator, duration_s: float) -> np.ndarray:
    """Washing up: running or dripping water, dishes knocked under water and on steel, scrubbing.

    Wet china rings shorter than dry, the brush goes at 2-5 strokes a second, slops bubble.
    """
    n = dsp.length(duration_s)
    starts, lengths = solids.spells(rng, duration_s, rng.uniform(0.3, 1.5), rng.uniform(0.2, 1.0))
    handling = dsp.pulses(n, starts, lengths, attack=0.3, release=0.4)
    tap = rng.uniform(0.02, 1.0) ** 2
    flow = np.clip(0.8 + 0.3 * dsp.wander(rng, n, 0.8) - 0.4 * handling, 0.05, 1.2)
    water = stream(rng, n, flow)
    slop = _bubbles(rng, n, dsp.log_uniform(rng, 20, 120) * handling, 250, 1800, kinds=2)
    times, level = solids.hits(rng, starts, lengths, rng.uniform(1.5, 6))
    china = solids.knocks(
        rng,
        n,
        times,
        level,
        lowest_hz=(450, 2600),
        ring_s=(0.02, 0.18),
        blow_s=dsp.log_uniform(rng, 0.0015, 0.005),
        objects=3,
    )
    rate = rng.uniform(2, 5)
    stroke = np.sin(np.pi * rate * dsp.control_times(n) * (1 + 0.05 * dsp.wander(rng, n, 1))) ** 2
    brush = [150, 1000, 3500, 16000], [-30, -8, 0, -16]
    scrub = solids.rub(rng, n, stroke * handling, *brush, grain_hz=40)
    out = tap * dsp.unit(water) + rng.uniform(0.1, 0.6) * slop + rng.uniform(0.1, 0.8) * scrub
    return 0.2 * out + rng.uniform(0.5, 1.5) * china


def water_splash(rng: Generator, duration_s: float) -> np.ndarray:
    """Splash: a slap as something enters, spray a moment later, then bubbles and drops raining back.

    The cavity closes with a low plop (150-600 Hz); waders repeat it at every step, divers once.
    """
    n = dsp.length(duration_s)
    gap_s = dsp.log_uniform(rng, 0.5, 2.5)
    starts, _ = solids.spells(rng, duration_s, 0.3, gap_s)
    level = np.exp(rng.normal(0, 0.4, starts.size))
    t = dsp.control_times(n)
    spray_s, spray = dsp.log_uniform(rng, 0.15, 0.7), np.zeros(t.size)
    for start, height in zip(starts, level, strict=True):
        after = np.maximum(t - start, 0)
        spray += height * (t > start) * (after / 0.03 + 0.3) / (1 + after / 0.03)
        spray -= height * (t > start) * (1 - np.exp(-3 * after / spray_s)) * 0.999
    spray = np.clip(spray, 0, None)
    hiss_hz = dsp.log_uniform(rng, 1200, 5000)
    points = [60, 400, hiss_hz, 18000], [-30, -8, 0, rng.uniform(-24, -8)]
    out = solids.rub(rng, n, spray, *points, grain_hz=rng.uniform(20, 50), depth=0.5)
    slap = solids.knocks(
        rng, n, starts, level, lowest_hz=(150, 600), ring_s=(0.04, 0.15), blow_s=0.02, modes=3
    )
    fall = _bubbles(rng, n, dsp.log_uniform(rng, 60, 400) * spray, 500, 4000)
    return dsp.unit(out) + rng.uniform(0.2, 1.5) * fall + rng.uniform(1, 4) * slap


def sea_waves(rng: Generator, duration_s: float) -> np.ndarray:
    """Waves: every 3 to 9 s one builds up, breaks, and runs out hissing over sand or shingle.

    A breaker is a cloud of bubbles (Deane 1997): a roar below 1 kHz first, the hiss of foam above
    2 kHz follows and stays longer; far surf never stops.
    """
    n = dsp.length(duration_s)
    t = dsp.control_times(n)
    period_s = dsp.log_uniform(rng, 3, 9)
    count = int(duration_s / period_s) + 4
    starts = period_s * (rng.uniform(-1.2, -0.5) + np.cumsum(np.exp(rng.normal(0, 0.25, count))))
    heights = np.exp(rng.normal(0, 0.4, count))
    rise, stay = rng.uniform(0.1, 0.25) * period_s, rng.uniform(0.2, 0.45) * period_s
    roar, foam = np.zeros(t.size), np.zeros(t.size)
    for start, height in zip(starts, heights, strict=True):
        u = t - start
        roar += height * np.exp(-((np.minimum(u, 0) / rise) ** 2) - np.maximum(u, 0) / (0.5 * stay))
        v = u - 0.3 * stay
        foam += height * np.exp(-((np.minimum(v, 0) / rise) ** 2) - np.maximum(v, 0) / stay)
    low_hz = dsp.log_uniform(rng, 150, 500)
    below = [25, 0.4 * low_hz, low_hz, 5 * low_hz, 18000], [-12, -2, 0, -16, -45]
    above = [300, 2000, dsp.log_uniform(rng, 3000, 8000), 18000], [-24, -5, 0, rng.uniform(-20, -6)]
    out = solids.rub(rng, n, 0.1 + roar, *below, grain_hz=rng.uniform(4, 10), depth=0.2)
    out += rng.uniform(0.25, 1.2) * solids.rub(rng, n, 0.03 + foam, *above, grain_hz=15, depth=0.15)
    if rng.random() < 0.4:  # shingle dragged down the slope
        stones = solids.crackle(rng, n, 300 * foam, click_s=0.003, ring_hz=(1500, 6000))
        out += rng.uniform(0.1, 0.5) * stones
    far = dsp.coloured(rng, n, [25, 200, 1000, 12000], [-6, 0, -10, -36])
    return out + rng.uniform(0.03, 0.25) * far
