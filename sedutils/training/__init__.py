"""Systems from their parameters to their scores: one training loop, what each kind of data gives it.

Uses models, decoding, metrics, features, corpora and pipeline.
"""
