"""How a run ends that should not, and how a process does."""


class Killed(BaseException):
    """The process is gone, in the midst of whatever it did."""


class Violation(BaseException):
    """What must never be, was. No service that survives unexpected errors may survive it."""


class Seen(Violation):
    """A search could tell."""


class Untidy(Violation):
    """Searches are right, yet something is left that should not be."""
