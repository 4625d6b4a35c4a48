"""Filters along time, of decisions (bool) or scores.

All of them go by rank, so a filter of scores gives, at any threshold, what the same filter of the decisions would.
"""

import math

import numpy as np
from scipy import ndimage

ROUNDING = 1e-6  # of a frame; 0.3 / 0.1 is a little less than three


def median_filter(values, frames, *, axis=0):
    """Running median over an odd number of frames; the first and last frame are repeated beyond the ends.

    Keeps the dtype. ValueError for an even width.
    """
    values = np.asarray(values)
    if frames < 1 or frames % 2 == 0:
        raise ValueError(f"frames: an odd number is needed, not {frames}")
    if frames == 1:
        return values
    columns = np.moveaxis(values.astype(np.uint8) if values.dtype == bool else values, axis, -1)
    smooth = np.empty_like(columns)
    for place in np.ndindex(columns.shape[:-1]):  # scipy's filter of one dimension is the fast one
        smooth[place] = ndimage.median_filter(columns[place], size=frames, mode="nearest")
    return np.moveaxis(smooth, -1, axis).astype(values.dtype)


def tidy(values, *, event_frames=0, gap_frames=0, axis=0):
    """Events shorter than ``event_frames`` go, then gaps of up to ``gap_frames`` close; keeps the dtype.

    The order and the inclusive gap are those of the DCASE 2016 baseline.
    """
    values = np.asarray(values)
    columns = np.moveaxis(values.astype(np.uint8) if values.dtype == bool else values, axis, -1)
    # silence before and behind: an event at the border may be short, a gap there is none
    margin = event_frames + gap_frames + 1
    columns = np.pad(columns, [(0, 0)] * (columns.ndim - 1) + [(margin, margin)])
    size = (1,) * (columns.ndim - 1)
    columns = ndimage.grey_opening(columns, size=(*size, max(1, event_frames)), mode="nearest")
    columns = ndimage.grey_closing(columns, size=(*size, gap_frames + 1), mode="nearest")
    return np.moveaxis(columns[..., margin:-margin], -1, axis).astype(values.dtype)


def tidy_frames(*, minimum_event_s, minimum_gap_s, hop_s):
    """The arguments of `tidy` from seconds (0.1 s and 0.1 s in the DCASE 2016 baseline)."""
    return {
        "event_frames": math.ceil(minimum_event_s / hop_s - ROUNDING),
        "gap_frames": math.floor(minimum_gap_s / hop_s + ROUNDING),
    }
