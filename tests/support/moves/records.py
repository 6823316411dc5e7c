"""What clients saw and did, one JSON object a line, each client in a file of its own.

Times are those of the machine's monotonic clock, which all its processes share.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A search and what came of it. It asked for certain ids, or for all that lies between two places in the order of
    creation, which is that of ids."""

    sent_s: float
    received_s: float
    shown: tuple[tuple[str, int], ...] = ()  #: ids and revisions, as they came
    asked: tuple[str, ...] | None = None
    low: str | None = None  #: exclusive, as `high`; None: no end on this side
    high: str | None = None
    paging: int | None = None  #: of a page: all pages of one paging have the same number
    failed: str = ""  #: why there is no answer

    @property
    def pages(self) -> bool:
        return self.paging is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """A write that was answered, or failed."""

    sent_s: float
    received_s: float
    kind: str
    asset_id: str
    failed: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deletion:
    """A deletion, recorded before its request is sent."""

    asked_s: float
    asset_id: str


Record = Answer | Write | Deletion
_Kind = TypeVar("_Kind", Answer, Write, Deletion)


class Journal:
    """One client's file. Each record is written at once: a client may be killed."""

    def __init__(self, folder: Path, kind: type[Record], client: str) -> None:
        self._file = (folder / f"{kind.__name__}-{client}.jsonl").open("ab", buffering=0)

    def tell(self, record: Record) -> None:
        self._file.write(orjson.dumps(asdict(record), option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        self._file.close()


def read_journals(folder: Path, kind: type[_Kind], client: str = "*") -> list[Iterator[_Kind]]:
    """What each client recorded so far, in the order in which it did."""
    return [_read(path, kind) for path in sorted(folder.glob(f"{kind.__name__}-{client}.jsonl"))]


def _read(path: Path, kind: type[_Kind]) -> Iterator[_Kind]:
    with path.open("rb") as file:
        # The last line may be half of one still.
        yield from (_parsed(kind, orjson.loads(line)) for line in file if line.endswith(b"\n"))


def _parsed(kind: type[_Kind], data: dict[str, Any]) -> _Kind:
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in data.items()})


class KnownIds:
    """Ids that clients may ask for: one file, appended to by those who make assets, followed by those who search."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self.ids: list[str] = []

    def add(self, ids: Iterable[str]) -> None:
        with self._path.open("ab", buffering=0) as file:
            # In one write: several append to it.
            file.write("".join(f"{asset_id}\n" for asset_id in ids).encode())

    def look(self) -> list[str]:
        """All so far."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._position)
                whole = file.read().rpartition(b"\n")[0]
            if whole:
                self._position += len(whole) + 1
                self.ids += whole.decode().split("\n")
        return self.ids
