"""Published data sets: one reader a file, and `download`, which fetches what is public."""
