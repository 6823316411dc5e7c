"""The type of the fixture that gives namespaces on the shared servers."""

from collections.abc import Callable
from contextlib import AbstractContextManager

#: Gives `AMP_…` variables of the shared servers and a namespace for as long as its user wants.
OwnNamespace = Callable[[], AbstractContextManager[dict[str, str]]]
