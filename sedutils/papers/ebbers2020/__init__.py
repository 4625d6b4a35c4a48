"""The chapter on Ebbers & Haeb-Umbach 2020: experiments, results, figures, verdicts."""
