"""Gives a bucket's index the aliases of the map, once or not at all, even if the map changes meanwhile."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from amp.domain.buckets import Bucket, BucketMap, token_of, write_alias
from amp.errors import NotFound
from amp.ports.bucket_indices import AliasChange, BucketIndices, IndexInfo, ReadFilter


@dataclass(frozen=True, kw_only=True)
class IndexAliases:
    """Sets the aliases of a bucket's index. Every change removes the aliases that it has read. An index without aliases
    has none to remove, so a late call could bring back the alias of an old map. Therefore the change first adds a
    placeholder, an alias with a token that no writer uses, reads again, and removes the placeholder: a concurrent
    change makes it fail.
    """

    indices: BucketIndices

    def point(
        self, bucket_map: BucketMap, bucket: Bucket, seen: IndexInfo | None, is_current: Callable[[], bool]
    ) -> bool:
        """Give the bucket's index its write alias and no other, and make searches read the bucket's range from it.
        Return False if the map or the aliases have changed; read them again.

        :param seen: the index as it was after `bucket_map` was read; None: it was just created.
        :param is_current: reads whether the registry still has `bucket_map`.
        :raises NotFound: the index does not exist.
        :raises Retryable: the change may have been made.
        """
        remove = () if seen is None else seen.write_aliases
        if not _serves(remove):
            return self._point_by_placeholder(bucket_map, bucket, is_current)
        return is_current() and self._change(bucket_map, bucket, remove)

    def _point_by_placeholder(self, bucket_map: BucketMap, bucket: Bucket, is_current: Callable[[], bool]) -> bool:
        placeholder = write_alias(bucket.index, -secrets.randbelow(1 << 48) - 1)
        self.indices.change_aliases(AliasChange(add_write=((bucket.index, placeholder),)))
        done = False
        try:
            found = next((info for info in self.indices.info() if info.index == bucket.index), None)
            there = () if found is None else found.write_aliases
            if placeholder in there and not _serves(there) and is_current():
                done = self._change(bucket_map, bucket, there)
        finally:
            if not done:
                with suppress(NotFound):
                    self.indices.change_aliases(AliasChange(remove_write=((bucket.index, placeholder),)))
        return done

    def _change(self, bucket_map: BucketMap, bucket: Bucket, remove: tuple[str, ...]) -> bool:
        return self.indices.change_aliases(
            AliasChange(
                remove_write=tuple((bucket.index, alias) for alias in remove),
                add_write=((bucket.index, bucket.write_alias),),
                set_read=(read_filter(bucket_map, bucket),),
            )
        )


def read_filter(bucket_map: BucketMap, bucket: Bucket) -> ReadFilter:
    """Return the part of a bucket's index that searches read."""
    end_s = bucket_map.end_s(bucket)
    return ReadFilter(bucket.index, bucket.start_s * 1000, None if end_s is None else end_s * 1000)


def has_aliases(seen: IndexInfo | None) -> bool:
    """Return whether the index has write aliases or is searched."""
    return seen is not None and (_serves(seen.write_aliases) or seen.read is not None)


def _serves(aliases: tuple[str, ...]) -> bool:
    """Return whether a writer may use one of these aliases."""
    return any(token_of(alias) >= 0 for alias in aliases)
