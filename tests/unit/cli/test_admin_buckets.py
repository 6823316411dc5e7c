"""The message about differences between the map and the search index that were not repaired."""

from amp.cli.admin_buckets import unrepaired_text


def test_what_is_left_comes_with_what_heals_it() -> None:
    told = unrepaired_text(2, heal=False)
    assert told.startswith("2 not repaired: `amp admin buckets reconcile --heal` ")
    assert "bucket worker" in told
    told = unrepaired_text(1, heal=True)
    assert told.startswith("1 not repaired: ")
    assert "never removes an index that belongs to no bucket" in told
    assert "docs/" not in told, "who has the command has no folder of documentation"
