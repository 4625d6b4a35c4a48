"""A paper's numbers and claims, and verdicts on them."""
