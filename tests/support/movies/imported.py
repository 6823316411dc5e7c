"""The file of movies imported into a running service by the command, over HTTP, and ways to look at what came in."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import Result
from werkzeug.serving import make_server

from amp.api.app import create_app
from amp.bootstrap import Amp
from tests.support.movies.answers import FILE, metadata, rows, title
from tests.support.movies.orders import ASKED
from tests.support.service.amp_command import amp_command, printed_json
from tests.support.service.rest import Rest, unique
from tests.support.stack.waiting import wait_until

_DEADLINE_S = 60.0


@dataclass(frozen=True)
class Movies:
    """The file, imported into one project of a running service."""

    amp: Amp
    url: str
    rest: Rest
    project: str
    type_name: str
    report: dict[str, Any]  #: what the command said
    assets: list[dict[str, Any]]  #: all of the type in the store
    row_of: dict[str, int]  #: external id → place of its row in the file
    _answers: dict[str, tuple[list[str], int]] = field(default_factory=dict)

    def within(self, query: Any) -> dict[str, Any]:
        of_project = {"field": "project", "eq": self.project}
        return of_project if query is None else {"all": [of_project, query]}

    def walk(self, size: int, **body: Any) -> tuple[list[str], int]:
        """The external ids of all pages, and the total, which no page may tell otherwise."""
        found: list[str] = []
        totals, cursor = set(), None
        while True:
            page = self.rest.search(size=size, cursor=cursor, fields=["external_id"], **body)
            found += [item["external_id"] for item in page["items"]]
            totals.add((page["total"], page["total_relation"]))
            cursor = page["next_cursor"]
            if cursor is None:
                break
            assert len(page["items"]) == size
        ((total, relation),) = totals
        assert relation == "eq"
        return found, total

    def answer(self, asked: str) -> tuple[list[str], int]:
        """Asked of the service once, however many tests look at it."""
        if asked not in self._answers:
            question = ASKED[asked]
            self._answers[asked] = self.walk(200, query=self.within(question.query), **question.body())
        return self._answers[asked]

    def rows(self, external_ids: list[str]) -> list[int]:
        return [self.row_of[external_id] for external_id in external_ids]


def import_movies(url: str, project: str, type_name: str, *more: object, file: Path = FILE) -> Result:
    options = ("--type", type_name, "--project", project, "--infer", "--json", *more)
    return amp_command("import", file, *options, env={"AMP_URL": url})


@contextmanager
def served(amp: Amp) -> Iterator[str]:
    """The API of this process on a port of its own."""
    server = make_server("127.0.0.1", 0, create_app(amp), threaded=True)
    thread = threading.Thread(target=server.serve_forever, name="server")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def wait_for_total(rest: Rest, project: str, total: int) -> None:
    query = {"field": "project", "eq": project}
    wait_until(lambda: rest.search(query=query, size=0)["total"] >= total, _DEADLINE_S, f"{total} assets to be found")


def stored(rest: Rest, type_name: str, project: str) -> list[dict[str, Any]]:
    items, cursor = [], None
    while True:
        asked = {"type": type_name, "project": project, "limit": 200} | ({"cursor": cursor} if cursor else {})
        page = rest.get("/v1/assets", query_string=asked).get_json()
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


def content(name: str, held: dict[str, Any]) -> str:
    """To compare by, in JSON, where 7 and 7.0 differ."""
    return json.dumps([name, held], sort_keys=True)


@contextmanager
def imported_into(amp: Amp, type_name: str) -> Iterator[Movies]:
    rest, project = Rest(create_app(amp)), unique("films")
    with served(amp) as url:
        report = printed_json(import_movies(url, project, type_name))
        wait_for_total(rest, project, len(rows()))
        assets = stored(rest, type_name, project)
        places = {content(title(row) or "", metadata(row)): n for n, row in enumerate(rows())}
        row_of = {asset["external_id"]: places[content(asset["name"], asset["metadata"])] for asset in assets}
        yield Movies(amp, url, rest, project, type_name, report, assets, row_of)
