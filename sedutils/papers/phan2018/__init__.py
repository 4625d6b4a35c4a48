"""Event activity and boundaries together (Phan et al. 2018): inference, searches, chapter."""
