"""The `amp` command without a server, on a data folder, and how it finds the server that holds one."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from amp.bootstrap import build
from amp.cli.client import ServiceError, connect
from amp.data_folder import folder_identity
from amp.settings import Settings, load_settings, variable
from tests.support.service.amp_command import amp_command, printed_json, server_process

Amp = Callable[..., Result]
_CLIP: dict[str, Any] = {"name": "clip", "description": "a take", "fields": {"cameraId": {"type": "long"}}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with 450 clips, made by commands that each opened it and gave it back."""
    folder = tmp_path_factory.mktemp("cli")
    rows = "\n".join(json.dumps({"name": f"clip {i:03d}", "cameraId": i % 7, "codec": "h264"}) for i in range(450))
    env = {"AMP_DATA_DIR": folder / "data"}
    outcome = printed_json(amp_command("import", "-", "--type", "clip", "--infer", "--json", env=env, stdin=rows))
    assert outcome["created"] == 450
    return folder / "data"


@pytest.fixture
def amp(folder: Path) -> Amp:
    return lambda *args, **more: amp_command(*args, env={"AMP_DATA_DIR": folder}, **more)


@pytest.fixture
def fresh(tmp_path: Path) -> Amp:
    """The command on a data folder of this test alone."""
    return lambda *args, **more: amp_command(*args, env={"AMP_DATA_DIR": tmp_path / "data"}, **more)


def test_a_search_in_the_text_form_prints_a_table_and_the_count(amp: Amp) -> None:
    result = amp("search", "cameraId:3 codec:h264", "--sort", "name", "--size", 2)
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines() if line.strip()]
    assert lines[0] == ["type", "name", "name", "cameraId", "codec", "id"]
    assert [line[:5] for line in lines[2:4]] == [
        ["clip", "clip", "003"] * 1 + ["clip", "003"],
        ["clip", "clip", "010", "clip", "010"],
    ]
    assert lines[4][:3] == ["2", "of", "64"]


def test_columns_of_the_table_can_be_chosen(amp: Amp) -> None:
    result = amp("search", "", "--sort", "name:desc", "--size", 1, "--columns", "name,metadata.cameraId")
    lines = [line.split() for line in result.stdout.splitlines() if line.strip()]
    assert lines[0] == ["name", "cameraId"]
    assert lines[2] == ["clip", "449", "1"]


@pytest.mark.parametrize(
    "query",
    [
        "cameraId:3",
        '{"field": "metadata.cameraId", "eq": 3}',
        '{"all": [{"field": "metadata.cameraId", "eq": 3}]}',
        '{"query": {"field": "metadata.cameraId", "eq": 3}, "facets": {}}',
    ],
)
def test_text_tree_and_whole_request_find_the_same(amp: Amp, query: str) -> None:
    answer = printed_json(amp("search", query, "--size", 5, "--json"))
    assert (answer["total"], len(answer["items"])) == (64, 5)
    assert {item["metadata"]["cameraId"] for item in answer["items"]} == {3}


@pytest.mark.parametrize("query", ["codec:h264", '{"field": "metadata.codec", "eq": "h264"}'])
def test_all_pages_through_everything_one_item_a_line(amp: Amp, query: str) -> None:
    result = amp("search", query, "--all", "--json", "--sort", "name")
    names = [json.loads(line)["name"] for line in result.stdout.splitlines()]
    assert names == [f"clip {i:03d}" for i in range(450)]


def test_all_results_and_a_maximum_number_exclude_each_other(amp: Amp) -> None:
    result = amp("search", "--all", "--size", 5)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--all prints all results and takes no --size" in result.stderr


@pytest.mark.parametrize(
    ("query", "code", "why"),
    [
        ("(cameraId:3", 1, "ends too early"),
        ("camraId:3", 1, "did you mean metadata.cameraId?"),
        ('{"field": ', 2, "starts with { but is not JSON"),
        ('{"field": "metadata.cameraId"}', 1, "requires an operator"),
    ],
)
def test_a_query_that_cannot_be_answered_is_refused_with_the_reason(amp: Amp, query: str, code: int, why: str) -> None:
    result = amp("search", query)
    assert result.exit_code == code
    assert why in result.stderr
    assert result.stdout == ""


def test_types_are_created_listed_shown_and_updated(fresh: Amp, tmp_path: Path) -> None:
    file = tmp_path / "clip.json"
    file.write_text(json.dumps(_CLIP))
    made = printed_json(fresh("types", "create", file, "--json"))
    assert (made["name"], made["version"]) == ("clip", 1)
    wider = made | {"fields": made["fields"] | {"codec": {"type": "string", "enum": ["h264"], "description": "how"}}}
    again = printed_json(fresh("types", "update", "-", "--json", stdin=json.dumps(wider)))
    assert again["version"] == 2
    unchanged = fresh("types", "update", "-", stdin=json.dumps(wider))
    assert unchanged.exit_code == 0
    assert unchanged.stderr == "nothing changed: the type is identical to version 2 of clip\n"
    twice = fresh("types", "create", file)
    assert twice.exit_code == 1
    assert "asset type 'clip' exists already; use `amp types update` or PUT to create its next version" in twice.stderr
    assert printed_json(fresh("types", "list", "--json")) == [again]
    assert printed_json(fresh("types", "show", "clip", "--json")) == again
    assert printed_json(fresh("types", "show", "clip", "--version", 1, "--json")) == made
    shown = fresh("types", "show", "clip").stdout
    assert "clip, version 2: a take" in shown
    assert ["codec", "string", "enum", "['h264']", "how"] in [line.split() for line in shown.splitlines()]
    assert ["clip", "2", "2"] in [line.split()[:3] for line in fresh("types", "list").stdout.splitlines()]


def test_an_incompatible_type_is_refused_with_each_place(fresh: Amp) -> None:
    assert fresh("types", "create", "-", stdin=json.dumps(_CLIP)).exit_code == 0
    narrower = _CLIP | {"fields": {"cameraId": {"type": "string"}, "codec": {"type": "string", "required": True}}}
    result = fresh("types", "update", "-", stdin=json.dumps(narrower))
    assert result.exit_code == 1
    assert "/fields/cameraId/type: cannot change from long to string" in result.stderr
    assert "/fields/codec/required: a new field cannot be required" in result.stderr


@pytest.mark.parametrize("text", ["{", "[]", '{"fields": {}}'])
def test_a_file_that_holds_no_type_is_refused(fresh: Amp, text: str) -> None:
    result = fresh("types", "create", "-", stdin=text)
    assert result.exit_code == 1
    assert "no type" in result.stderr or "is not JSON" in result.stderr


def test_migrate_announces_then_does_then_finds_nothing_to_do(fresh: Amp) -> None:
    reported = printed_json(fresh("migrate", "--dry-run", "--json"))["steps"]
    assert reported
    assert printed_json(fresh("migrate", "--dry-run", "--json"))["steps"] == reported
    assert printed_json(fresh("migrate", "--json"))["steps"]
    assert fresh("migrate").stdout == "nothing to do: everything exists\n"


@pytest.mark.parametrize(
    "command",
    [
        ("doctor",), ("types", "list"), ("types", "show", "clip"), ("types", "update", "-"), ("search", "x"),
        ("admin", "buckets"), ("admin", "buckets", "reconcile"), ("admin", "jobs"), ("admin", "dead-letters"),
        ("admin", "check", "--all"), ("admin", "buckets", "init", "--at", "2020-01-01", "--dry-run"),
        ("admin", "buckets", "roll"), ("migrate", "--dry-run"),
    ],
)  # fmt: skip
def test_a_command_that_has_nothing_to_keep_creates_no_data_folder(tmp_path: Path, command: tuple[str, ...]) -> None:
    folder = tmp_path / "data"
    result = amp_command(*command, env={"AMP_DATA_DIR": folder}, stdin=json.dumps(_CLIP))
    assert not folder.exists()
    if command[0] == "migrate":
        assert result.stdout == f"create the data folder {folder} and everything in it\n"
        return
    assert result.exit_code == 1
    assert f"there is no data in AMP_DATA_DIR='{folder}' yet" in result.output
    assert "`amp serve`, `amp import` or `amp migrate` creates the data folder" in result.output


def test_doctor_shows_every_setting_and_asks_each_part(amp: Amp) -> None:
    found = printed_json(amp("doctor", "--json"))
    assert {s["variable"] for s in found["settings"]} == {variable(name) for name in Settings.model_fields}
    assert [(p["name"], p["healthy"]) for p in found["parts"]] == [("store", True), ("search", True)]
    assert amp("doctor").stdout.endswith("\nhealthy\n")


def test_doctor_warns_of_a_misspelt_setting(folder: Path) -> None:
    env = {"AMP_DATA_DIR": folder, "AMP_PROT": 3}
    warning = "AMP_PROT is not a setting and is ignored: did you mean AMP_PORT?"
    assert warning in printed_json(amp_command("doctor", "--json", env=env))["warnings"]
    assert f"warning: {warning}" in amp_command("doctor", env=env).stdout


def test_doctor_masks_secrets_and_fails_when_a_part_is_down() -> None:
    closed = "127.0.0.1:1"
    env = {
        "AMP_PROFILE": "cluster",
        "AMP_CASSANDRA_HOSTS": closed,
        "AMP_KAFKA_BOOTSTRAP": closed,
        "AMP_ELASTICSEARCH_URL": f"http://{closed}",
        "AMP_REDIS_URL": f"redis://me:hunter2@{closed}/0?password=hunter2",
        "AMP_CASSANDRA_PASSWORD": "hunter2",
    }
    result = amp_command("doctor", env=env)
    assert result.exit_code == 1
    assert "hunter2" not in result.output
    assert "redis://********@127.0.0.1:1/0?password=********" in result.stdout
    assert "unhealthy: store, queue, search, cache" in result.stdout


def test_without_a_server_on_the_cluster_set_a_command_says_so() -> None:
    result = amp_command("types", "list", env={"AMP_PROFILE": "cluster", "AMP_PORT": 1})
    assert result.exit_code == 1
    assert "no AMP server answers at http://127.0.0.1:1" in result.stderr


def test_a_password_in_the_servers_address_is_not_printed() -> None:
    result = amp_command("types", "list", env={"AMP_URL": "http://me:hunter2@127.0.0.1:1"})
    assert result.exit_code == 1
    assert "no AMP server answers at http://********@127.0.0.1:1" in result.stderr
    assert "hunter2" not in result.output


def test_a_data_folder_that_is_held_is_one_clear_line(tmp_path: Path) -> None:
    held = build(load_settings({"data_dir": tmp_path}))
    try:
        for command in (["search", "x"], ["types", "list"], ["migrate"], ["doctor"]):
            result = amp_command(*command, env={"AMP_DATA_DIR": tmp_path})
            assert result.exit_code == 1
            reported = f"the data folder {tmp_path} is in use by process {os.getpid()}"
            assert reported in result.output
            assert "doctor" in command or f"{reported}; " in result.output
    finally:
        held.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Amp]:
    """The command on a data folder that a server holds, whose address nobody tells it."""
    env = {"AMP_DATA_DIR": tmp_path / "data"}
    with server_process(env, tmp_path / "log"):
        yield lambda *args, **more: amp_command(*args, env=env, **more)


def test_commands_find_the_server_that_holds_their_data_folder(served: Amp) -> None:
    assert served("types", "create", "-", stdin=json.dumps(_CLIP)).exit_code == 0
    assert [t["name"] for t in printed_json(served("types", "list", "--json"))] == ["clip"]
    parts = printed_json(served("doctor", "--json"))["parts"]
    assert [(p["name"], p["healthy"]) for p in parts] == [("server", True), ("store", True), ("search", True)]


def test_a_server_of_another_folder_at_the_address_left_behind_is_not_used(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder in (mine, other):
        assert amp_command("migrate", env={"AMP_DATA_DIR": folder}).exit_code == 0
    with server_process({"AMP_DATA_DIR": other}, tmp_path / "log") as server:
        # As a killed server leaves it.
        (mine / "server.url").write_text(server.url)
        made = amp_command("types", "create", "-", env={"AMP_DATA_DIR": mine}, stdin=json.dumps(_CLIP))
        assert made.exit_code == 0, made.output
        assert printed_json(amp_command("types", "list", "--json", env={"AMP_DATA_DIR": other})) == []
        with closing(connect(server.url, folder_identity(mine))) as client, pytest.raises(ServiceError, match="421"):
            client.call("POST", "/v1/types", body=_CLIP)
    assert [t["name"] for t in printed_json(amp_command("types", "list", "--json", env={"AMP_DATA_DIR": mine}))] == [
        "clip"
    ]
