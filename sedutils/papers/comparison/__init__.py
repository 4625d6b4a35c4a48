"""Every system of the five papers on cuts of one corpus: which one to choose."""
