"""Lines that are too long to be read."""

import io

_SKIPPED_CHARACTERS = 1 << 18


def skip_line(text: io.TextIOWrapper) -> None:
    """Skip the rest of a line, without loading it as a whole."""
    while (more := text.readline(_SKIPPED_CHARACTERS)) and not more.endswith(("\n", "\r")):
        pass
