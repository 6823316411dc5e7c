"""What is known about a stack's servers between commands: `state.json` in its folder."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from tests.support.stack.locks import locked


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One server as last started."""

    #: "process" or "container".
    how: str
    #: Kept while the server is stopped, so that it comes back at the same address.
    ports: dict[str, int] = field(default_factory=dict)
    pid: int | None = None
    #: Tells the process from a later one with the same pid.
    started: str | None = None


class State:
    """Reads and writes the entries; safe between threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "state.json"
        self._lock = folder / "state.lock"

    def read(self, name: str) -> Entry | None:
        entry = self._load().get(name)
        if entry is None:
            return None
        # Another revision of this checkout may have started the servers and noted more about them.
        return Entry(**{known.name: entry[known.name] for known in fields(Entry) if known.name in entry})

    def write(self, name: str, entry: Entry) -> None:
        with locked(self._lock):
            self._store(self._load() | {name: asdict(entry)})

    def ports(self) -> set[int]:
        """All that any server has, running or not."""
        return {port for entry in self._load().values() for port in entry["ports"].values()}

    def remove(self, name: str) -> None:
        with locked(self._lock):
            self._store({key: value for key, value in self._load().items() if key != name})

    def _load(self) -> dict[str, dict[str, Any]]:
        try:
            loaded: dict[str, dict[str, Any]] = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        return loaded

    def _store(self, entries: dict[str, dict[str, Any]]) -> None:
        # Readers take no lock: they must see the old file or the new one, never half of it.
        partial = self._path.with_suffix(".part")
        partial.write_text(json.dumps(entries, indent=2) + "\n")
        os.replace(partial, self._path)
