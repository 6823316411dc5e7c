"""Every problem an answer can have is listed in the documentation, with its status."""

from pathlib import Path

from amp.api.errors import problem_types

_PAGE = (Path(__file__).parents[3] / "docs" / "problems.md").read_text()


def test_every_problem_is_documented_with_its_status() -> None:
    for name, status, _ in problem_types():
        slug = name.removeprefix("urn:amp:problem:")
        assert f"| {status} | `{slug}` |" in _PAGE, slug


def test_no_problem_is_documented_that_cannot_be_met() -> None:
    documented = {line.split("`")[1] for line in _PAGE.splitlines() if line.startswith(("| 4", "| 5"))}
    assert documented == {name.removeprefix("urn:amp:problem:") for name, _, _ in problem_types()}
