"""The GMM baseline of Cakir et al. 2017, Sec. III-C: the baseline system of DCASE 2016."""

import warnings

import numpy as np
import torch
from torch import nn

from sedutils.models.network import Network

# scikit-learn takes over a second to import, so only what touches a mixture does it, and with it SciPy
OF_MIXTURES = ("weights", "means", "covariances")  # as scikit-learn calls them, with a _ behind


class GMM(Network):
    """Per class one mixture for frames where it sounds and one for all the others.

    Diagonal covariances, k-means start, EM. The score of a frame is the sum of the log-likelihood ratios of the
    second that begins with it, over its number of frames and through a sigmoid: 0.5 is where both models are
    equally likely. In the last second of a recording the baseline's code sums nothing, and so a frame there has
    its own ratio alone, far below the threshold of a sum. (The code also adds up a recording's first frame time and
    again; here it is like the others.) A class that training never hears (a fold may lack one), or in fewer
    frames than there are Gaussians,
    scores 0; one that it always hears scores 1.

    Parameters
    ----------
    components : Gaussians in each model; the paper's 3808 parameters a class mean 16 (reading A24)
    frames_per_model : frames drawn at random to train one model, 0 for all
    window_frames : how many are summed
    """

    by_gradient = False

    def __init__(
        self, *, components: int, iterations: int, frames_per_model: int, window_frames: int
    ):
        super().__init__()
        self.components, self.iterations = components, iterations
        self.frames_per_model, self.window_frames = frames_per_model, window_frames
        for name in OF_MIXTURES:  # (modelled classes, with or without, components, ...)
            self.register_parameter(f"{name}_", nn.Parameter(torch.empty(0)))
        # a class: the score of one without models, else NaN
        self.register_buffer("constant", torch.empty(0))

    @classmethod
    def front_end(cls, arguments):
        return "mfcc"

    @classmethod
    def from_params(cls, arguments, *, classes, width, front_end):
        own = {k: v for k, v in arguments.items() if k not in ("kind", "window_s")}
        return cls(window_frames=round(arguments["window_s"] / front_end["hop_s"]), **own)

    def begin(self, train, seed):
        """All that there is to learn."""
        rows = train.recordings.itertuples()
        x, y = zip(*(train.recording(row, row.frames) for row in rows), strict=True)
        self.fit(torch.cat([part[0] for part in x]).numpy(), torch.cat(y).numpy(), seed=seed)
        return {}

    def fit(self, features: np.ndarray, targets: np.ndarray, *, seed: int) -> "GMM":
        """Train on normalised features ``(frames, dimensions)`` and binary targets ``(frames, classes)``."""
        rng = np.random.default_rng(seed)
        columns = targets.astype(bool).T
        # k-means needs a frame for each Gaussian
        few = [[c.sum() < self.components, (~c).sum() < self.components] for c in columns]
        constant = np.select(np.array(few).T, [0.0, 1.0], np.nan)
        pairs = [
            [self._mixture(features, chosen, rng) for chosen in (column, ~column)]
            for column in columns[np.isnan(constant)]
        ]
        arrays = {
            f"{name}_": np.array([[getattr(m, f"{name}_") for m in pair] for pair in pairs])
            for name in OF_MIXTURES
        }
        self.load_state_dict(
            {k: torch.from_numpy(v) for k, v in (arrays | {"constant": constant}).items()}
        )
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
            reg_covar=1e-3,  # the baseline's floor
            random_state=int(rng.integers(2**31)),
        )
        with warnings.catch_warnings():
            # the baseline stops EM after a set number of iterations, converged or not
            warnings.simplefilter("ignore", ConvergenceWarning)
            return mixture.fit(features[rows])

    def predict(self, frames, length, device="auto"):
        """Scores of all recordings below each other, float32 ``(frames, classes)``."""
        rows = frames.recordings.itertuples()
        parts = (frames.recording(row, row.frames)[0][0].numpy() for row in rows)
        return np.concatenate([self.scores(x) for x in parts])

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Scores ``(frames, classes)`` float32 of one recording's features ``(frames, dimensions)``."""
        from scipy.special import expit

        constant = self.constant.numpy()
        scores = np.tile(constant.astype(np.float32), (len(features), 1))
        if np.isnan(constant).any():
            ratios = np.stack(
                [p.score_samples(features) - n.score_samples(features) for p, n in self.mixtures()],
                axis=1,
            )
            scores[:, np.isnan(constant)] = expit(self.summed(ratios) / self.window_frames)
        return scores

    def summed(self, ratios: np.ndarray) -> np.ndarray:
        """Sums over each frame and the next ones, ``(frames, classes)``; the last ``window_frames`` stay so."""
        total = np.concatenate([np.zeros_like(ratios[:1]), ratios.cumsum(axis=0)])
        whole = total[self.window_frames : -1] - total[: max(len(ratios) - self.window_frames, 0)]
        return np.concatenate([whole, ratios[len(whole) :]])

    def mixtures(self):
        """Of each modelled class scikit-learn's mixtures of frames with and without it."""
        from sklearn.mixture import GaussianMixture

        arrays = [getattr(self, f"{name}_").detach().numpy() for name in OF_MIXTURES]
        for pair in zip(*arrays, strict=True):
            mixtures = []
            for weights, means, covariances in zip(*pair, strict=True):
                mixture = GaussianMixture(self.components, covariance_type="diag")
                mixture.weights_, mixture.means_, mixture.covariances_ = weights, means, covariances
                mixture.precisions_cholesky_ = 1 / np.sqrt(covariances)
                mixtures.append(mixture)
            yield mixtures

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """As torch's, for any number of modelled classes and dimensions."""
        for name in OF_MIXTURES:
            setattr(self, f"{name}_", nn.Parameter(torch.empty_like(state_dict[f"{name}_"])))
        self.constant = torch.empty_like(state_dict["constant"])
        return super().load_state_dict(state_dict, strict=strict, assign=assign)
