"""Small values generated once and shared by all processes, such as the key that signs cursors."""

from typing import Protocol


class SharedValues(Protocol):
    def get_or_put(self, name: str, value: bytes) -> bytes:
        """The value of that name; `value` becomes it if there is none. All callers ever get the same.

        :raises StoreUnavailable: the store does not answer.
        """
        ...
