"""The position of a selection of mismatches, as a job's checkpoint stores it."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass

import orjson


@dataclass(frozen=True, slots=True)
class MismatchPosition:
    """The position at which a selection of mismatches continues."""

    day: int  #: days since 1970
    stage: str = "sums"  #: 'begin', 'names', 'days', then for each day 'sums', 'listed', 'indexed' and 'found'
    slices: tuple[int, ...] = ()  #: the slices of the day that differ
    at: str | None = None  #: position within the stage

    def encode(self) -> str:
        return urlsafe_b64encode(orjson.dumps(asdict(self))).decode()

    @classmethod
    def decode(cls, text: str | None) -> "MismatchPosition":
        if text is None:
            return cls(-1, "begin")
        found = orjson.loads(urlsafe_b64decode(text))
        return cls(found["day"], found["stage"], tuple(found["slices"]), found["at"])
