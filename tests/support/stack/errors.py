"""What can go wrong with the test servers."""

from __future__ import annotations


class StackError(Exception):
    """A server could not be started, stopped or reached."""


class MissingProgram(StackError):
    """A program that the servers need is not installed."""


class NotAllStarted(StackError):
    """Some servers could not be started; `started` names those that were."""

    def __init__(self, message: str, started: list[str]) -> None:
        super().__init__(message)
        self.started = started
