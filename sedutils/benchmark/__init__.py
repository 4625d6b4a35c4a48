"""What it costs: speed of each part, time and memory of each stage. Nothing here is part of a stage."""
