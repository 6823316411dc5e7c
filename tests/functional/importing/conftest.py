"""A server for the tests of imports, and the command that uses it."""

from collections.abc import Callable, Iterator

import pytest
from click.testing import Result

from tests.support.service.amp_command import amp_command, server_process
from tests.support.service.rest import unique


@pytest.fixture(scope="module")
def amp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Result]]:
    """The command, talking to a server of the module."""
    folder = tmp_path_factory.mktemp("server")
    with server_process({"AMP_DATA_DIR": folder / "data"}, folder / "log") as server:
        yield lambda *args, **more: amp_command(*args, env={"AMP_URL": server.url}, **more)


@pytest.fixture
def type_name() -> str:
    """The name of a type that does not exist yet."""
    return unique("imported")
