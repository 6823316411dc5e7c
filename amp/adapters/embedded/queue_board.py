"""State of the embedded queue that the threads of a process share: the holder of each group, and a change counter."""

import threading

#: Topic and group name.
GroupKey = tuple[str, str]


class QueueBoard:
    """Assigns each group to one member at a time, which receives all its messages, so that their order is kept."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._changes = 0
        self._holders: dict[GroupKey, object] = {}

    @property
    def changes(self) -> int:
        """The number of changes that were reported with `notify`."""
        return self._changes

    def notify(self) -> None:
        """Report a change, and wake the threads that wait for one."""
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def wait_for_change(self, since: int, timeout_s: float) -> bool:
        """Wait until `changes` differs from `since`. Return False if it still does not after `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._changes != since, timeout_s)

    def hold(self, key: GroupKey, member: object) -> bool:
        """Assign the group to `member` if it has no holder. Return whether `member` holds it now."""
        with self._changed:
            return self._holders.setdefault(key, member) is member

    def is_held_by(self, key: GroupKey, member: object) -> bool:
        return self._holders.get(key) is member

    def release(self, key: GroupKey, member: object) -> None:
        with self._changed:
            if self._holders.get(key) is member:
                del self._holders[key]
        self.notify()
