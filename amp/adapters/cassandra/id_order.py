"""Time-UUIDs in the order in which Cassandra keeps them: by their version, then by their time, then by the rest."""

from uuid import UUID

from amp.adapters.cassandra.reads_in_parts import KeyRange

#: 100 ns ticks from the Gregorian reform (1582-10-15), where versions 1 and 6 count from, to 1970.
_GREGORIAN_TICKS = 0x01B21DD213814000
_TICKS_PER_MS = 10_000
#: Bits of an id behind its version.
_TAIL = (1 << 76) - 1


def parts_of(begin_ms: int, end_ms: int) -> list[KeyRange[UUID]]:
    """The ranges of all ids created in `[begin_ms, end_ms)`, their begins excluded and their ends included."""
    begin, end = (_GREGORIAN_TICKS + ms * _TICKS_PER_MS for ms in (begin_ms, end_ms))
    return [
        # How Cassandra orders ids of version 1 of the same tick is not relied upon.
        KeyRange(_version_1(begin - 1), _version_1(end)),
        # The bits of the variant, which are zero here, are set in every id: it comes after these.
        KeyRange(_sorted(6, begin << 64), _sorted(6, end << 64)),
        KeyRange(_sorted(7, begin_ms << 76), _sorted(7, end_ms << 76)),
    ]


def after(parts: list[KeyRange[UUID]], last: UUID) -> list[KeyRange[UUID]]:
    """What of the parts comes after `last`, an id in one of them or the end of one."""
    return [
        part if _version(part.end) > _version(last) else KeyRange(last, part.end)
        for part in parts
        if _version(part.end) > _version(last) or (_version(part.end) == _version(last) and part.end != last)
    ]


def between(part: KeyRange[UUID]) -> UUID | None:
    """An id inside of a part, about in its middle; None: there is none that is surely inside."""
    version = _version(part.end)
    if version == 1:
        low, high = _ticks_of_version_1(part.begin), _ticks_of_version_1(part.end)
        middle = (low + high) // 2
        return _version_1(middle) if low < middle < high else None
    low, high = _place(part.begin), _place(part.end)
    middle = (low + high) // 2
    return _sorted(version, middle) if low < middle < high else None


def between_any(begin: UUID, end: UUID | None) -> UUID | None:
    """An id between two of whatever versions (`end` None: the last of all ids); None: there is none that is surely
    between."""
    low, high = _rank(begin), 1 << 128 if end is None else _rank(end)
    version, place = divmod((low + high) // 2, 1 << 124)
    middle = _version_1(place >> 64) if version == 1 else _sorted(version, place)
    return middle if low < _rank(middle) < high else None


def _rank(any_id: UUID) -> int:
    """Its place among ids of all versions."""
    version = _version(any_id)
    place = _ticks_of_version_1(any_id) << 64 | any_id.int & (1 << 64) - 1 if version == 1 else _place(any_id)
    return version << 124 | place


def _version(asset_id: UUID) -> int:
    return asset_id.int >> 76 & 0xF


def _place(asset_id: UUID) -> int:
    """Its bits but for the version, which are in order as they are."""
    return asset_id.int >> 80 << 76 | asset_id.int & _TAIL


def _sorted(version: int, place: int) -> UUID:
    return UUID(int=place >> 76 << 80 | version << 76 | place & _TAIL)


def _version_1(ticks: int) -> UUID:
    return UUID(int=(ticks & 0xFFFFFFFF) << 96 | (ticks >> 32 & 0xFFFF) << 80 | 1 << 76 | (ticks >> 48) << 64 | 1 << 63)


def _ticks_of_version_1(asset_id: UUID) -> int:
    value = asset_id.int
    return (value >> 64 & 0xFFF) << 48 | (value >> 80 & 0xFFFF) << 32 | value >> 96
