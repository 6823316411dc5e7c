"""An import accounts for every row, and the rows of one external id take effect in the order of the file."""

import json
import os
import random
import stat
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
import tenacity.nap

from amp.cli.client import AmpClient
from amp.cli.importing import importer as importer_module
from amp.cli.importing.files.source import ReadOptions, open_source
from amp.cli.importing.import_rows import ImportOptions, ImportReport, import_rows
from amp.cli.importing.importer import Importer, ImportStopped, OnExisting
from amp.cli.importing.items import Item
from amp.cli.importing.place import Place
from amp.cli.importing.rejected_rows import RejectedRows, check_rejected, unused_name

_EXISTS = "urn:amp:problem:already-exists"


class Service:
    """Keeps assets by external id; `busy` of its bulk items are answered with 503, and names of "bad" with 422."""

    def __init__(self, seed: int = 0, busy: float = 0.0) -> None:
        self.random = random.Random(seed)
        self.busy = busy
        self.assets: dict[str, dict[str, Any]] = {}
        self.answered: dict[str, list[dict[str, Any]]] = {}
        self.lose_answers = 0
        self.refuse_after: int | None = None
        self._lock = threading.Lock()
        http = httpx.Client(transport=httpx.MockTransport(self._answer), base_url="http://amp")
        self.client = AmpClient(http, "it")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/restore"):
            return self._restore(request.url.path.split("/")[-2])
        if request.method == "PATCH":
            threading.Event().wait(self.random.random() / 500)
            return self._patch(request.url.path.rpartition("/")[2], json.loads(request.content))
        if request.url.path != "/v1/assets/bulk":
            return httpx.Response(200, json={"name": "t", "version": 1, "fields": {"name": {"type": "string"}}})
        if self.refuse_after is not None:
            self.refuse_after -= 1
            if self.refuse_after < 0:
                return httpx.Response(401, json={"detail": "who are you?"})
        key = request.headers.get("Idempotency-Key")
        if key is None or key not in self.answered:
            items = [self._create(json.loads(line)) for line in request.content.splitlines()]
            if key is not None:
                self.answered[key] = items
        else:
            items = self.answered[key]
        if self.lose_answers:
            self.lose_answers -= 1
            raise httpx.ReadTimeout("lost")
        return httpx.Response(200, json={"items": items})

    def _create(self, body: dict[str, Any]) -> dict[str, Any]:
        name = body["external_id"]
        if self.random.random() < self.busy:
            return {"status": 503, "problem": {"detail": "busy"}}
        if body["name"] == "bad":
            return {"status": 422, "problem": {"type": "invalid", "detail": "bad"}}
        if name in self.assets:
            old = self.assets[name]
            state = "deleted" if old.get("deleted") else "active"
            problem = {"type": _EXISTS, "detail": "taken", "id": name, "revision": old["revision"], "state": state}
            return {"status": 409, "problem": problem}
        self.assets[name] = body | {"revision": 1}
        return {"status": 201, "id": name, "revision": 1, "problem": None}

    def _restore(self, name: str) -> httpx.Response:
        with self._lock:
            self.assets[name] |= {"deleted": False, "revision": self.assets[name]["revision"] + 1}
            return httpx.Response(200, json=self.assets[name])

    def _patch(self, name: str, patch: dict[str, Any]) -> httpx.Response:
        with self._lock:
            old = self.assets[name]
            if patch["name"] == "bad":
                return httpx.Response(422, json={"type": "invalid", "detail": "bad"})
            self.assets[name] = old | patch
            if self.assets[name] != old:
                self.assets[name]["revision"] += 1
            return httpx.Response(200, json=self.assets[name])


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenacity.nap.time, "sleep", lambda _: None)


def imported(service: Service, rows: list[tuple[str, str]], on_existing: OnExisting) -> tuple[Importer, list[int]]:
    rejected: list[int] = []
    importer = Importer(service.client, on_existing, lambda place, _why, _row: rejected.append(place.line))
    for line, (name, value) in enumerate(rows, start=1):
        body = {"type": "t", "external_id": name, "name": value, "metadata": {"name": value}}
        importer.add(Item(Place(None, line), {}, body, ["name"]))
    importer.finish()
    return importer, rejected


@pytest.mark.parametrize("on_existing", [OnExisting.UPDATE, OnExisting.SKIP])
@pytest.mark.parametrize("run", range(3))
def test_the_last_row_of_an_id_wins_an_update_and_the_first_a_skip(
    run: int, on_existing: OnExisting, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = random.randrange(1 << 30)
    print(f"run {run}, seed {seed}")  # noqa: T201 - for who repeats it
    monkeypatch.setattr(importer_module, "_BATCH_ITEMS", 40)
    draw = random.Random(seed)
    rows = [(f"x{draw.randrange(12)}", draw.choice(["bad", f"v{i}"])) for i in range(200)]
    good = [row for row in rows if row[1] != "bad"]
    service = Service(seed, busy=0.2)
    importer, rejected = imported(service, rows, on_existing)
    assert importer.counts.settled == len(rows)
    assert len(rejected) == importer.counts.rejected
    expected = dict(good if on_existing is OnExisting.UPDATE else reversed(good))
    assert {name: asset["name"] for name, asset in service.assets.items()} == expected


def test_a_lost_answer_is_not_taken_for_an_id_of_somebody_else() -> None:
    service = Service()
    service.lose_answers = 1
    importer, _ = imported(service, [("a", "1"), ("b", "2")], OnExisting.FAIL)
    assert importer.counts.created == 2


def test_an_id_that_is_taken_ends_an_import_that_asks_for_it() -> None:
    service = Service()
    service.assets["b"] = {"revision": 1}
    with pytest.raises(ImportStopped, match="stopped at line 2: taken"):
        imported(service, [("a", "1"), ("b", "2")], OnExisting.FAIL)
    with pytest.raises(ImportStopped, match="stopped at line 2: external id 'c' is in the file more than once"):
        imported(service, [("c", "1"), ("c", "2")], OnExisting.FAIL)


@pytest.mark.parametrize("on_existing", list(OnExisting))
def test_a_deleted_asset_is_restored_only_if_that_is_asked_for(on_existing: OnExisting) -> None:
    service = Service()
    service.assets = {name: {"name": name, "revision": 2, "deleted": True} for name in ("a", "b")}
    rows = [("a", "1"), ("b", "b"), ("c", "3")]
    if on_existing is OnExisting.FAIL:
        with pytest.raises(ImportStopped, match="stopped at line 1: taken"):
            imported(service, rows, on_existing)
        return
    importer, rejected = imported(service, rows, on_existing)
    restored = on_existing is OnExisting.RESTORE
    assert {name: bool(asset.get("deleted")) for name, asset in service.assets.items()} == {
        "a": not restored,
        "b": not restored,
        "c": False,
    }
    counts = importer.counts
    assert (counts.created, counts.updated, counts.settled) == (1, 2 if restored else 0, 3)
    assert (rejected, importer.deleted) == (([], 0) if restored else ([1, 2], 2))


def run(service: Service, tmp_path: Path, lines: list[str], **more: Any) -> ImportReport:
    path = tmp_path / "rows.ndjson"
    path.write_text("\n".join(lines))
    options = ImportOptions(
        sources=[open_source(path, path.name, ReadOptions())],
        type_name="t",
        id_field="id",
        rejected_path=tmp_path / "rejected",
        **more,
    )
    return import_rows(service.client, options, quiet=True)


def test_what_was_imported_before_a_refusal_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer_module, "_BATCH_ITEMS", 10)
    service = Service()
    service.refuse_after = 2
    lines = [json.dumps({"id": str(i), "name": "a"}) for i in range(50)]
    lines[3] = "broken"
    outcome = run(service, tmp_path, lines)
    assert outcome.stopped == "who are you? (401)"
    assert (outcome.counts.created, outcome.counts.rejected) == (20, 1)
    assert outcome.rows == outcome.counts.settled + outcome.left
    assert outcome.left > 0


def test_every_row_is_accounted_for(tmp_path: Path) -> None:
    deep = '{"a":' * 300 + "1" + "}" * 300
    lines = ["[1]", "{", "", deep, '{"id": "1", "name": "a"}', '{"id": "1", "name": "b"}', '{"name": "c"}']
    outcome = run(Service(), tmp_path, lines)
    counts = outcome.counts
    assert (outcome.rows, outcome.left, outcome.stopped) == (6, 0, None)
    assert (counts.created, counts.skipped, counts.rejected) == (1, 0, 5)
    rejected = [json.loads(line)["line"] for line in (tmp_path / "rejected").read_text().splitlines()]
    assert rejected == [1, 2, 4, 6, 7]
    assert stat.S_IMODE((tmp_path / "rejected").stat().st_mode) == 0o600


def test_rejected_rows_that_cannot_be_written_stop_the_import(tmp_path: Path) -> None:
    rejected = RejectedRows(tmp_path / "folder" / "rejected")
    with pytest.raises(ImportStopped, match=r"rejected rows cannot be written to .*rejected: No such file"):
        rejected.write(Place(None, 1), "why", {})


def test_rejected_rows_never_replace_what_is_there(tmp_path: Path) -> None:
    source, there, empty = (tmp_path / name for name in ("rows.csv", "there", "empty"))
    source.write_text("a\n1\n")
    there.write_text("kept")
    empty.touch()
    os.link(source, tmp_path / "hard")
    (tmp_path / "soft").symlink_to(source)
    for same in (source, tmp_path / "hard", tmp_path / "soft", tmp_path / "." / "rows.csv"):
        with pytest.raises(ImportStopped, match="is the file to import"):
            check_rejected(same, [source])
    with pytest.raises(ImportStopped, match="already exists"):
        check_rejected(there, [source])
    with pytest.raises(ImportStopped, match="does not exist"):
        check_rejected(tmp_path / "none" / "x", [source])
    for fine in (empty, tmp_path / "new", Path("/dev/null")):
        check_rejected(fine, [source])
    with pytest.raises(ImportStopped, match="written by another process"):
        RejectedRows(there).write(Place(None, 1), "why", {})
    assert (there.read_text(), source.read_text()) == ("kept", "a\n1\n")


def test_rejected_rows_in_an_empty_file_that_was_there_are_private(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.touch()
    there.chmod(0o644)
    with RejectedRows(there) as rejected:
        rejected.write(Place(None, 1), "why", {})
    assert stat.S_IMODE(there.stat().st_mode) == 0o600


def test_the_usual_name_for_rejected_rows_gets_a_number_while_it_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.rejected.ndjson"
    assert unused_name(path) == path
    path.touch()
    (tmp_path / "rows.csv.rejected.2.ndjson").symlink_to("nowhere")
    assert unused_name(path) == tmp_path / "rows.csv.rejected.3.ndjson"
