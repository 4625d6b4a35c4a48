"""One file a paper, one class an architecture; `network` says what all have, `kinds` knows all of them."""
