"""Systems from their parameters to their scores: one training loop, what each kind of data gives it."""
