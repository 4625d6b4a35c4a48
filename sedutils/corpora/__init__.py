"""Corpora: the format and its checks, mixers, a folder of clips as a bank, readers of the official data sets."""
