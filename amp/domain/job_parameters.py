"""The parameters of jobs: what was requested."""

from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from amp.domain.metadata_updates import MetadataUpdate
from amp.domain.refills import Refill
from amp.domain.selectors import Selector


@dataclass(frozen=True, kw_only=True, slots=True)
class NoOptions:
    """The options of kinds that have none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckOptions:
    """Options of checks and fixes."""

    deep: bool = False  #: compare every document, and not only those of slices whose totals differ


@dataclass(frozen=True, kw_only=True, slots=True)
class PurgeOptions:
    retention_s: float | None = None  #: minimum time since the deletion, in seconds; None: the setting


Options: TypeAlias = MetadataUpdate | CheckOptions | PurgeOptions | NoOptions
_O = TypeVar("_O", MetadataUpdate, CheckOptions, PurgeOptions, NoOptions)

#: The options of each kind of job that has any.
OPTIONS: dict[str, type[MetadataUpdate] | type[CheckOptions] | type[PurgeOptions]] = {
    "update-metadata": MetadataUpdate,
    "check": CheckOptions,
    "fix": CheckOptions,
    "purge": PurgeOptions,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetJobParameters:
    selector: Selector
    options: Options = NoOptions()
    dry_run: bool = False
    sample: int | None = None  #: maximum number of assets; None: all that are selected
    max_failures: int | None = None  #: the job fails beyond this number; None: the setting
    about: int | None = None  #: approximate number of assets at submission; None: unknown
    refills: Refill | None = None  #: the part of a lost index that the job restores

    def options_as(self, kind: type[_O]) -> _O:
        """Return the options, which are of this class for every job of the kinds that use it.

        :raises TypeError: they are of another class.
        """
        if not isinstance(self.options, kind):
            raise TypeError(f"the options are {type(self.options).__name__} and not {kind.__name__}")
        return self.options


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveParameters:
    bucket: str  #: name of the bucket, or of its index if the mover had to create the record
    at_ms: int | None = None  #: start of the range that moves; None: not recorded
