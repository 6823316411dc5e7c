"""Time-UUIDs in Cassandra's order: by their version, then by their time, then by their other bits."""

from uuid import UUID

from amp.adapters.cassandra.reads_in_parts import KeyRange

#: Number of 100 ns ticks from 1582-10-15 (the Gregorian reform), the epoch of versions 1 and 6, to 1970.
_GREGORIAN_TICKS = 0x01B21DD213814000
_TICKS_PER_MS = 10_000
#: Mask of the bits of an id that follow its version.
_TAIL = (1 << 76) - 1


def parts_of(begin_ms: int, end_ms: int) -> list[KeyRange[UUID]]:
    """Return the ranges of all ids created in `[begin_ms, end_ms)`, each without its beginning but with its end."""
    begin, end = (_GREGORIAN_TICKS + ms * _TICKS_PER_MS for ms in (begin_ms, end_ms))
    return [
        # This does not rely on the order in which Cassandra sorts version 1 ids of the same tick.
        KeyRange(_version_1(begin - 1), _version_1(end)),
        # The variant bits are zero in these bounds, but set in every id, so every id sorts after its bound.
        KeyRange(_sorted(6, begin << 64), _sorted(6, end << 64)),
        KeyRange(_sorted(7, begin_ms << 76), _sorted(7, end_ms << 76)),
    ]


def after(parts: list[KeyRange[UUID]], last: UUID) -> list[KeyRange[UUID]]:
    """Return the rest of the parts after `last`, which is an id in one of them or the end of one."""
    return [
        part if _version(part.end) > _version(last) else KeyRange(last, part.end)
        for part in parts
        if _version(part.end) > _version(last) or (_version(part.end) == _version(last) and part.end != last)
    ]


def between(part: KeyRange[UUID]) -> UUID | None:
    """Return an id inside of a part, near its middle; None if there is none that is certainly inside."""
    version = _version(part.end)
    if version == 1:
        low, high = _ticks_of_version_1(part.begin), _ticks_of_version_1(part.end)
        middle = (low + high) // 2
        return _version_1(middle) if low < middle < high else None
    low, high = _place(part.begin), _place(part.end)
    middle = (low + high) // 2
    return _sorted(version, middle) if low < middle < high else None


def between_any(begin: UUID, end: UUID | None) -> UUID | None:
    """Return an id between two ids of any versions; None if there is none that is certainly between them. If `end` is
    None, the end is after all ids.
    """
    low, high = _rank(begin), 1 << 128 if end is None else _rank(end)
    version, place = divmod((low + high) // 2, 1 << 124)
    middle = _version_1(place >> 64) if version == 1 else _sorted(version, place)
    return middle if low < _rank(middle) < high else None


def _rank(any_id: UUID) -> int:
    """Return the place of the id among ids of all versions."""
    version = _version(any_id)
    place = _ticks_of_version_1(any_id) << 64 | any_id.int & (1 << 64) - 1 if version == 1 else _place(any_id)
    return version << 124 | place


def _version(asset_id: UUID) -> int:
    return asset_id.int >> 76 & 0xF


def _place(asset_id: UUID) -> int:
    """Return the bits of the id without its version. Compared as numbers, they have Cassandra's order."""
    return asset_id.int >> 80 << 76 | asset_id.int & _TAIL


def _sorted(version: int, place: int) -> UUID:
    return UUID(int=place >> 76 << 80 | version << 76 | place & _TAIL)


def _version_1(ticks: int) -> UUID:
    return UUID(int=(ticks & 0xFFFFFFFF) << 96 | (ticks >> 32 & 0xFFFF) << 80 | 1 << 76 | (ticks >> 48) << 64 | 1 << 63)


def _ticks_of_version_1(asset_id: UUID) -> int:
    value = asset_id.int
    return (value >> 64 & 0xFFF) << 48 | (value >> 80 & 0xFFFF) << 32 | value >> 96
