"""Finds wording that this project never uses, and says what to write instead. `make lint` runs it over the sources and
the documentation.

Words that are right in some senses, such as *told* or *letter*, are left to the reader.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
#: Migrations are left out, because a migration that was applied never changes.
_SOURCES = ("amp", "workers", "docs", "index_templates")
_SUFFIXES = {".py", ".md", ".html", ".js", ".json"}
#: Patterns, in lower case, and what to write instead.
_BETTER = {
    r"case minded": "case-sensitive",
    r"by commas": "comma-separated",
    r"anew": "again",
    r"too lately": "too recently",
    r"of late\b": "recently",
    r"look(?:s|ed|ing)? after": "process, or read",
    r"what (?:became|becomes) of": "the outcome of",
    r"how (?:it|they|assets|items) fared": "the outcome",
    r"whoever": "a name for who it is",
    r"makes? no twins?": "creates no duplicates",
    r"gives? back": "releases",
    r"cures? the (?:reason|cause)": "fix the cause",
    r"relieves? it": "reduce its load",
    r"(?:is|are) not well": "is unhealthy",
    r"behind the \w+'s back": "asynchronously",
    r"go(?:es)? on\b(?! (?:the|a) )": "continue",
    r"stumbles?": "fails",
    r"takes? no offence": "tolerates",
    r"lies? in the future": "is in the future",
    r"means nothing to": "is not a parameter of",
    r"(?:items|assets|documents|writes|requests|changes|events|messages|searches) a second": "per second",
    r"sleeps? through": "is paused during",
    r"gives? up on": "stops retrying",
    r"is no (?!longer|later|more|less|older|newer|earlier|need|reason|\w+er )\w+": "is not a …",
    r"steers?": "control",
    r"time and again": "repeatedly",
    r"all the while": "throughout",
    r"put(?:s)? aside": "set aside, or store as a dead letter",
}
_PATTERN = re.compile(
    # A wording may be wrapped, so its spaces stand for any number of them.
    "|".join(rf"(?P<p{i}>\b{pattern}\b)" for i, pattern in enumerate(_BETTER)).replace(" ", r"\s+"),
    re.IGNORECASE,
)


def faults(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line, the wording and what to write instead, for each place in a text. A wrapped comment is read as one
    line.
    """
    # Line breaks and comment marks become as many spaces, so that offsets stay the same.
    joined = re.sub(r"\n[ \t]*(?:#:?|--|//|\*)?[ \t]*", lambda match: " " * len(match[0]), text)
    # "there is no asset" is right, "this is no asset" is not.
    joined = re.sub(r"there\s+is", lambda match: "." * len(match[0]), joined, flags=re.IGNORECASE)
    for match in _PATTERN.finditer(joined):
        index = int(str(match.lastgroup)[1:])
        yield text.count("\n", 0, match.start()) + 1, match[0], list(_BETTER.values())[index]


def _files() -> Iterator[Path]:
    yield from sorted(_ROOT.glob("*.md"))
    for folder in _SOURCES:
        yield from sorted(path for path in (_ROOT / folder).rglob("*") if path.suffix in _SUFFIXES)


def main() -> None:
    found = [
        f"{path.relative_to(_ROOT)}:{line}: {wording!r}: write {better}"
        for path in _files()
        for line, wording, better in faults(path.read_text(encoding="utf-8"))
    ]
    sys.stderr.writelines(f"{fault}\n" for fault in found)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
