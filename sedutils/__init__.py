"""Shared models, corpora, training and metrics of a companion to five papers on sound event detection."""
