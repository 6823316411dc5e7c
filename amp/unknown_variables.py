"""Finds environment variables that look like settings but are not, such as misspelt ones."""

import difflib
import os
from collections.abc import Mapping

import structlog

from amp.settings import Settings, variable

_log = structlog.get_logger(__name__)
_PREFIX = "AMP_"
_MIN_SIMILARITY = 0.75


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return a line for each variable that begins like a setting but is ignored, with the most similar setting. Values
    are left out, because they may be secrets.
    """
    known = [variable(name) for name in Settings.model_fields]
    # The names of settings are not case-sensitive.
    names = sorted(name for name in environment if name.upper().startswith(_PREFIX) and name.upper() not in known)
    return [f"{name} is not a setting and is ignored{_hint(name, known)}" for name in names]


def log_unknown_variables() -> None:
    """Log a warning for each variable that begins like a setting but is ignored."""
    for line in unknown_variables():
        _log.warning(line, action="unknown_variable")


def _hint(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name.upper(), known, n=1, cutoff=_MIN_SIMILARITY)
    return f": did you mean {close[0]}?" if close else ""
