"""`amp admin`: the map and the jobs on the command line, on a data folder and against a server."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result

from tests.support.service.amp_command import AMP, ServerProcess, amp_command, printed_json, server_process
from tests.support.stack.waiting import wait_until

Amp = Callable[..., Result]
FIRST = "19700101000000"
#: A move waits for the longest search before it empties what that may still be reading.
_ENV = {"AMP_SEARCH_TIMEOUT_S": "0.5"}


def _rows() -> str:
    """A hundred clips, ten for each of ten days."""
    return "\n".join(json.dumps({"name": f"clip {i}", "made": f"2020-01-{1 + i // 10:02d}"}) for i in range(100))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    env = {"AMP_DATA_DIR": tmp_path / "data"}
    args = ("import", "-", "--type", "clip", "--infer", "--created-field", "made", "--json")
    assert printed_json(amp_command(*args, env=env, stdin=_rows()))["created"] == 100
    return tmp_path / "data"


@pytest.fixture
def amp(folder: Path) -> Amp:
    """The command on that folder, without a server."""
    return lambda *args, **more: amp_command(*args, env=_ENV | {"AMP_DATA_DIR": folder}, **more)


@pytest.fixture
def server(folder: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    with server_process(_ENV | {"AMP_DATA_DIR": folder}, tmp_path / "log") as found:
        yield found


@pytest.fixture
def remote(server: ServerProcess) -> Amp:
    """The command against a server that holds the folder."""
    return lambda *args, **more: amp_command(*args, env={"AMP_URL": server.url}, **more)


def test_the_map_is_a_table_or_json(amp: Amp) -> None:
    lines = [line.split() for line in amp("admin", "buckets").stdout.splitlines() if line.strip()]
    assert lines[0] == ["name", "start", "end", "state", "documents", "size", "share"]
    assert lines[2][:4] == [FIRST, "1970-01-01T00:00:00Z", "open", "100"]
    [bucket] = printed_json(amp("admin", "buckets", "--json"))
    assert (bucket["name"], bucket["documents"], bucket["move"]) == (FIRST, 100, None)


def test_without_a_server_a_command_sees_its_move_to_the_end(amp: Amp) -> None:
    reported = amp("admin", "buckets", "split", FIRST, "--at", "2020-01-04", "--dry-run")
    assert re.fullmatch(
        rf"split of {FIRST} would move 70 documents \(.+ KiB\), created from 2020-01-04T00:00:00Z on, in about 0 s at "
        r"2000/s\n",
        reported.stdout,
    )
    done = amp("admin", "buckets", "split", FIRST, "--at", "2020-01-04")
    assert done.exit_code == 0, done.output
    assert done.stdout == f"split of {FIRST} completed: 70 documents\n"
    assert f"split of {FIRST}: cleaning up\n" in done.stderr
    names = [bucket["name"] for bucket in printed_json(amp("admin", "buckets", "--json"))]
    assert names == [FIRST, "20200104000000"]
    job = printed_json(amp("admin", "buckets", "merge", FIRST, names[1], "--unthrottled", "--json"))
    assert (job["state"], job["rate"]) == ("completed", None)
    assert printed_json(amp("search", "", "--json"))["total"] == 100
    assert [j["kind"] for j in printed_json(amp("admin", "jobs", "--json"))] == ["merge", "split"]
    shown = amp("admin", "jobs", "show", job["id"]).stdout
    assert f"merge of {FIRST}: completed" in shown
    assert "no rate limit" in shown
    assert "switched" in shown


def test_a_layout_by_the_calendar_is_made_once(amp: Amp) -> None:
    week = ("admin", "buckets", "init", "--every", "week", "--from", "2020-01-02", "--to", "2020-01-13")
    reported = amp(*week, "--dry-run").stdout.splitlines()
    assert reported == ["2020-01-13T00:00:00.000Z", "2020-01-06T00:00:00.000Z", "2 buckets would be opened"]
    assert amp(*week).stdout == "2 buckets opened\n"
    assert amp(*week).stdout == "nothing to do: all buckets exist\n"
    more = printed_json(amp("admin", "buckets", "init", "--at", "2020-01-06", "--at", "2030-01-01", "--json"))
    assert more == {"dry_run": False, "opened": ["2030-01-01T00:00:00.000Z"]}
    items = printed_json(amp("admin", "buckets", "--json"))
    assert [(item["name"], item["documents"]) for item in items] == [
        (FIRST, 50),
        ("20200106000000", 50),
        ("20200113000000", 0),
        ("20300101000000", 0),
    ]
    assert printed_json(amp("search", "", "--json"))["total"] == 100


@pytest.mark.parametrize(
    ("every", "first", "last", "starts"),
    [
        ("month", "2019-11-02", "2020-02-01", ["2019-12-01", "2020-01-01", "2020-02-01"]),
        ("day", "2020-02-28T12:00:00Z", "2020-03-01", ["2020-02-29", "2020-03-01"]),
        ("week", "2019-12-30", "2020-01-12", ["2019-12-30", "2020-01-06"]),
    ],
)
def test_the_calendar_names_each_start_within_the_bounds(
    remote: Amp, every: str, first: str, last: str, starts: list[str]
) -> None:
    reported = remote(
        "admin", "buckets", "init", "--every", every, "--from", first, "--to", last, "--dry-run", "--json"
    )
    assert printed_json(reported)["opened"] == [f"{start}T00:00:00.000Z" for start in reversed(starts)]


def test_a_job_on_a_server_is_steered_and_followed(remote: Amp, server: ServerProcess) -> None:
    split = remote("admin", "buckets", "split", FIRST, "--rate", 1)
    assert split.exit_code == 0, split.output
    assert "--follow" in split.stdout
    [job] = printed_json(remote("admin", "jobs", "list", "--json"))
    job_id = job["id"]
    wait_until(lambda: _job(server, job_id)["progress"]["phase"] == "dual", 30, "the copying")
    assert "splitting" in remote("admin", "buckets").stdout
    assert f"(job {job_id})" in remote("admin", "buckets").stdout
    refused = remote("admin", "buckets", "rebuild", FIRST)
    assert refused.exit_code == 1
    assert job_id in refused.stderr
    assert "paused" in remote("admin", "jobs", "pause", job_id).stdout
    assert "split, phase dual, paused: " in remote("admin", "buckets").stdout
    assert " left" not in remote("admin", "jobs", "show", job_id).stdout
    assert printed_json(remote("admin", "jobs", "rate", job_id, "500", "--json"))["rate"] == 500
    assert "no rate limit" in remote("admin", "jobs", "rate", job_id, "--unthrottled").stdout
    assert printed_json(remote("admin", "jobs", "resume", job_id, "--json"))["state"] == "running"
    followed = remote("admin", "jobs", "show", job_id, "--follow")
    assert followed.exit_code == 0, followed.output
    assert f"split of {FIRST}: completed" in followed.stdout
    late = remote("admin", "jobs", "cancel", job_id)
    assert late.exit_code == 1
    assert "the job has ended: completed" in late.stderr


def test_following_a_job_that_is_cancelled_fails(remote: Amp, server: ServerProcess) -> None:
    command = [*AMP, "admin", "buckets", "rebuild", FIRST, "--rate", "1", "--follow"]
    with subprocess.Popen(
        command, env={"AMP_URL": server.url}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watching:
        job_id = _only_job(server)
        cancelled = remote("admin", "jobs", "cancel", job_id, "--follow")
        assert cancelled.exit_code == 0, cancelled.output
        out, err = watching.communicate(timeout=60)
    assert (watching.returncode, out) == (1, "")
    assert f"Error: rebuild of {FIRST} cancelled" in err
    assert remote("admin", "jobs", "show", job_id, "--follow").exit_code == 1
    assert remote("admin", "jobs", "cancel", job_id).exit_code == 0


def test_ctrl_c_ends_the_watching_and_not_the_job(server: ServerProcess) -> None:
    command = [*AMP, "admin", "buckets", "split", FIRST, "--rate", "1", "--follow"]
    with subprocess.Popen(
        command, env={"AMP_URL": server.url}, stderr=subprocess.PIPE, text=True, preexec_fn=_heed_ctrl_c
    ) as watching:
        job_id = _only_job(server)
        assert watching.stderr is not None
        assert f"split of {FIRST}: copying\n" in watching.stderr, "it ended before the copying"
        watching.send_signal(signal.SIGINT)
        _, err = watching.communicate(timeout=60)
    assert watching.returncode == 130
    assert f"amp admin jobs show {job_id} --follow" in err
    assert _job(server, job_id)["state"] == "running"


def _heed_ctrl_c() -> None:
    """A shell makes what it starts in the background ignore it, and all that comes from that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_reconcile_reports_and_its_exit_code_says_if_anything_is_left(remote: Amp) -> None:
    assert remote("admin", "buckets", "reconcile").stdout == "no differences between the map and the search index\n"
    agreed = {"items": [], "incomplete_buckets": [], "job": None}
    assert printed_json(remote("admin", "buckets", "reconcile", "--heal", "--json")) == agreed


@pytest.mark.parametrize(
    ("args", "code", "why"),
    [
        (("buckets", "split", "20200101000000"), 1, "there is no bucket"),
        (("buckets", "split", FIRST, "--at", "yesterday"), 1, "neither an RFC 3339 time"),
        (("buckets", "split", FIRST, "--rate", "0"), 2, "--rate"),
        (("buckets", "split", FIRST, "--rate", "5", "--unthrottled"), 2, "cannot be combined"),
        (("buckets", "roll", "--at", "2020-01-01"), 1, "is not in the future"),
        (("buckets", "merge", FIRST), 1, "there is no next bucket"),
        (("buckets", "init"), 2, "give --at"),
        (("buckets", "init", "--every", "month"), 2, "--from and --to"),
        (("buckets", "init", "--from", "2020-01-01", "--at", "2020-01-01"), 2, "require --every"),
        (("buckets", "init", "--every", "day", "--from", "soon", "--to", "2020-01-01"), 2, "--from"),
        (("jobs", "show", "nonsense"), 1, "there is no job"),
        (("jobs", "rate", "nonsense"), 2, "give either"),
    ],
)
def test_what_makes_no_sense_is_refused(shared: Amp, args: tuple[str, ...], code: int, why: str) -> None:
    result = shared("admin", *args)
    assert result.exit_code == code, result.output
    assert why in result.stderr
    assert result.stdout == ""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Amp]:
    """The command against a server that no test changes anything on."""
    tmp_path = tmp_path_factory.mktemp("shared")
    with server_process(_ENV | {"AMP_DATA_DIR": tmp_path / "data"}, tmp_path / "log") as server:
        yield lambda *args: amp_command(*args, env={"AMP_URL": server.url})


def _job(server: ServerProcess, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.url}/v1/admin/jobs/{job_id}").json()
    return found


def _only_job(server: ServerProcess) -> str:
    deadline = time.monotonic() + 30
    while not (items := httpx.get(f"{server.url}/v1/admin/jobs").json()["items"]):
        assert time.monotonic() < deadline, "no job was begun"
        time.sleep(0.1)
    job_id: str = items[0]["id"]
    return job_id
