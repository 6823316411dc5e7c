"""The process that a person started, as its children know it too: messages name the process that can be stopped."""

import functools
import os


@functools.cache
def main_process_id() -> int:
    """The id of the process that called this first; a child that is forked later gets the same. `main` calls it before
    any child is forked."""
    return os.getpid()
