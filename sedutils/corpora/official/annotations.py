"""Lines of published data: event annotations and lists, read strictly, every error with its line.

An annotation line is onset, offset (seconds, decimal point or comma) and label; TAB, no header.
Blank lines are passed over, a byte order mark and any line ends are fine.
"""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

_SECONDS = re.compile(r"\d+([.,]\d*)?(e-?\d+)?", re.I)


class OfficialError(ValueError):
    """Published data that are not as published; the message is one line naming the file."""


def numbered_lines(file: Path) -> list[tuple[int, str]]:
    """Return (line number from 1, text) of the lines that are not blank.

    FileNotFoundError for a missing file, OfficialError for one that is no text.
    """
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such file")
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise OfficialError(f"{file}: not text ({error.reason} at byte {error.start})") from error
    return [(line, text) for line, text in enumerate(lines, start=1) if text.strip()]


def read_annotation(
    file: Path, labels: Collection[str] | None, duration_s: float, tolerance_s: float
) -> list[tuple[float, float, str]]:
    """Return (onset_s, offset_s, label) of each line, the label as `clean_label` spells it.

    labels: those allowed; None for any.
    tolerance_s: how far an event may reach past the recording's end at `duration_s`.
    FileNotFoundError for a missing file; OfficialError for no event, a malformed line, an unknown
    label, an offset at or before its onset, an event past the end, a row that is there twice.
    """
    events, latest_s = [], duration_s + tolerance_s
    for line, text in numbered_lines(file):
        fields = [field.strip() for field in text.split("\t")]
        if len(fields) != 3 or not all(_SECONDS.fullmatch(field) for field in fields[:2]):
            raise OfficialError(f"{file} line {line}: not onset, offset, label: {text!r}")
        onset_s, offset_s = (float(field.replace(",", ".")) for field in fields[:2])
        label = clean_label(fields[2])
        if not label or (labels is not None and label not in labels):
            raise OfficialError(f"{file} line {line}: unknown label {fields[2]!r}")
        if not onset_s < offset_s <= latest_s:
            why = f"onset {onset_s:.10g}, offset {offset_s:.10g}, allowed to {latest_s:.10g}"
            raise OfficialError(f"{file} line {line}: {why}")
        if onset_s >= duration_s:
            why = f"onset {onset_s:.10g}, the recording ends at {duration_s:.10g}"
            raise OfficialError(f"{file} line {line}: {why}")
        if (onset_s, offset_s, label) in events:
            raise OfficialError(f"{file} line {line}: duplicate row {text!r}")
        events.append((onset_s, offset_s, label))
    if not events:
        raise OfficialError(f"{file}: no event")
    return events


def clean_label(text: str) -> str:
    """Join a label's words by underscores, without brackets: ``(object) banging`` is one word."""
    return "_".join(re.sub(r"[()]", " ", text).split())


def few(values: Sequence[object]) -> str:
    """Name the first five of `values`, for a message."""
    return ", ".join(map(str, values[:5])) + (", ..." if len(values) > 5 else "")
