"""Event activity and boundaries together (Phan et al. 2018): targets, losses, inference, searches."""
