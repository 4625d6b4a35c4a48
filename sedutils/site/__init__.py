"""The pipeline's own machinery: runner, report, README's tables, one's own recording."""
