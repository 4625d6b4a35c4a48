"""The chapter on Kao et al. 2018: experiments, results, figures, verdicts."""
