"""Speech with phone times, for the acoustic model behind the gradual network."""
