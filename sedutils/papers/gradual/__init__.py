"""The chapter on the gradual network: its input, results, figures, verdicts."""
