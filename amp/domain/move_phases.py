"""The phases of a move as pure changes of the bucket map, each of which is stored by a compare-and-set (ADR 007).

PLAN → DUAL → HOLD → SWITCHED → done. For another attempt, HOLD → DUAL. Before the switch, any phase → CANCELLED → done.
`tests/simulation` runs this protocol. For every safeguard it has a run that fails without it.
"""

from dataclasses import replace
from uuid import UUID

from amp.domain.buckets import Bucket, BucketMap, index_name
from amp.domain.moves import Move, MoveKind, Phase


class InvalidPhase(Exception):
    """The move is in another phase; read the bucket map again."""


def planned_split(bucket_map: BucketMap, prefix: str, bucket: Bucket, at_s: int, job: UUID) -> BucketMap:
    """Return the map with a split planned: the documents of the bucket from `at_s` on move to a new index.

    :raises ValueError: `at_s` is not within the bucket and after its start.
    :raises InvalidPhase: another move is in progress.
    """
    end_s = bucket_map.end_s(bucket)
    if not bucket.start_s < at_s or (end_s is not None and at_s >= end_s):
        raise ValueError("the boundary must be within the bucket and after its start")
    return _planned(bucket_map, MoveKind.SPLIT, bucket, at_s, _new_index(bucket_map, prefix, at_s), job)


def planned_roll(bucket_map: BucketMap, prefix: str, bucket: Bucket, at_s: int, job: UUID) -> BucketMap:
    """Return the map with a roll planned: a new bucket begins at `at_s`, although it may have no documents yet.

    :raises ValueError: `at_s` is not within the bucket and after its start.
    :raises InvalidPhase: another move is in progress.
    """
    split = planned_split(bucket_map, prefix, bucket, at_s, job)
    return replace(split, move=replace(_move_in(split), kind=MoveKind.ROLL))


def planned_merge(bucket_map: BucketMap, bucket: Bucket, job: UUID) -> BucketMap:
    """Return the map with a merge planned: all documents of the next bucket in time move to the index of this one.

    :raises ValueError: this is the newest bucket.
    :raises InvalidPhase: another move is in progress.
    """
    if bucket == bucket_map.buckets[-1]:
        raise ValueError("the newest bucket cannot be merged: there is no next bucket")
    source = bucket_map.buckets[bucket_map.buckets.index(bucket) + 1]
    return _planned(bucket_map, MoveKind.MERGE, source, source.start_s, bucket.index, job)


def planned_rebuild(bucket_map: BucketMap, prefix: str, bucket: Bucket, job: UUID) -> BucketMap:
    """Return the map with a rebuild planned: all documents of the bucket move to a new index, which replaces its index.

    :raises InvalidPhase: another move is in progress.
    """
    target = _new_index(bucket_map, prefix, bucket.start_s)
    return _planned(bucket_map, MoveKind.REBUILD, bucket, bucket.start_s, target, job)


def dual(bucket_map: BucketMap) -> BucketMap:
    """Return the map in DUAL: writers write to source and target, with a token that only this attempt uses.

    :raises InvalidPhase: the move is neither in PLAN nor in HOLD.
    """
    move, generation = _in_phase(bucket_map, Phase.PLAN, Phase.HOLD), bucket_map.generation + 1
    return BucketMap(
        generation=generation,
        buckets=_with_token(bucket_map, generation),
        move=replace(move, phase=Phase.DUAL, phase_token=generation, dual_token=generation),
    )


def hold(bucket_map: BucketMap) -> BucketMap:
    """Return the map in HOLD: writers wait, because the source has only the token of this phase, which no writer uses.

    :raises InvalidPhase: the move is not in DUAL.
    """
    move, generation = _in_phase(bucket_map, Phase.DUAL), bucket_map.generation + 1
    return replace(bucket_map, generation=generation, move=replace(move, phase=Phase.HOLD, phase_token=generation))


def switched(bucket_map: BucketMap) -> BucketMap:
    """Return the map in SWITCHED: the buckets as searches see them since the aliases were switched.

    :raises InvalidPhase: the move is not in HOLD, DUAL or CANCELLED.
    """
    # DUAL: another mover went back from HOLD just before this one switched, but the switch came first. CANCELLED: the
    # move was cancelled too late.
    move = _in_phase(bucket_map, Phase.HOLD, Phase.DUAL, Phase.CANCELLED)
    generation = bucket_map.generation + 1
    return BucketMap(
        generation=generation,
        buckets=switched_buckets(bucket_map),
        move=replace(move, phase=Phase.SWITCHED, phase_token=generation, reason=""),
    )


def switched_buckets(bucket_map: BucketMap) -> tuple[Bucket, ...]:
    """Return the buckets after the switch, with the reserved token for source and target.

    :raises InvalidPhase: no move is in progress.
    """
    move = _move_in(bucket_map)
    source, target = bucket_map.bucket_of(move.source), bucket_map.bucket_of(move.target)
    # Only a refill that was started after the later loss restores what is missing from both.
    loss_generation = max((bucket.loss_generation for bucket in (source, target) if bucket is not None), default=0)
    # The target of a merge keeps its start; a new index starts with the range.
    start_s = target.start_s if target else move.start_s
    buckets = [bucket for bucket in bucket_map.buckets if bucket is not source and bucket is not target]
    buckets.append(Bucket(start_s=start_s, index=move.target, token=move.switch_token, loss_generation=loss_generation))
    if source is not None and source.start_s < move.start_s:
        buckets.append(replace(source, token=move.switch_token))
    return tuple(sorted(buckets, key=lambda bucket: bucket.start_s))


def cancelled(bucket_map: BucketMap, reason: str) -> BucketMap:
    """Return the map in CANCELLED: the state before the move is restored, with a token that only this phase uses.

    :raises InvalidPhase: searches use the target already, or the move is cancelled already.
    """
    move, generation = _in_phase(bucket_map, Phase.PLAN, Phase.DUAL, Phase.HOLD), bucket_map.generation + 1
    return BucketMap(
        generation=generation,
        buckets=_with_token(bucket_map, generation),
        move=replace(move, phase=Phase.CANCELLED, phase_token=generation, reason=reason),
    )


def ended(bucket_map: BucketMap) -> BucketMap:
    """Return the map without the move.

    :raises InvalidPhase: the move is neither in SWITCHED nor in CANCELLED.
    """
    _in_phase(bucket_map, Phase.SWITCHED, Phase.CANCELLED)
    return replace(bucket_map, generation=bucket_map.generation + 1, move=None)


def _planned(bucket_map: BucketMap, kind: MoveKind, source: Bucket, start_s: int, target: str, job: UUID) -> BucketMap:
    if bucket_map.move is not None:
        raise InvalidPhase("another move is in progress; only one can run at a time")
    # One generation is skipped: it is the token of the switch.
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
    """Return the buckets, with a new token for those whose indices take part in the move."""
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
        raise InvalidPhase("no move is in progress")
    return bucket_map.move
