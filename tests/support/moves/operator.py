"""Whoever asks for moves over HTTP, and looks at how far they are."""

import time
from dataclasses import dataclass
from typing import Any

from amp.bootstrap import Amp
from amp.domain.buckets import BucketMap
from amp.domain.moves import Move, Phase
from tests.support.service.api_client import ApiClient
from tests.support.stack.waiting import wait_until

#: No measurement: with 200,000 assets under load, 20 minutes were too short for a phase on two busy cores.
_MOVE_S = 3600
_LOOK_EVERY_S = 0.2
#: Phases can be as short as a twentieth of a second.
_WATCH_EVERY_S = 0.002


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A move as it went."""

    kind: str
    state: str
    reason: str
    documents: int | None
    held_s: float | None
    took_s: float

    def __str__(self) -> str:
        held = "" if self.held_s is None else f", held {self.held_s:.3f} s"
        reason = f" ({self.reason})" if self.reason else ""
        return f"{self.kind} {self.state}{reason}: {self.documents} documents in {self.took_s:.1f} s{held}"


class Operator:
    def __init__(self, api_client: ApiClient, amp: Amp) -> None:
        self._api_client = api_client
        self._amp = amp

    def buckets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._api_client.sure("GET", "/v1/admin/buckets").json()["items"]
        return found

    def start(self, kind: str, position: int = 0, **more: Any) -> str:
        """The id of the job. `position`: of the bucket, by time; `more`: `at` and `rate`."""
        name = self.buckets()[position]["name"]
        job: str = self._api_client.sure("POST", f"/v1/admin/buckets/{name}/{kind}", json=more).json()["id"]
        return job

    def cancel(self, job: str) -> None:
        self._api_client.sure("POST", f"/v1/admin/jobs/{job}/cancel")

    def job(self, job: str) -> dict[str, Any]:
        found: dict[str, Any] = self._api_client.sure("GET", f"/v1/admin/jobs/{job}").json()
        return found

    def move(self, kind: str, position: int = 0, **more: Any) -> Ended:
        """Ask for it, and wait until it has ended."""
        began_s = time.monotonic()
        job = self.start(kind, position, **more)
        return self.ended(job, began_s)

    def ended(self, job: str, began_s: float, within_s: float = _MOVE_S) -> Ended:
        found: dict[str, Any] = {}

        def look() -> bool:
            nonlocal found
            found = self.job(job)
            return found["state"] in ("completed", "failed", "cancelled") and self.recorded() is None

        wait_until(look, within_s, f"job {job} to end", _LOOK_EVERY_S)
        progress = found["progress"]
        return Ended(
            kind=found["kind"],
            state=found["state"],
            reason=found["reason"],
            documents=progress["documents"],
            held_s=progress["held_s"],
            took_s=time.monotonic() - began_s,
        )

    def map(self) -> BucketMap:
        """From the registry, past the API: phases are short."""
        found = self._amp.adapters.buckets.load()
        assert found is not None
        return found

    def recorded(self) -> Move | None:
        return self.map().move

    def wait_for(self, phase: Phase, every_s: float = _WATCH_EVERY_S) -> bool:
        """False: the move went past it, or has ended."""
        seen: Move | None = None

        def look() -> bool:
            nonlocal seen
            seen = self.recorded()
            return seen is None or _ORDER[seen.phase] >= _ORDER[phase]

        wait_until(look, _MOVE_S, f"phase {phase}", every_s)
        return seen is not None and seen.phase is phase


_ORDER = {phase: position for position, phase in enumerate(Phase)}
