"""Sets write aliases, read filters and blocks as the recorded move requires. Every step may be repeated."""

from contextlib import suppress
from dataclasses import dataclass

from amp.domain.buckets import BucketMap, token_of, write_alias
from amp.domain.move_phases import cancelled, dual, switched, switched_buckets
from amp.domain.moves import Move, MoveKind, Phase
from amp.errors import NotFound
from amp.ports.bucket_indices import AliasChange, BucketIndices, IndexInfo
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.buckets.index_aliases import read_filter


class MapChanged(Exception):
    """The move is in another phase; read the map again and continue from there."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """Source and target in the current search index."""

    source: IndexInfo | None
    target: IndexInfo | None

    def answers_to(self, token: int) -> bool:
        """Return whether one of them has the write alias of this token. An index that was merged or rebuilt may not
        exist any more.
        """
        return any(token_of(alias) == token for _, alias in self.aliases)

    def source_answers_to(self, token: int) -> bool:
        return self.source is not None and write_alias(self.source.index, token) in self.source.write_aliases

    @property
    def aliases(self) -> tuple[tuple[str, str], ...]:
        return tuple((info.index, alias) for info in (self.source, self.target) if info for alias in info.write_aliases)


@dataclass(frozen=True, kw_only=True)
class MoveAliases:
    """Changes the aliases of the source and the target of a move. Every change removes exactly the aliases that it has
    read, so it happens once or not at all. A mover that was paused finds different aliases, changes nothing and
    retries.
    """

    maps: BucketMaps
    indices: BucketIndices

    def settle(self, bucket_map: BucketMap) -> None:
        """Take the step that writers may wait for, in place of a mover that was killed. Writers can write again
        afterwards: a move in HOLD advances to SWITCHED if searches have switched, and otherwise returns to DUAL.

        :raises MapChanged: the map has changed.
        :raises SearchUnavailable, StoreUnavailable: the step may have been taken.
        """
        move = bucket_map.move
        if move is None or move.phase is Phase.PLAN:
            return
        if move.phase is Phase.HOLD:
            self._go_forward_if_switched(bucket_map, self._read_pair(move))
            self.maps.replace(dual(bucket_map), bucket_map)
            raise MapChanged
        if move.phase is not Phase.SWITCHED:
            self.rotate(bucket_map)
        self.unblock(move)

    def rotate(self, bucket_map: BucketMap) -> None:
        """Give source and target the write aliases of the token of DUAL, or of CANCELLED, and no others.

        :raises MapChanged: searches have switched already, or another phase began.
        :raises SearchUnavailable, StoreUnavailable: the change may have been made.
        """
        move = _move(bucket_map)
        found = self._read_pair(move)
        gone = move.phase is Phase.DUAL and found.target is None
        if found.source_answers_to(move.phase_token) and not gone:
            return
        self._go_forward_if_switched(bucket_map, found)
        if move.phase is Phase.DUAL and (lost := _lost(move, found)):
            self.maps.replace(cancelled(bucket_map, f"the index {lost} is lost"), bucket_map)
            raise MapChanged
        # Check both: for a mover that was paused in CANCELLED while the switch came first, the source may be gone and
        # the target all there is.
        if any(token_of(alias) > move.phase_token for _, alias in found.aliases):
            raise MapChanged
        added = [
            (info.index, write_alias(info.index, move.phase_token))
            for info in (found.source, found.target)
            # A new index that is abandoned has no write alias.
            if info and (move.phase is Phase.DUAL or bucket_map.bucket_of(info.index))
        ]
        self._change(AliasChange(remove_write=found.aliases, add_write=tuple(added)))

    def hold(self, bucket_map: BucketMap) -> None:
        """Give the source the write alias of a token that no writer uses.

        :raises MapChanged: searches have switched already, or another phase began.
        :raises SearchUnavailable, StoreUnavailable: the change may have been made.
        """
        move = _move(bucket_map)
        before, held = write_alias(move.source, move.dual_token), write_alias(move.source, move.phase_token)
        change = AliasChange(remove_write=((move.source, before),), add_write=((move.source, held),))
        if self.indices.change_aliases(change):
            return
        found = self._read_pair(move)
        if not found.source_answers_to(move.phase_token):
            self._go_forward_if_switched(bucket_map, found)
            raise MapChanged

    def switch(self, bucket_map: BucketMap) -> None:
        """In one call, make searches read the range from the target instead of the source, and give both the write
        aliases of the token that was reserved for this.

        :raises MapChanged: another phase began.
        :raises SearchUnavailable: the change may have been made.
        """
        move = _move(bucket_map)
        after = BucketMap(generation=bucket_map.generation, buckets=switched_buckets(bucket_map))
        reads = [read_filter(after, bucket) for bucket in after.buckets if bucket.index in (move.source, move.target)]
        self._change(
            AliasChange(
                remove_write=(
                    (move.source, write_alias(move.source, move.phase_token)),
                    (move.target, write_alias(move.target, move.dual_token)),
                ),
                add_write=tuple((index, write_alias(index, move.switch_token)) for index in (move.source, move.target)),
                set_read=tuple(reads),
                remove_read=() if after.bucket_of(move.source) else (move.source,),
            )
        )

    def unblock(self, move: Move) -> None:
        """Remove write blocks.

        :raises SearchUnavailable: writes may still be blocked.
        """
        for index in (move.source, move.target) if move.kind is MoveKind.MERGE else (move.source,):
            with suppress(NotFound):  # it was merged and dropped
                self.indices.unblock(index)

    def drain_kept_target(self, move: Move) -> None:
        """Wait for writes through former aliases of the index that a merge writes into. On return, none of them can
        arrive any more, neither late copies nor late removals.

        :raises NotFound: the index is lost.
        :raises SearchUnavailable: some may still arrive, and writes may be blocked.
        """
        if move.kind is MoveKind.MERGE:
            self.indices.block(move.target)
            self.indices.unblock(move.target)

    def _go_forward_if_switched(self, bucket_map: BucketMap, found: _Pair) -> None:
        move = _move(bucket_map)
        if found.answers_to(move.switch_token):
            self.maps.replace(switched(bucket_map), bucket_map)
            raise MapChanged

    def _change(self, change: AliasChange) -> None:
        try:
            if not self.indices.change_aliases(change):
                raise MapChanged
        except NotFound as e:
            raise MapChanged from e

    def _read_pair(self, move: Move) -> _Pair:
        found = {info.index: info for info in self.indices.info()}
        return _Pair(found.get(move.source), found.get(move.target))


def _move(bucket_map: BucketMap) -> Move:
    assert bucket_map.move is not None
    return bucket_map.move


def _lost(move: Move, found: _Pair) -> str | None:
    if found.source is None or not found.source.write_aliases:
        return move.source
    return move.target if found.target is None else None
