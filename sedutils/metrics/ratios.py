"""F1, and divisions and means where some values are undefined."""

import numpy as np


def f1(hits, references, outputs):
    """F1 of what is matched one to one: 2 hits / (references + outputs); NaN without references.

    The harmonic mean of precision and recall in one division, so that equal counts give equal floats.
    """
    hits, references, outputs = (np.asarray(x, float) for x in (hits, references, outputs))
    return share(2 * hits, np.where(references > 0, references + outputs, 0))


def share(part, whole, undefined=np.nan):
    """part / whole, ``undefined`` where the whole is 0; NaN stays NaN. Scalars give a scalar."""
    part, whole = np.broadcast_arrays(np.asarray(part, float), np.asarray(whole, float))
    # [()] makes a scalar of an array without axes, which a table would hold as an object
    return np.divide(part, whole, out=np.full(part.shape, undefined), where=whole != 0)[()]


def mean_of_known(values, axis=-1):
    """Mean of the values that are not NaN; NaN where there are none."""
    known = ~np.isnan(values)
    return share(np.where(known, values, 0).sum(axis=axis), known.sum(axis=axis))
