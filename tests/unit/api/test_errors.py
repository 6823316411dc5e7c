"""Every error of AMP is a problem document with a status and a type of its own."""

from collections.abc import Iterator

import pytest

from amp.api import errors as api_errors
from amp.api.errors import problem_of
from amp.errors import (
    AlreadyExists,
    AmpError,
    BadCursor,
    Fault,
    IncompatibleType,
    Retryable,
    RevisionMismatch,
    TypeNotFound,
    Unprocessable,
)


def _all(root: type[AmpError]) -> Iterator[type[AmpError]]:
    """What the service raises; commands have errors of their own."""
    yield root
    for child in root.__subclasses__():
        if child.__module__ in ("amp.errors", "amp.api.errors"):
            yield from _all(child)


def test_every_error_has_a_status_and_a_title() -> None:
    assert api_errors.MalformedJson in set(_all(AmpError))
    for cls in _all(AmpError):
        problem = problem_of(cls())
        assert 400 <= problem["status"] < 600, cls
        assert problem["title"], cls


def test_no_two_errors_share_a_type() -> None:
    types = [problem_of(cls())["type"] for cls in set(_all(AmpError))]
    assert len(types) == len(set(types))


def test_every_passing_fault_is_503() -> None:
    assert {problem_of(cls())["status"] for cls in _all(Retryable)} == {503}


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (TypeNotFound(), 404, "type-not-found"),
        (AlreadyExists(), 409, "already-exists"),
        (RevisionMismatch(), 412, "revision-mismatch"),
        (BadCursor(), 400, "bad-cursor"),
        (api_errors.MalformedJson(), 400, "malformed-json"),
    ],
)
def test_an_error_is_named_after_its_class(error: AmpError, status: int, slug: str) -> None:
    assert (problem_of(error)["status"], problem_of(error)["type"]) == (status, f"urn:amp:problem:{slug}")


def test_faults_and_context_are_shown() -> None:
    problem = problem_of(Unprocessable("no", [Fault("/a", "is wrong")], id="x", revision=None))
    assert problem["errors"] == [{"pointer": "/a", "detail": "is wrong"}]
    assert problem["id"] == "x"
    assert "revision" not in problem
    assert problem_of(IncompatibleType("no", [Fault("/b", "cannot")]))["errors"][0]["pointer"] == "/b"


def test_faults_beyond_count_are_left_out() -> None:
    assert len(problem_of(Unprocessable("no", [Fault(f"/{i}", "x") for i in range(1000)]))["errors"]) == 100
