"""The service as processes, filled with assets, and all that moves, breaks or looks at it."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from amp.bootstrap import Amp, build
from amp.settings import load_settings
from tests.support.consistency.quiescence import assert_index_equals_store, wait_until_indexed
from tests.support.move_campaign import FULL, tell
from tests.support.moves.checker import Verdict
from tests.support.moves.clients import Clients
from tests.support.moves.loading import load_assets
from tests.support.moves.operator import Operator
from tests.support.service.api_client import ApiClient
from tests.support.service.processes import Service
from tests.support.stack.waiting import wait_until

#: What moved stays in its old place until no search can still read it: a shorter time makes for more moves.
_SHORT: Mapping[str, str] = {} if FULL else {"AMP_SEARCH_TIMEOUT_S": "6"}
#: Of one paging, at least.
_PAGES = 60
_SHOWN_S = 60


@dataclass
class Environment:
    service: Service
    amp: Amp  #: past the service, so that nobody has to believe it
    api_client: ApiClient
    operator: Operator
    folder: Path
    born_ms: tuple[int, int]
    page: int  #: of pagings, so that one takes longer than a switch
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def clients(self, purpose: str, **more: float) -> Clients:
        """:param more: `writes_per_s` and `searches_per_s`."""
        folder = self.folder / f"{purpose}-{next(self._numbers)}"
        return Clients(self.service.url, folder, self.born_ms, page=self.page, **more)

    def assert_quiescent(self, what: str, verdict: Verdict | None = None) -> None:
        """The index equals the store, and no client saw anything that must not be."""
        assets = assert_index_equals_store(self.amp, self.api_client)
        tell(f"{what}: index equals store, {assets} assets{f'; {verdict}' if verdict else ''}")
        unexpected = self.service.unexpected_errors()
        assert not unexpected, "\n".join(unexpected)
        assert verdict is None or not verdict.anomalies, "\n".join([str(verdict), *verdict.examples])


@contextmanager
def open_environment(
    folder: Path, env: Mapping[str, str], assets: int, prepare: Callable[[Service], None] = lambda _: None
) -> Iterator[Environment]:
    """:param env: `AMP_…` settings of the servers and of a namespace of its own.
    :param prepare: changes which processes are the service, before they start.
    """
    env = {**_SHORT, **env}
    service = Service(folder / "service", env)
    prepare(service)
    by_field = {name.removeprefix("AMP_").lower(): value for name, value in env.items()}
    amp, api_client = build(load_settings(by_field)), ApiClient(service.url)
    try:
        service.migrate()
        service.start()
        api_client.register_type()
        born_ms, page = load_assets(service.url, assets), max(20, min(200, assets // _PAGES))
        made = Environment(service, amp, api_client, Operator(api_client, amp), folder, born_ms, page)
        wait_until_indexed(amp)
        # What is indexed is not shown yet, and clients expect what was shown once.
        wait_until(lambda: api_client.count() >= assets, _SHOWN_S, "every asset in a search")
        yield made
    finally:
        api_client.close()
        service.stop()
        amp.close()
