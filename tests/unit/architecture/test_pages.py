"""The pages of the documentation refer only to what exists."""

import re
from pathlib import Path

import pytest

from tests.support.subject_contract import docstring, uses

_ROOT = Path(__file__).parents[3]
_PAGES = sorted([*_ROOT.glob("*.md"), *_ROOT.glob("docs/**/*.md")])
_CODE = re.compile(r"```.*?```", re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
#: A path of this repository in a page, without placeholders in capitals.
_PATH = re.compile(r"`((?:amp|workers|tests|docs|migrations|index_templates|\.ci)/[a-z0-9_./]*)`")


def _text(page: Path) -> str:
    return _CODE.sub("", page.read_text(encoding="utf-8"))


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", _text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_links_lead_to_existing_pages_and_headings(page: Path) -> None:
    for link in _LINK.findall(_text(page)):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_paths_that_a_page_names_exist(page: Path) -> None:
    for path in _PATH.findall(_text(page)):
        assert (_ROOT / path).exists(), path


def test_the_architecture_lists_what_each_subject_may_import() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .+ \| (.+) \|$", (_ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE)
    listed = {subject: set(re.findall(r"`(\w+)`", imports)) for subject, imports in rows}
    subjects = [path.parent.name for path in (_ROOT / "amp" / "services").glob("*/__init__.py")]
    assert listed == {subject: uses(docstring(f"amp.services.{subject}")) for subject in subjects}
