"""Preconditions: what a client requires of an asset's state before a write (RFC 9110, 13.1)."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Precondition:
    any_of: frozenset[int] | None = None  #: the asset must have one of these revisions; None: any
    none_of: frozenset[int] = frozenset()  #: the asset must have none of these revisions
    must_exist: bool = False
    must_not_exist: bool = False

    def holds(self, revision: int | None) -> bool:
        """Return whether an asset at that revision meets the precondition; None stands for no asset."""
        if revision is None:
            return not self.must_exist and self.any_of is None
        is_allowed = self.any_of is None or revision in self.any_of
        return is_allowed and not self.must_not_exist and revision not in self.none_of


#: Always met.
ANY_STATE = Precondition()
