"""Services with small pages and without logs, so that a short run meets much."""

from __future__ import annotations

import contextlib
import importlib
import logging
from collections.abc import Iterator
from unittest.mock import patch

import structlog

#: So few documents make many pages, and so few changes are more than a few.
_SMALL = {"PAGE": 4, "_SLICE": 3, "_MAX_CHANGES_LEFT": 3, "_MAX_UNDER_WAY": 3}
_SIZED = ("cleanup", "compare_ranges", "copy_documents", "copy_range")


@contextlib.contextmanager
def small_and_silent() -> Iterator[None]:
    """Services with small pages, and without logs, as the trace tells it all."""
    before, patched = structlog.get_config(), set()
    silent = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=silent, cache_logger_on_first_use=False)
    try:
        with contextlib.ExitStack() as patches:
            for module in (importlib.import_module(f"amp.services.moves.{name}") for name in _SIZED):
                for name in _SMALL.keys() & vars(module).keys():
                    patches.enter_context(patch.object(module, name, _SMALL[name]))
                    patched.add(name)
            if missing := _SMALL.keys() - patched:
                raise AssertionError(f"sizes the services do not have any more: {missing}")
            yield
    finally:
        structlog.configure(**before)
