"""The GMM baseline of Cakir et al. 2017, Sec. III-C: the baseline system of DCASE 2016."""

import warnings

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.special import expit

# scikit-learn takes over a second to import, so only what touches a mixture does it


class GMM:
    """Per class one mixture for frames where it sounds and one for all the others.

    Diagonal covariances, k-means start, EM. The score of a frame is the log-likelihood ratio, averaged
    over a window of one second around it, through a sigmoid: 0.5 is where both models are equally likely.
    A class that training never hears (a fold may lack one), or in fewer frames than there are Gaussians,
    scores 0; one that it always hears scores 1.

    Parameters
    ----------
    components : Gaussians in each model; the paper's 3808 parameters a class mean 16 (reading A24)
    frames_per_model : frames drawn at random to train one model, 0 for all
    window_frames : length of the sliding window
    """

    def __init__(
        self, *, components: int, iterations: int, frames_per_model: int, window_frames: int
    ):
        self.components, self.iterations = components, iterations
        self.frames_per_model, self.window_frames = frames_per_model, window_frames
        self.models = []  # a class: mixtures of the frames with it and of those without
        self.constant = np.empty(0)  # a class: the score of one without models, else NaN

    def fit(self, features: np.ndarray, targets: np.ndarray, *, seed: int) -> "GMM":
        """Train on normalised features ``(frames, dimensions)`` and binary targets ``(frames, classes)``."""
        rng = np.random.default_rng(seed)
        columns = targets.astype(bool).T
        # k-means needs a frame for each Gaussian
        few = [[c.sum() < self.components, (~c).sum() < self.components] for c in columns]
        self.constant = np.select(np.array(few).T, [0.0, 1.0], np.nan)
        self.models = [
            (self._mixture(features, column, rng), self._mixture(features, ~column, rng))
            for column in columns[np.isnan(self.constant)]
        ]
        return self

    def _mixture(self, features, chosen, rng):
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        rows = np.flatnonzero(chosen)
        if self.frames_per_model and len(rows) > self.frames_per_model:
            rows = np.sort(rng.choice(rows, self.frames_per_model, replace=False))
        mixture = GaussianMixture(
            self.components,
            covariance_type="diag",
            init_params="kmeans",
            max_iter=self.iterations,
            reg_covar=1e-4,
            random_state=int(rng.integers(2**31)),
        )
        with warnings.catch_warnings():
            # the baseline stops EM after a set number of iterations, converged or not
            warnings.simplefilter("ignore", ConvergenceWarning)
            return mixture.fit(features[rows])

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Scores ``(frames, classes)`` float32 of one recording's features ``(frames, dimensions)``."""
        scores = np.tile(self.constant.astype(np.float32), (len(features), 1))
        if self.models:
            ratios = np.stack(
                [p.score_samples(features) - n.score_samples(features) for p, n in self.models], 1
            )
            smooth = uniform_filter1d(ratios, self.window_frames, axis=0, mode="nearest")
            scores[:, np.isnan(self.constant)] = expit(smooth)
        return scores

    @property
    def parameters(self) -> int:
        """Means, variances and weights of all mixtures."""
        return sum(
            m.means_.size + m.covariances_.size + m.weights_.size
            for pair in self.models
            for m in pair
        )

    def state(self) -> dict[str, np.ndarray]:
        """All as arrays: weights (modelled classes, 2, components), means and covariances (…, dimensions)."""
        names = ("weights_", "means_", "covariances_")
        mixtures = {
            n: np.array([[getattr(m, n) for m in pair] for pair in self.models]) for n in names
        }
        return mixtures | {"constant": self.constant}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take over what `state` gave."""
        from sklearn.mixture import GaussianMixture

        self.constant, self.models = state["constant"], []
        for arrays in zip(*(state[n] for n in ("weights_", "means_", "covariances_")), strict=True):
            pair = []
            for weights, means, covariances in zip(*arrays, strict=True):
                mixture = GaussianMixture(self.components, covariance_type="diag")
                mixture.weights_, mixture.means_, mixture.covariances_ = weights, means, covariances
                mixture.precisions_cholesky_ = 1 / np.sqrt(covariances)
                pair.append(mixture)
            self.models.append(tuple(pair))
