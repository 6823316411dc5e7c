"""What a caller requires of an asset's state before a write (RFC 9110, 13.1)."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Precondition:
    any_of: frozenset[int] | None = None  #: it has one of these revisions; None: whichever
    none_of: frozenset[int] = frozenset()  #: it has none of these revisions
    must_exist: bool = False
    must_not_exist: bool = False

    def holds(self, revision: int | None) -> bool:
        """Whether an asset at that revision will do; None: whether there being no asset will."""
        if revision is None:
            return not self.must_exist and self.any_of is None
        wanted = self.any_of is None or revision in self.any_of
        return wanted and not self.must_not_exist and revision not in self.none_of


#: Nothing is required.
ANY_STATE = Precondition()
