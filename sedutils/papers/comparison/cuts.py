"""Pieces of equal length of a corpus's mixtures, as rows of a table; neither audio nor features are copied.

Front ends differ in their hop, so what a system says of a cut is brought to one grid: frame n stands for
``[n, n + 1) * GRID_S`` of the cut, and gets what the system said of the frame that its middle lies in.
"""

import numpy as np
import pandas as pd

from sedutils.metrics.activity import merged

GRID_S = 0.02
ROUNDING = 1e-6  # of a frame; 0.3 / 0.1 is a little less than three


def table(recordings: pd.DataFrame, seconds: float, hop_s: float) -> pd.DataFrame:
    """The cuts of some mixtures, in their order; what is left at the end of a mixture is in none.

    A hop may not divide a cut: each then begins with the frame that its first sample lies in, and all
    have the same number of frames, none beyond the mixture's last.

    recordings : recording, first_frame and duration_s, one row a mixture

    Returns
    -------
    recording (``mixture@start``), first_frame, frames, mixture, start_s, shift_s (from the begin of the cut
    to that of its first frame, 0 or a part of a hop less)
    ValueError where no mixture holds a cut.
    """
    frames = int(seconds / hop_s + ROUNDING)
    rows = []
    for row in recordings.itertuples():
        for number in range(int(row.duration_s / seconds + ROUNDING)):
            start_s = round(number * seconds, 6)
            first = int(start_s / hop_s + ROUNDING)
            rows.append(
                {
                    "recording": f"{row.recording}@{start_s:g}",
                    "first_frame": row.first_frame + first,
                    "frames": frames,
                    "mixture": row.recording,
                    "start_s": start_s,
                    "shift_s": round(first * hop_s - start_s, 9),
                }
            )
    if not rows:
        longest = recordings.duration_s.max()
        raise ValueError(f"comparison.seconds = {seconds:g}: the longest mixture has {longest:g} s")
    return pd.DataFrame(rows)


def grid_frames(seconds: float) -> int:
    """Frames of the common grid in a cut."""
    return int(seconds / GRID_S + ROUNDING)


def middles(cuts: pd.DataFrame, seconds: float, hop_s: float) -> np.ndarray:
    """Where the middle of every frame of the grid lies on a front end's own time axis.

    ``(cuts, grid frames)``, in frames from the first one of each cut, with fractions.
    """
    middle = (np.arange(grid_frames(seconds)) + 0.5) * GRID_S
    return (middle - cuts.shift_s.to_numpy()[:, None]) / hop_s


def on_grid(values: np.ndarray, cuts: pd.DataFrame, seconds: float, hop_s: float) -> np.ndarray:
    """What stands in each frame of the grid, ``(cuts, frames, …)`` to ``(cuts, grid frames, …)``."""
    place = middles(cuts, seconds, hop_s).astype(int)
    place = np.minimum(place, values.shape[1] - 1)  # where the frames end before the cut
    return values[np.arange(len(values))[:, None], place]


def stacked(rows: np.ndarray, cuts: pd.DataFrame) -> np.ndarray:
    """Frames of whole mixtures below each other, ``(frames, …)``, cut: ``(cuts, frames, …)``."""
    return rows[cuts.first_frame.to_numpy()[:, None] + np.arange(cuts.frames.iloc[0])]


def annotation(events: pd.DataFrame, cuts: pd.DataFrame, seconds: float) -> pd.DataFrame:
    """Events of the mixtures as those of their cuts: recording, onset_s, offset_s, label.

    An event on a border becomes two; events of a class that overlap or touch become one, since a decision
    in frames cannot tell them apart.
    """
    of_mixture = {name: rows for name, rows in events.groupby("recording")}
    rows = []
    for cut in cuts.itertuples():
        own = of_mixture.get(cut.mixture, events.iloc[:0])
        onset = (own.onset_s - cut.start_s).clip(lower=0).round(6)
        offset = (own.offset_s - cut.start_s).clip(upper=seconds).round(6)
        inside = own.assign(onset_s=onset, offset_s=offset)[onset < offset]
        for label, same in inside.groupby("label"):
            spans = merged(zip(same.onset_s, same.offset_s, strict=True))
            rows += [(cut.recording, *span, label) for span in spans]
    columns = ["recording", "onset_s", "offset_s", "label"]
    found = pd.DataFrame(rows, columns=columns).astype({"onset_s": float, "offset_s": float})
    order = found.recording.map({name: i for i, name in enumerate(cuts.recording)})
    found = found.assign(order=order).sort_values(["order", "onset_s", "label"])
    return found.drop(columns="order").reset_index(drop=True)
