"""Small values that are generated once and shared by all processes, such as the key that signs cursors."""

from typing import Protocol


class SharedValues(Protocol):
    def get_or_put(self, name: str, value: bytes) -> bytes:
        """Return the value of that name. If there is none, store `value` first. Every call returns the same value.

        :raises StoreUnavailable: the store does not answer.
        """
        ...
