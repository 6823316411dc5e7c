"""The life of a move as pure changes of the bucket map, each of which a compare-and-set makes real (ADR 007).

PLAN → DUAL → HOLD → SWITCHED → done, HOLD → DUAL to try again, and CANCELLED → done from anywhere before the switch.
The protocol is that of `tests/simulation`, where every safeguard has a run that fails without it.
"""

from dataclasses import replace
from uuid import UUID

from amp.domain.buckets import Bucket, BucketMap, index_name
from amp.domain.moves import Move, MoveKind, Phase


class InvalidPhase(Exception):
    """The map went on meanwhile; look at it again."""


def planned_split(bucket_map: BucketMap, prefix: str, bucket: Bucket, at_s: int, job: UUID) -> BucketMap:
    """What the bucket holds from `at_s` on goes into a new index.

    :raises ValueError: `at_s` does not lie within the bucket, past its start.
    """
    end_s = bucket_map.end_s(bucket)
    if not bucket.start_s < at_s or (end_s is not None and at_s >= end_s):
        raise ValueError("the boundary lies in the bucket, past its start")
    return _planned(bucket_map, MoveKind.SPLIT, bucket, at_s, _new_index(bucket_map, prefix, at_s), job)


def planned_roll(bucket_map: BucketMap, prefix: str, bucket: Bucket, at_s: int, job: UUID) -> BucketMap:
    """From `at_s` on there is a new bucket, although nothing may be in it yet.

    :raises ValueError: `at_s` does not lie within the bucket, past its start.
    """
    split = planned_split(bucket_map, prefix, bucket, at_s, job)
    return replace(split, move=replace(_move_in(split), kind=MoveKind.ROLL))


def planned_merge(bucket_map: BucketMap, bucket: Bucket, job: UUID) -> BucketMap:
    """All that the next bucket in time holds goes into the index of this one.

    :raises ValueError: it is the newest bucket.
    """
    if bucket is bucket_map.buckets[-1]:
        raise ValueError("there is no next bucket")
    source = bucket_map.buckets[bucket_map.buckets.index(bucket) + 1]
    return _planned(bucket_map, MoveKind.MERGE, source, source.start_s, bucket.index, job)


def planned_rebuild(bucket_map: BucketMap, prefix: str, bucket: Bucket, job: UUID) -> BucketMap:
    """All that the bucket holds goes into a new index, which takes its place."""
    target = _new_index(bucket_map, prefix, bucket.start_s)
    return _planned(bucket_map, MoveKind.REBUILD, bucket, bucket.start_s, target, job)


def dual(bucket_map: BucketMap) -> BucketMap:
    """Writers write to both, under a token of this attempt's own.

    :raises InvalidPhase: it is neither planned nor held.
    """
    move, generation = _in_phase(bucket_map, Phase.PLAN, Phase.HOLD), bucket_map.generation + 1
    return BucketMap(
        generation=generation,
        buckets=_with_token(bucket_map, generation),
        move=replace(move, phase=Phase.DUAL, phase_token=generation, dual_token=generation),
    )


def hold(bucket_map: BucketMap) -> BucketMap:
    """Writers wait: the source answers to this phase's token, which none of them uses.

    :raises InvalidPhase: writers do not write to both.
    """
    move, generation = _in_phase(bucket_map, Phase.DUAL), bucket_map.generation + 1
    return replace(bucket_map, generation=generation, move=replace(move, phase=Phase.HOLD, phase_token=generation))


def switched(bucket_map: BucketMap) -> BucketMap:
    """Buckets as searches see them since the aliases switched.

    :raises InvalidPhase: it is neither held nor was it cancelled too late.
    """
    # DUAL: another mover went back from HOLD just before this one's switch, which came first all the same.
    move = _in_phase(bucket_map, Phase.HOLD, Phase.DUAL, Phase.CANCELLED)
    generation = bucket_map.generation + 1
    return BucketMap(
        generation=generation,
        buckets=switched_buckets(bucket_map),
        move=replace(move, phase=Phase.SWITCHED, phase_token=generation, reason=""),
    )


def switched_buckets(bucket_map: BucketMap) -> tuple[Bucket, ...]:
    """The buckets after the switch, source and target under the token that was reserved for them.

    :raises InvalidPhase: no move is under way.
    """
    move = _move_in(bucket_map)
    source, target = bucket_map.bucket_of(move.source), bucket_map.bucket_of(move.target)
    # Only a refill that was begun after the later loss brings back what is missing of both.
    loss_generation = max((bucket.loss_generation for bucket in (source, target) if bucket is not None), default=0)
    # A merge's target begins where it did, a new index where the range does.
    start_s = target.start_s if target else move.start_s
    buckets = [bucket for bucket in bucket_map.buckets if bucket is not source and bucket is not target]
    buckets.append(Bucket(start_s=start_s, index=move.target, token=move.switch_token, loss_generation=loss_generation))
    if source is not None and source.start_s < move.start_s:
        buckets.append(replace(source, token=move.switch_token))
    return tuple(sorted(buckets, key=lambda bucket: bucket.start_s))


def cancelled(bucket_map: BucketMap, reason: str) -> BucketMap:
    """Back to what was before, under a token of its own.

    :raises InvalidPhase: searches use the target already, or it is cancelled.
    """
    move, generation = _in_phase(bucket_map, Phase.PLAN, Phase.DUAL, Phase.HOLD), bucket_map.generation + 1
    return BucketMap(
        generation=generation,
        buckets=_with_token(bucket_map, generation),
        move=replace(move, phase=Phase.CANCELLED, phase_token=generation, reason=reason),
    )


def ended(bucket_map: BucketMap) -> BucketMap:
    """No move any more.

    :raises InvalidPhase: it is neither switched nor cancelled.
    """
    _in_phase(bucket_map, Phase.SWITCHED, Phase.CANCELLED)
    return replace(bucket_map, generation=bucket_map.generation + 1, move=None)


def _planned(bucket_map: BucketMap, kind: MoveKind, source: Bucket, start_s: int, target: str, job: UUID) -> BucketMap:
    if bucket_map.move is not None:
        raise InvalidPhase("a move is under way already")
    # One generation is passed over: it is the token of the switch.
    generation = bucket_map.generation + 2
    move = Move(
        id=job,
        kind=kind,
        source=source.index,
        target=target,
        start_s=start_s,
        end_s=bucket_map.end_s(source),
        phase=Phase.PLAN,
        phase_token=generation,
        dual_token=0,
        switch_token=bucket_map.generation + 1,
    )
    return replace(bucket_map, generation=generation, move=move)


def _new_index(bucket_map: BucketMap, prefix: str, start_s: int) -> str:
    return index_name(prefix, start_s, bucket_map.generation + 2)


def _with_token(bucket_map: BucketMap, token: int) -> tuple[Bucket, ...]:
    """The buckets, those whose indices take part in the move under a new token."""
    move = _move_in(bucket_map)
    return tuple(
        replace(bucket, token=token) if bucket.index in (move.source, move.target) else bucket
        for bucket in bucket_map.buckets
    )


def _in_phase(bucket_map: BucketMap, *phases: Phase) -> Move:
    move = _move_in(bucket_map)
    if move.phase not in phases:
        raise InvalidPhase(f"the move is in phase {move.phase}")
    return move


def _move_in(bucket_map: BucketMap) -> Move:
    if bucket_map.move is None:
        raise InvalidPhase("no move is under way")
    return bucket_map.move
