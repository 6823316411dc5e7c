"""Opens buckets at given times: the next one ahead of time, or many before historic assets are imported."""

from collections.abc import Collection
from dataclasses import dataclass

from amp.domain.jobs import Job
from amp.domain.moves import MoveKind
from amp.domain.principals import Principal
from amp.domain.times import format_ms
from amp.errors import Unprocessable
from amp.ports.clock import Clock
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.moves.plan import MovePlanning


@dataclass(frozen=True, slots=True)
class LaidOut:
    """The state of a layout."""

    job: Job | None  #: the job that opens the first of `missing`
    missing: tuple[int, ...]  #: starts without a bucket, in seconds, in the order in which buckets are opened


@dataclass(frozen=True, kw_only=True)
class BucketLayout:
    """Opens buckets. A layout is a series of calls, because only one move runs at a time. Each call does the next
    missing step, so a layout can be interrupted anywhere and repeated.
    """

    maps: BucketMaps
    move_planning: MovePlanning
    clock: Clock
    lead_s: float  #: how far ahead a bucket begins unless its start is given, in seconds

    def next_start(self, at_s: int | None, principal: Principal) -> tuple[str, int]:  # noqa: ARG002
        """Return the bucket that a new one follows, and when the new one begins: at `at_s`, or as soon as possible.

        :raises Unprocessable: `at_s` is not in the future.
        :raises StoreUnavailable: the store does not answer.
        """
        bucket_map, now_ms = self.maps.refresh(), self.clock.now_ms()
        if at_s is None:
            # Not after the last bucket, which may have been opened far ahead.
            at_s = now_ms // 1000 + 1 + int(self.lead_s)
            while bucket_map.bucket_at(at_s * 1000).start_s == at_s:
                at_s += 1
        elif at_s * 1000 <= now_ms:
            reason = (
                f"{format_ms(at_s * 1000)} is not in the future: a roll opens a bucket for new assets. Split a bucket "
                "to divide its documents, or lay out buckets with init before an import"
            )
            raise Unprocessable.at("/at", reason)
        return bucket_map.bucket_at(at_s * 1000).name, at_s

    def preview(self, starts_s: Collection[int], principal: Principal) -> LaidOut:  # noqa: ARG002
        """Return which of these starts have no bucket yet.

        :raises StoreUnavailable: the store does not answer.
        """
        existing = {bucket.start_s for bucket in self.maps.refresh().buckets}
        # Newest first, so that each document moves at most once.
        return LaidOut(None, tuple(sorted(set(starts_s) - existing, reverse=True)))

    def open_next(self, starts_s: Collection[int], rate: float | None, principal: Principal) -> LaidOut:
        """Record the job that opens the next missing bucket, if any.

        :raises Conflict: a move is under way; call again when it has ended.
        :raises Retryable: a component does not answer; the outcome is unknown, check before retrying.
        """
        layout = self.preview(starts_s, principal)
        if not layout.missing:
            return layout
        first_s = layout.missing[0]
        name = self.maps.refresh().bucket_at(first_s * 1000).name
        return LaidOut(self.move_planning.start(MoveKind.ROLL, name, first_s, rate, principal), layout.missing)
