"""Brings write aliases, read filters and blocks to what the recorded move says, whoever asks and however often."""

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
    """Somebody else is further: read the map again and go on from there."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """Source and target as the search index has them now."""

    source: IndexInfo | None
    target: IndexInfo | None

    def answers_to(self, token: int) -> bool:
        """Whether one of them does: what was merged or rebuilt may be gone."""
        return any(token_of(alias) == token for _, alias in self.aliases)

    def source_answers_to(self, token: int) -> bool:
        return self.source is not None and write_alias(self.source.index, token) in self.source.write_aliases

    @property
    def aliases(self) -> tuple[tuple[str, str], ...]:
        return tuple((info.index, alias) for info in (self.source, self.target) if info for alias in info.write_aliases)


@dataclass(frozen=True, kw_only=True)
class MoveAliases:
    """Every change takes away exactly the aliases it saw, so it happens once or not at all: a mover that slept through
    history finds other aliases, changes nothing, and looks again.
    """

    maps: BucketMaps
    indices: BucketIndices

    def settle(self, bucket_map: BucketMap) -> None:
        """Take the step that writers may be waiting for, in place of a mover that died: writers are let through again,
        by going forward where searches have switched, else by going back.

        :raises MapChanged: the map is another now.
        :raises SearchUnavailable, StoreUnavailable: it may have been done.
        """
        move = bucket_map.move
        if move is None or move.phase is Phase.PLAN:
            return
        if move.phase is Phase.HOLD:
            self._go_forward_if_switched(bucket_map, self._look(move))
            self.maps.replace(dual(bucket_map), bucket_map)
            raise MapChanged
        if move.phase is not Phase.SWITCHED:
            self.rotate(bucket_map)
        self.unblock(move)

    def rotate(self, bucket_map: BucketMap) -> None:
        """Let source and target answer to the token of DUAL, or of CANCELLED, and to no other.

        :raises MapChanged: searches have switched already, or another phase began.
        :raises SearchUnavailable, StoreUnavailable: it may have been done.
        """
        move = _move(bucket_map)
        found = self._look(move)
        gone = move.phase is Phase.DUAL and found.target is None
        if found.source_answers_to(move.phase_token) and not gone:
            return
        self._go_forward_if_switched(bucket_map, found)
        if move.phase is Phase.DUAL and (lost := _lost(move, found)):
            self.maps.replace(cancelled(bucket_map, f"the index {lost} is gone"), bucket_map)
            raise MapChanged
        # Of either: to whoever sleeps in CANCELLED while the switch comes first, the source may be gone and the target
        # all there is.
        if any(token_of(alias) > move.phase_token for _, alias in found.aliases):
            raise MapChanged
        added = [
            (info.index, write_alias(info.index, move.phase_token))
            for info in (found.source, found.target)
            # A new index that is given up answers to nobody.
            if info and (move.phase is Phase.DUAL or bucket_map.bucket_of(info.index))
        ]
        self._change(AliasChange(remove_write=found.aliases, add_write=tuple(added)))

    def hold(self, bucket_map: BucketMap) -> None:
        """Let the source answer to a token that no writer uses.

        :raises MapChanged: searches have switched already, or another phase began.
        :raises SearchUnavailable, StoreUnavailable: it may have been done.
        """
        move = _move(bucket_map)
        before, held = write_alias(move.source, move.dual_token), write_alias(move.source, move.phase_token)
        change = AliasChange(remove_write=((move.source, before),), add_write=((move.source, held),))
        if self.indices.change_aliases(change):
            return
        found = self._look(move)
        if not found.source_answers_to(move.phase_token):
            self._go_forward_if_switched(bucket_map, found)
            raise MapChanged

    def switch(self, bucket_map: BucketMap) -> None:
        """In one call: searches see the range in the target and no longer in the source, and both answer to the token
        that was reserved for it.

        :raises MapChanged: another phase began.
        :raises SearchUnavailable: it may have been done.
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
        """Let writes through, should they be blocked.

        :raises SearchUnavailable: they may be blocked still.
        """
        for index in (move.source, move.target) if move.kind is MoveKind.MERGE else (move.source,):
            with suppress(NotFound):  # merged, and gone
                self.indices.unblock(index)

    def drain_kept_target(self, move: Move) -> None:
        """The index that a merge writes into had a life before: on return, nothing that got in through its former
        aliases can land any more, neither late copies nor late removals.

        :raises NotFound: it is gone.
        :raises SearchUnavailable: it may not be so, and writes may be blocked.
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

    def _look(self, move: Move) -> _Pair:
        found = {info.index: info for info in self.indices.info()}
        return _Pair(found.get(move.source), found.get(move.target))


def _move(bucket_map: BucketMap) -> Move:
    assert bucket_map.move is not None
    return bucket_map.move


def _lost(move: Move, found: _Pair) -> str | None:
    if found.source is None or not found.source.write_aliases:
        return move.source
    return move.target if found.target is None else None
