"""What was removed from the embedded search index of late, as a write that was under way then may come after it."""

import time
from collections import OrderedDict

#: As long as Elasticsearch remembers the versions of deleted documents (`index.gc_deletes`).
_REMEMBERED_S = 60.0


class SearchRemovals:
    """Kept in memory alone: writes under way end with the process. Used by the one writer at a time."""

    def __init__(self) -> None:
        #: By index and `_id` the revision of the removal and when it was; the latest last.
        self._removed: OrderedDict[tuple[int, str], tuple[int, float]] = OrderedDict()

    def add(self, place: tuple[int, str], revision: int) -> None:
        """Remember that nothing older than `revision` is to be there."""
        now_s = time.monotonic()
        self._removed[place] = max(revision, self.revision(place)), now_s
        self._removed.move_to_end(place)
        while next(iter(self._removed.values()))[1] < now_s - _REMEMBERED_S:
            self._removed.popitem(last=False)

    def revision(self, place: tuple[int, str]) -> int:
        """Returns the revision at which the document was removed; 0 if it was not removed recently."""
        revision, at_s = self._removed.get(place, (0, 0.0))
        return revision if at_s >= time.monotonic() - _REMEMBERED_S else 0
