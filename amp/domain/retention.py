"""How long the store remembers what was done to an asset, besides the versions it keeps."""

from dataclasses import dataclass
from uuid import UUID

#: A random change id is only looked for by the writer that made it, within a minute of sending its change.
_RANDOM_CHANGE_S = 86_400
#: A change with a derived id comes again when a job or a client repeats it; nothing repeats one for longer than this.
_DERIVED_CHANGE_S = 91 * 86_400
#: The longest that a store can be asked to keep what expires: 20 years, as Cassandra has it.
MAX_RETENTION_S = 630_720_000
#: Old revisions are forgotten by the hundred, which spares 99 of 100 changes the work.
_FORGOTTEN_AT_ONCE = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    revisions_kept: int = 10_000  #: who made an asset's newest revisions, when, and how
    random_change_s: int = _RANDOM_CHANGE_S  #: how long random change ids are remembered
    derived_change_s: int = _DERIVED_CHANGE_S  #: how long those are that a job or a client may come with again

    @classmethod
    def covering(cls, revisions_kept: int, repeated_s: float) -> "Retention":
        """One that remembers derived change ids for a day longer than anything may be repeated."""
        longest_s = max(_DERIVED_CHANGE_S, min(repeated_s, MAX_RETENTION_S) + 86_400)
        return cls(revisions_kept=revisions_kept, derived_change_s=int(min(longest_s, MAX_RETENTION_S)))

    def change_s(self, change_id: UUID) -> int:
        """For how many seconds it is remembered that the change was made."""
        return self.derived_change_s if change_id.version == 5 else self.random_change_s

    def forgotten_revision(self, revision: int) -> int | None:
        """With the change that makes `revision`, forget all revisions up to this one; None: forget none."""
        if revision % _FORGOTTEN_AT_ONCE or revision <= self.revisions_kept:
            return None
        return revision - self.revisions_kept
