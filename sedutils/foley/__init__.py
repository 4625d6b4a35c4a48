"""Procedural sound: one recipe for each class of TUT-SED Synthetic 2016, and for two more corpora.

Everything is source-filter or modal synthesis in numpy, made on the spot from a seed. It lets the
whole pipeline run without a download; it is no evidence about the papers. ``synthesise`` makes one
clip, ``background`` the ambience of a scene; ``Foley`` is the instance source a corpus is mixed
from. One file holds one family of sounds; ``CORPORA`` says which corpus has which classes.
"""

from sedutils.foley.backgrounds import background
from sedutils.foley.dsp import SAMPLE_RATE
from sedutils.foley.instances import AVERAGE_SECONDS, CORPORA, Foley
from sedutils.foley.scenes import SCENES, labels_of
from sedutils.foley.synthesis import RECIPES, synthesise

__all__ = [
    "AVERAGE_SECONDS",
    "CORPORA",
    "RECIPES",
    "SAMPLE_RATE",
    "SCENES",
    "Foley",
    "background",
    "labels_of",
    "synthesise",
]
