"""What people are told of what disagrees between map and search index."""

from amp.cli.admin_buckets import left_as_they_are


def test_what_is_left_comes_with_what_heals_it() -> None:
    told = left_as_they_are(2, heal=False)
    assert told.startswith("2 left as they are: `amp admin buckets reconcile --heal` ")
    assert "bucket worker" in told
    told = left_as_they_are(1, heal=True)
    assert told.startswith("1 left as they are: ")
    assert "never removes an index that belongs to no bucket" in told
    assert "docs/" not in told, "who has the command has no folder of documentation"
