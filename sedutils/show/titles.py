"""What pages call the corpora and the sources of their sound."""

# What the facts of Cakir et al. 2017 call its corpora
DATASETS = {
    "tut_sed_synthetic_2016": "synth2016",
    "tut_sed_2009": "tut2009",
    "tut_sound_events_2016": "tut2016",
    "chime_home": "chime",
}
TITLES = {
    "tut_sed_synthetic_2016": "TUT-SED Synthetic 2016",
    "tut_sed_2009": "TUT-SED 2009",
    "tut_sound_events_2016": "TUT Sound Events 2016",
    "chime_home": "CHiME-Home",
    "itc_irst": "ITC-Irst",
    "tut_rare_2017": "TUT Rare Sound Events 2017",
    "desed_2020": "DESED (DCASE 2020)",
}
SOURCES = {
    "foley": "procedural sound, made here. It shows that the pipeline works; it is no evidence about the paper.",
    "bank": "mixtures made here of the clips in a folder. Not the paper's data.",
    "official": "the published recordings.",
}
