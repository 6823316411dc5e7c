"""What the threads of a process tell each other about the local queue: who holds a group, and that news came."""

import threading

#: Topic and group.
GroupKey = tuple[str, str]


class QueueBoard:
    """One member at a time holds a group and gets its events, so that their order is kept."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._news = 0
        self._holders: dict[GroupKey, object] = {}

    @property
    def news(self) -> int:
        """A number that `tell` makes another one."""
        return self._news

    def tell(self) -> None:
        with self._changed:
            self._news += 1
            self._changed.notify_all()

    def wait_for_news(self, since: int, timeout_s: float) -> bool:
        """True as soon as `news` is not `since` any more, False after `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._news != since, timeout_s)

    def hold(self, key: GroupKey, member: object) -> bool:
        """Whether `member` holds the group, from now on if nobody did."""
        with self._changed:
            return self._holders.setdefault(key, member) is member

    def is_held_by(self, key: GroupKey, member: object) -> bool:
        return self._holders.get(key) is member

    def release(self, key: GroupKey, member: object) -> None:
        with self._changed:
            if self._holders.get(key) is member:
                del self._holders[key]
        self.tell()
