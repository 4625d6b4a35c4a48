"""Scores and their counts: what is compared, how it is counted, what a resample of it says.

`activity` converts between events, rolls and runs; `segments`, `events`, `rare`, `hits`, `scenes` and
`tags` count and score, one task each; `psds` and `sed_eval_adapter` call the field's own libraries; `bootstrap`
resamples whatever counts; `ratios` divides where some values are undefined.
"""
