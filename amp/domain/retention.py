"""How long the store keeps the changes of an asset, apart from the versions it keeps."""

from dataclasses import dataclass
from uuid import UUID

#: Only the writer that generated a random change id looks for it, within a minute of sending its change.
_RANDOM_CHANGE_S = 86_400
#: A change with a derived id is sent again when a job or a client repeats it, but not for longer than this.
_DERIVED_CHANGE_S = 91 * 86_400
#: The longest time after which data can expire in a store, in seconds: the 20 years of Cassandra.
MAX_RETENTION_S = 630_720_000
#: Old revisions are removed in groups of this size, so that most changes do not have this work.
_FORGOTTEN_AT_ONCE = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    #: Number of an asset's newest revisions for which the store keeps who made them, when and how.
    revisions_kept: int = 10_000
    random_change_s: int = _RANDOM_CHANGE_S  #: how long random change ids are kept
    derived_change_s: int = _DERIVED_CHANGE_S  #: how long change ids are kept that a job or a client may repeat

    @classmethod
    def covering(cls, revisions_kept: int, repeated_s: float) -> "Retention":
        """Return a retention that keeps derived change ids for a day longer than `repeated_s`, the time within which a
        request may be repeated.
        """
        longest_s = max(_DERIVED_CHANGE_S, min(repeated_s, MAX_RETENTION_S) + 86_400)
        return cls(revisions_kept=revisions_kept, derived_change_s=int(min(longest_s, MAX_RETENTION_S)))

    def change_s(self, change_id: UUID) -> int:
        """Return how long the store keeps the fact that the change was applied, in seconds."""
        return self.derived_change_s if change_id.version == 5 else self.random_change_s

    def forgotten_revision(self, revision: int) -> int | None:
        """Return the revision up to which the change that creates `revision` removes all; None: it removes none."""
        if revision % _FORGOTTEN_AT_ONCE or revision <= self.revisions_kept:
            return None
        return revision - self.revisions_kept
