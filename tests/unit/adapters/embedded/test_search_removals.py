"""What the embedded search index remembers of removed documents."""

import pytest

from amp.adapters.embedded import search_removals
from amp.adapters.embedded.search_removals import SearchRemovals


def test_a_removal_is_forgotten_after_a_minute_with_or_without_others(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [1_000.0]
    monkeypatch.setattr(search_removals.time, "monotonic", lambda: now_s[0])
    removals, place = SearchRemovals(), (1, "asset")
    removals.add(place, 6)
    now_s[0] += 59
    assert removals.revision(place) == 6
    now_s[0] += 2
    assert removals.revision(place) == 0
    removals.add(place, 2)
    assert removals.revision(place) == 2
