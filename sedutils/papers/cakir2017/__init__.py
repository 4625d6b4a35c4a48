"""The chapter on Cakir et al. 2017: its results, tables, figures and verdicts."""
