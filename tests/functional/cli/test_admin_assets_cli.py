"""`amp admin backfill`, `update`, `delete`, `check` and the like, on a data folder and against a server."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from click.testing import Result

from amp.domain.documents import Position
from amp.domain.principals import Principal
from amp.domain.types import Field, FieldType
from amp.ports.bucket_documents import RawDocument
from tests.support.service.amp_command import ServerProcess, amp_command, printed_json, server_process
from tests.support.service.built import built
from tests.support.service.wired import PRINCIPAL
from tests.support.stack.waiting import wait_until

Amp = Callable[..., Result]
#: A check waits for the grace of intents.
_ENV = {"AMP_INTENT_GRACE_S": "0.2"}
COUNT = 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = "\n".join(json.dumps({"name": f"clip {n}", "codec": "h264", "width": n}) for n in range(COUNT))
    args = ("import", "-", "--type", "clip", "--infer", "--json")
    assert printed_json(amp_command(*args, env={"AMP_DATA_DIR": tmp_path / "data"}, stdin=rows))["created"] == COUNT
    return tmp_path / "data"


@pytest.fixture
def amp(folder: Path) -> Amp:
    """`amp admin` on that folder, without a server."""
    return lambda *args, **more: amp_command("admin", *args, env=_ENV | {"AMP_DATA_DIR": folder}, **more)


@pytest.fixture
def server(folder: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    with server_process(_ENV | {"AMP_DATA_DIR": folder}, tmp_path / "log") as found:
        yield found


def found(folder: Path, text: str) -> list[str]:
    """Ids that a search finds."""
    return [item["id"] for item in printed_json(_search(folder, text))["items"]]


def _search(folder: Path, text: str) -> Result:
    return amp_command("search", text, "--size", "100", "--json", env={"AMP_DATA_DIR": folder})


def printed(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def counts(job: dict[str, Any]) -> dict[str, int]:
    return {outcome: count for outcome, count in job["progress"]["counts"].items() if count}


def test_a_backfill_indexes_again_and_says_how_many(amp: Amp) -> None:
    assert printed(amp("backfill", "--all")) == f"reindex completed: {COUNT} assets\n"
    job = printed_json(amp("backfill", "--type", "clip", "--sample", "4", "--rate", "500", "--json"))
    assert (job["kind"], job["state"], job["rate"], counts(job)) == ("reindex", "completed", 500.0, {"done": 4})
    assert printed_json(amp("backfill", "--query", "width:>=15", "--unthrottled", "--json"))["rate"] is None
    shown = printed(amp("jobs", "show", job["id"]))
    assert "reindex: completed" in shown
    assert "at most 500 assets/s" in shown
    assert "4 of 4 assets" in shown
    assert [line["kind"] for line in printed_json(amp("jobs", "--json"))] == ["reindex"] * 3


def test_an_update_is_tried_dry_then_made_once(amp: Amp, folder: Path) -> None:
    update = ("update", "--type", "clip", "--set", "codec=hevc", "--set", "width=7")
    reported = printed(amp(*update, "--dry-run"))
    assert reported == f"update-metadata (dry run) completed: {COUNT} assets, {COUNT} would change\n"
    assert found(folder, "codec:hevc") == []
    assert printed(amp(*update)) == f"update-metadata completed: {COUNT} assets, {COUNT} changed\n"
    assert printed(amp(*update)) == f"update-metadata completed: {COUNT} assets\n"
    assert len(found(folder, "codec:hevc width:7")) == COUNT
    assert counts(printed_json(amp("update", "--query", "codec:hevc", "--remove", "width", "--json"))) == {
        "changed": COUNT
    }
    assert found(folder, "width:7") == []


def test_fields_are_renamed_and_copied(amp: Amp, folder: Path) -> None:
    with built({"data_dir": folder}) as service:
        fields = {
            **service.types.registration.get("clip", None, Principal()).fields,
            "format": Field(type=FieldType.STRING),
        }
        service.types.registration.next_version("clip", "", fields, PRINCIPAL)
    assert printed(amp("migrate-type", "--all")) == f"migrate-type completed: {COUNT} assets, {COUNT} changed\n"
    assert counts(printed_json(amp("update", "--all", "--copy", "codec=format", "--sample", "5", "--json"))) == {
        "changed": 5
    }
    assert len(found(folder, "codec:h264 format:h264")) == 5
    printed(amp("update", "--all", "--rename", "codec=format"))
    assert (found(folder, "codec:h264"), len(found(folder, "format:h264"))) == ([], COUNT)


def test_no_query_is_offered_for_deleted_assets() -> None:
    offering = [
        name for name in ("backfill", "update", "delete", "restore", "purge", "check")
        if "--query" in amp_command("admin", name, "--help", env={}).stdout
    ]  # fmt: skip
    assert offering == ["backfill", "update", "delete", "check"]


def test_a_deletion_asks_without_yes_and_can_be_undone(amp: Amp, folder: Path, tmp_path: Path) -> None:
    asked = amp("delete", "--type", "clip", stdin="n\n")
    assert asked.exit_code == 1
    assert f"delete {COUNT:,} assets with type clip?" in asked.stderr
    assert "Error: nothing was done" in asked.stderr
    unanswered = amp("delete", "--all", stdin="")
    assert unanswered.exit_code == 1
    assert f"delete all {COUNT:,} assets?" in unanswered.stderr
    assert "Error: nothing was done; use --yes to skip the question" in unanswered.stderr
    miscounted = amp("delete", "--all", stdin=f"{COUNT + 1}\n")
    assert (miscounted.exit_code, "type their number" in miscounted.stderr) == (1, True)
    dated = amp("delete", "--type", "clip", "--from", "1999-01-01", "--to", "2000-01-01", stdin="n\n")
    assert "delete 0 assets with type clip, created from 1999-01-01, created before 2000-01-01?" in dated.stderr
    by_query = amp("delete", "--query", "codec:h264", stdin="n\n")
    assert f"delete {COUNT:,} assets with query codec:h264?" in by_query.stderr
    sampled = amp("delete", "--all", "--sample", "5", stdin="n\n")
    assert f"delete at most 5 of all {COUNT:,} assets?" in sampled.stderr
    refused = amp("delete", "--query", "codec:(", stdin="n\n")
    assert refused.exit_code == 1
    assert "delete" not in refused.stderr, "nothing to be asked"
    asked = amp("purge", "--type", "clip", "--from", "1999-01-01", stdin="n\n")
    assert "purge assets with type clip, created from 1999-01-01?" in asked.stderr
    assert printed_json(amp("jobs", "--json")) == [], "nothing was begun"
    dry = printed(amp("delete", "--all", "--dry-run"))
    assert dry == f"delete (dry run) completed: {COUNT} assets, {COUNT} would change\n"
    assert f"delete (dry run)   completed   {COUNT} of {COUNT} assets, {COUNT} would change" in printed(amp("jobs"))
    ids = found(folder, "codec:h264")
    assert len(ids) == COUNT
    listed = tmp_path / "ids.txt"
    listed.write_text("\n".join(["", *ids[:3], f"  {ids[0]}  ", ""]))
    assert "delete the 3 assets given?" in amp("delete", "--ids", listed, stdin="y\n").stderr
    assert sorted(found(folder, "codec:h264")) == sorted(ids[3:])
    assert counts(printed_json(amp("restore", "--ids", "-", "--json", stdin="\n".join(ids[:2])))) == {"changed": 2}
    assert len(found(folder, "codec:h264")) == COUNT - 1
    reported = printed(amp("delete", "--query", "width:>=0", "--yes"))
    assert reported == f"delete completed: {COUNT - 1} assets, {COUNT - 1} changed\n"
    assert printed(amp("restore", "--all", "--sample", "20")).endswith(f"{COUNT} changed\n")


def test_a_purge_takes_what_was_deleted_for_long_enough(amp: Amp, folder: Path) -> None:
    ids = found(folder, "codec:h264")
    printed(amp("delete", "--ids", "-", "--yes", stdin="\n".join(ids[:2])))
    assert counts(printed_json(amp("purge", "--all", "--yes", "--json"))) == {"skipped": COUNT}
    assert counts(printed_json(amp("purge", "--all", "--deleted-for", "1", "--yes", "--json"))) == {"skipped": COUNT}
    asked = amp("purge", "--all", "--deleted-for", "0", stdin="\n")
    assert asked.exit_code == 1
    assert "purge all assets?" in asked.stderr
    reported = printed(amp("purge", "--all", "--deleted-for", "0", "--yes"))
    assert reported == f"purge completed: {COUNT} assets, 2 changed, {COUNT - 2} skipped\n"
    assert printed(amp("restore", "--ids", "-", stdin=ids[0])) == "restore completed: 1 assets, 1 skipped\n"


def test_a_check_has_an_exit_code_and_a_fix_repairs_what_it_found(amp: Amp, folder: Path) -> None:
    assert printed(amp("check", "--all")) == f"check completed: {COUNT} assets\n"
    [lost, *_] = found(folder, "codec:h264")
    with built({"data_dir": folder}) as service:
        _remove_document(service, UUID(lost))
    checked = amp("check", "--all")
    assert checked.exit_code == 1
    job = printed_json(amp("jobs", "--json"))[0]
    assert (
        f"Error: check completed: 1 asset differed; list them with: amp admin jobs results {job['id']}"
        in checked.stderr
    )
    assert printed_json(amp("jobs", "results", job["id"], "--json")) == [
        {"asset": lost, "outcome": "found", "note": f"missing: {lost}"}
    ]
    assert f"missing: {lost}" in printed(amp("jobs", "results", job["id"]))
    as_json = amp("check", "--type", "clip", "--deep", "--json")
    assert as_json.exit_code == 1
    assert counts(json.loads(as_json.stdout)) == {"done": COUNT - 1, "found": 1}
    dry = amp("fix", "--all", "--dry-run")
    assert dry.exit_code == 1, "it differs still"
    assert printed(amp("fix", "--all")) == f"fix completed: {COUNT} assets, 1 changed\n"
    assert printed(amp("check", "--all", "--deep")) == f"check completed: {COUNT} assets\n"
    assert lost in found(folder, "codec:h264")


def _remove_document(service: Any, asset_id: UUID) -> None:
    a = service.adapters
    [head] = a.store.heads([asset_id]).values()
    alias = a.buckets.load().bucket_at(head.created_ms).write_alias
    a.documents.delete(alias, [RawDocument(Position(head.created_ms, str(asset_id), 1, head.revision))])


def test_dead_letters_are_listed_shown_replayed_and_discarded(amp: Amp, folder: Path) -> None:
    assert printed_json(amp("dead-letters", "--json")) == []
    rows = "\n".join(json.dumps({"name": "other"}) for _ in range(3))
    args = ("import", "-", "--type", "bare", "--infer", "--json")
    assert printed_json(amp_command(*args, env={"AMP_DATA_DIR": folder}, stdin=rows))["created"] == 3
    failed = amp("update", "--project", "default", "--set", "codec=av1")
    assert failed.exit_code == 1
    job = printed_json(amp("jobs", "--json"))[0]
    assert counts(job) == {"changed": COUNT, "failed": 3}
    assert f"3 assets failed; list them with: amp admin dead-letters list --job {job['id']}" in failed.stderr
    letters = printed_json(amp("dead-letters", "list", "--job", job["id"], "--json"))
    assert len(letters) == 3
    assert len(printed_json(amp("dead-letters", "list", "--limit", "2", "--json"))) == 2
    assert printed_json(amp("dead-letters", "list", "--reason", "nothing of the kind", "--json")) == []
    table = printed(amp("dead-letters"))
    assert all(letter["id"] in table for letter in letters)
    shown = printed(amp("dead-letters", "show", letters[0]["id"]))
    assert f"asset: {letters[0]['asset']}" in shown
    assert "/metadata/codec" in shown
    assert printed(amp("dead-letters", "discard", letters[0]["id"])) == "1 discarded\n"
    with built({"data_dir": folder}) as service:
        fields = {
            **service.types.registration.get("bare", None, Principal()).fields,
            "codec": Field(type=FieldType.STRING),
        }
        service.types.registration.next_version("bare", "", fields, PRINCIPAL)
    assert printed_json(amp("dead-letters", "replay", "--job", job["id"], "--json")) == {"replayed": 2, "kept": []}
    wait_until(lambda: printed_json(amp("dead-letters", "--json")) == [], 60, "the replay")
    assert counts(printed_json(amp("jobs", "show", job["id"], "--json"))) == {"changed": COUNT, "resolved": 3}
    assert len(found(folder, "codec:av1")) == COUNT + 2
    assert printed(amp("dead-letters", "discard", "--all", "--yes")) == "0 discarded\n"
    refused = amp("dead-letters", "discard", "--all", stdin="n\n")
    assert (refused.exit_code, "discard all dead letters?" in refused.stderr) == (1, True)


def test_a_job_that_fails_too_often_is_reported_as_failed(amp: Amp, folder: Path) -> None:
    rows = json.dumps({"name": "other"})
    args = ("import", "-", "--type", "bare", "--infer", "--json")
    assert printed_json(amp_command(*args, env={"AMP_DATA_DIR": folder}, stdin=rows))["created"] == 1
    failed = amp("update", "--project", "default", "--set", "codec=av1", "--max-failures", "0")
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert "Error: update-metadata failed: more than 0 assets failed" in failed.stderr


def test_on_a_server_a_job_goes_on_by_itself_unless_it_is_followed(server: ServerProcess) -> None:
    def remote(*args: object, **more: Any) -> Result:
        return amp_command("admin", *args, env={"AMP_URL": server.url}, **more)

    begun = printed(remote("backfill", "--all", "--rate", "0.5"))
    [job] = printed_json(remote("jobs", "--json"))
    assert begun == f"reindex submitted: amp admin jobs show {job['id']} --follow\n"
    paused = printed(remote("jobs", "pause", job["id"]))
    assert "reindex: paused" in paused
    assert printed_json(remote("jobs", "resume", job["id"], "--json"))["state"] == "running"
    assert "no rate limit" in printed(remote("jobs", "rate", job["id"], "--unthrottled"))
    followed = remote("jobs", "show", job["id"], "--follow")
    assert "reindex: completed" in printed(followed)
    assert printed(remote("update", "--all", "--set", "codec=hevc", "--follow")).endswith(f"{COUNT} changed\n")
    assert printed(remote("check", "--all")) == f"check completed: {COUNT} assets\n", "it is followed in any case"
    slow = printed_json(remote("backfill", "--all", "--rate", "0.5", "--json"))
    assert slow["state"] == "running"
    assert "reindex: cancelled" in printed(remote("jobs", "cancel", slow["id"]))
    assert remote("jobs", "show", slow["id"], "--follow").exit_code == 1
    assert httpx.get(f"{server.url}/v1/admin/jobs/{slow['id']}").json()["state"] == "cancelled"
