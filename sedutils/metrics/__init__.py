"""Scores and their counts: what is compared, how it is counted, what a resample of it says.

May use numpy, pandas, scipy, numba, sed_eval, sed_scores_eval and `sedutils.pipeline`; no other part of sedutils.
`activity` converts between events, rolls and runs; `segments`, `events`, `rare`, `hits`, `scenes` and
`tags` count and score, one task each; `psds` and `sed_eval_adapter` call the field's own libraries; `bootstrap`
resamples whatever counts; `ratios` divides where some values are undefined.
"""
