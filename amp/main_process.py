"""The process that a person started. Its children know it too, so that messages name the process to stop."""

import functools
import os


@functools.cache
def main_process_id() -> int:
    """Return the id of the process that called this first. A child that is forked later gets the same id. `main` calls
    it before it forks any child.
    """
    return os.getpid()
