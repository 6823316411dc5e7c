"""What people are told of what disagrees between map and search index."""

from amp.cli.admin_buckets import left_as_they_are


def test_what_is_left_comes_with_what_heals_it() -> None:
    told = left_as_they_are(2, heal=False)
    assert told.startswith("2 left as they are: `amp admin buckets reconcile --heal` ")
    assert "bucket worker" in told
    assert left_as_they_are(1, heal=True) == "1 left as they are: they cannot be healed safely, see docs/operations.md"
