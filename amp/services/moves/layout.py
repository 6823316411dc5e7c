"""Opens buckets at times that are asked for: the next one ahead of time, or many before historic assets come in."""

from collections.abc import Collection
from dataclasses import dataclass

from amp.domain.jobs import Job
from amp.domain.moves import MoveKind
from amp.domain.principals import Principal
from amp.domain.times import format_ms
from amp.errors import Fault, Unprocessable
from amp.ports.clock import Clock
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.moves.plan import MovePlanning


@dataclass(frozen=True, slots=True)
class LaidOut:
    """How far a layout is."""

    job: Job | None  #: opens the first of `missing`
    missing: tuple[int, ...]  #: starts at which no bucket begins yet, in seconds, in the order they are opened


@dataclass(frozen=True, kw_only=True)
class BucketLayout:
    """One move at a time, so a layout is a series of calls, each of which does what is still to be done: it can be
    broken off anywhere and asked for again.
    """

    maps: BucketMaps
    planner: MovePlanning
    clock: Clock
    lead_s: float

    def next_start(self, at_s: int | None) -> tuple[str, int]:
        """The bucket that a new one is to follow, and when that one begins: at `at_s`, or as soon as it can.

        :raises Unprocessable: that is not in the future.
        :raises StoreUnavailable: the store does not answer.
        """
        bucket_map, now_ms = self.maps.refresh(), self.clock.now_ms()
        if at_s is None:
            # Not after the newest: that one may have been opened for a time far ahead.
            at_s = now_ms // 1000 + 1 + int(self.lead_s)
            while bucket_map.bucket_at(at_s * 1000).start_s == at_s:
                at_s += 1
        elif at_s * 1000 <= now_ms:
            reason = (
                f"{format_ms(at_s * 1000)} is past: a roll opens a bucket for what is yet to come. Split a bucket to "
                "divide what it holds, or lay out buckets with init before an import"
            )
            raise Unprocessable(f"/at: {reason}", [Fault("/at", reason)])
        return bucket_map.bucket_at(at_s * 1000).name, at_s

    def look(self, starts_s: Collection[int]) -> LaidOut:
        """:raises StoreUnavailable: the store does not answer."""
        there = {bucket.start_s for bucket in self.maps.refresh().buckets}
        # Newest first: each document then moves once at most.
        return LaidOut(None, tuple(sorted(set(starts_s) - there, reverse=True)))

    def go_on(self, starts_s: Collection[int], rate: float | None, principal: Principal) -> LaidOut:
        """Begin to open the next bucket that is missing, if any.

        :raises Conflict: a move is under way; come again when it has ended.
        :raises Retryable: a part does not answer; look before trying again.
        """
        found = self.look(starts_s)
        if not found.missing:
            return found
        first_s = found.missing[0]
        name = self.maps.refresh().bucket_at(first_s * 1000).name
        return LaidOut(self.planner.start(MoveKind.ROLL, name, first_s, rate, principal), found.missing)
