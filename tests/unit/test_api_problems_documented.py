"""Every problem an answer can have is listed in the documentation, with its status."""

from collections.abc import Iterator
from pathlib import Path

from amp import errors
from amp.api.errors import problem_of
from amp.errors import AmpError

_PAGE = (Path(__file__).parents[2] / "docs" / "problems.md").read_text()
#: Roots of the tree that are never raised themselves, and what only a command line shows.
_NOT_ANSWERED = {
    "AmpError",
    "Invalid",
    "NotFound",
    "Retryable",
    "BadSetting",
    "Busy",
    "QueueUnavailable",
    "CacheUnavailable",
}


def _tree(root: type[AmpError]) -> Iterator[type[AmpError]]:
    yield root
    for child in root.__subclasses__():
        yield from _tree(child)


def test_every_problem_is_documented_with_its_status() -> None:
    assert errors.AmpError in set(_tree(AmpError))
    for cls in _tree(AmpError):
        if cls.__name__ not in _NOT_ANSWERED and cls.__module__.startswith("amp."):
            problem = problem_of(cls())
            slug = problem["type"].removeprefix("urn:amp:problem:")
            assert f"| {problem['status']} | `{slug}` |" in _PAGE, cls
