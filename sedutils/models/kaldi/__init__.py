"""Kaldi's acoustic models as networks of `sedutils.models`, whose modules are all that this may use.

`nnet3` reads a file, `tdnnf` makes a network of it.
"""
