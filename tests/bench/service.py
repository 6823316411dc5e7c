"""The service on the running servers, under names of its own, which are gone with what they hold afterwards."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from amp.bootstrap import Amp, build
from amp.settings import load_settings
from tests.stack import SHARED_FOLDER, Stack
from tests.stack.namespace import Namespace


@contextmanager
def namespace() -> Iterator[dict[str, str]]:
    """The settings `AMP_…`, of processes beside this one, too."""
    stack, names = Stack(SHARED_FOLDER), Namespace.unique()
    try:
        yield {"AMP_PROFILE": "cluster", "AMP_LOG_LEVEL": "warning", **stack.addresses, **names.settings}
    finally:
        names.remove_from(stack)


@contextmanager
def migrated(env: Mapping[str, str]) -> Iterator[Amp]:
    amp = build(load_settings({name.removeprefix("AMP_").lower(): value for name, value in env.items()}))
    try:
        amp.migrate.run()
        yield amp
    finally:
        amp.close()
