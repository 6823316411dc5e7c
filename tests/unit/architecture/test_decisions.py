"""Every decision has a date and a status, and is in the index."""

import re
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parents[3] / "docs" / "adr"
_PAGES = sorted(_FOLDER.glob("[0-9]*.md"))


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.stem)
def test_a_decision_is_in_the_index_with_its_status_and_date(page: Path) -> None:
    found = re.match(r"# (\d{3})\. (.+)\n\n\*\*Status:\*\* (.+), (\d{4}-\d\d-\d\d)\n", page.read_text())
    assert found is not None, "begins with a number, a title, a status and a date"
    number, title, status, date = found.groups()
    assert page.name.startswith(f"{number}-")
    assert f"| [{number}]({page.name}) | {title} | {status} | {date} |" in (_FOLDER / "README.md").read_text()


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(page.name[:3]) for page in _PAGES] == list(range(1, len(_PAGES) + 1))
