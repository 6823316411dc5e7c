"""The message about differences between the map and the search index that were not repaired."""

from amp.cli.admin_buckets import unrepaired_text


def test_what_is_left_comes_with_what_heals_it() -> None:
    reported = unrepaired_text(2, heal=False)
    assert reported.startswith("2 not repaired: `amp admin buckets reconcile --heal` ")
    assert "bucket worker" in reported
    reported = unrepaired_text(1, heal=True)
    assert reported.startswith("1 not repaired: ")
    assert "never removes an index that belongs to no bucket" in reported
    assert "docs/" not in reported, "who has the command has no folder of documentation"
