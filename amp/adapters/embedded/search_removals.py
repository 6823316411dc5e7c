"""Remembers recent removals from the embedded search index, because an older write may arrive after a removal."""

import time
from collections import OrderedDict

#: Time for which removals are remembered, in seconds. Elasticsearch remembers the versions of deleted documents for the
#: same time (`index.gc_deletes`).
_REMEMBERED_S = 60.0


class SearchRemovals:
    """Recent removals, in memory only, because writes in progress end with the process. Used by one writer."""

    def __init__(self) -> None:
        #: Revision and time of each removal, by index and `_id`; the latest removal is last.
        self._removed: OrderedDict[tuple[int, str], tuple[int, float]] = OrderedDict()

    def add(self, place: tuple[int, str], revision: int) -> None:
        """Remember that no document older than `revision` may be written at this place."""
        now_s = time.monotonic()
        self._removed[place] = max(revision, self.revision(place)), now_s
        self._removed.move_to_end(place)
        while next(iter(self._removed.values()))[1] < now_s - _REMEMBERED_S:
            self._removed.popitem(last=False)

    def revision(self, place: tuple[int, str]) -> int:
        """Return the revision at which the document was removed, or 0 if it was not removed recently."""
        revision, at_s = self._removed.get(place, (0, 0.0))
        return revision if at_s >= time.monotonic() - _REMEMBERED_S else 0
