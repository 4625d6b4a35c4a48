"""The three losses of Phan et al. 2018, Sec. 2.5, in torch alone.

Triplets are ``(batch, frames, 3, classes)``: activity y, distances p to the onset and q to the offset,
all in [0, 1] (`sedutils.multitask.targets`). Every loss is a sum over classes, a mean over frames and a
mean over the examples of a batch (reading B22; the paper sums over examples).
"""

import torch
from torch.nn import functional as F

# Keeps 0 / 0 off where targets and estimates are all 0 (reading B05). The smallest union of an active
# frame is one frame over the longest event, some 1e-4.
EPSILON = 1e-7


def multitask_loss(logits, triplets):
    """E of eq. 9, unweighted, from logits and target triplets ``(batch, frames, 3, classes)``."""
    activity, distances = triplets[:, :, 0], triplets[:, :, 1:]
    estimates = torch.sigmoid(logits[:, :, 1:])
    return (
        classification_loss(logits[:, :, 0], activity)
        + distance_loss(estimates, distances)
        + confidence_loss(estimates, distances, activity)
    )


def classification_loss(logits, activity):
    """E_class of eq. 6, binary cross-entropy; the whole loss of the multi-label baseline.

    logits, activity : ``(batch, frames, classes)``
    """
    return _mean_of_sums(F.binary_cross_entropy_with_logits(logits, activity, reduction="none"))


def distance_loss(estimates, distances):
    """E_dist of eq. 7, squared errors of both distances; arguments ``(batch, frames, 2, classes)``."""
    return _mean_of_sums((estimates - distances).square().sum(dim=2))


def confidence_loss(estimates, distances, activity):
    """E_conf of eq. 8: how far intersection over union of true and estimated extent is from the activity.

    estimates, distances : ``(batch, frames, 2, classes)``
    activity : ``(batch, frames, classes)``

    Where a class is inactive its true distances are 0, so the ratio is 0 as the activity is, and nothing
    is learnt there (reading B06, as printed).
    """
    intersection = torch.minimum(distances, estimates).sum(dim=2)  # (batch, frames, classes)
    union = torch.maximum(distances, estimates).sum(dim=2)
    return _mean_of_sums((activity - intersection / (union + EPSILON)).square())


def _mean_of_sums(values):
    """``(batch, frames, classes)``: sum over classes, mean over frames and examples."""
    return values.sum(dim=-1).mean()
