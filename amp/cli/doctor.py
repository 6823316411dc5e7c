"""`amp doctor`: what this installation is set to, and whether its parts answer."""

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import SecretStr

from amp.addresses import MASK, masked
from amp.cli.client import AmpClient, Unreachable
from amp.cli.connection import server_client
from amp.cli.output import echo, json_option, print_json, print_table
from amp.domain.principals import Principal
from amp.errors import AmpError, DataDirLocked, NoData, NotMigrated
from amp.setting_display import ADDRESSES
from amp.settings import Settings, load_settings, variable
from amp.unknown_variables import unknown_variables

if TYPE_CHECKING:
    from amp.bootstrap import Amp


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Print every setting, secrets masked, ask each part whether it answers, and say what should be looked at: what is
    missing, and where time buckets and search index disagree.

    Exit code 1 if a part does not answer or there is anything to look at. Variables that look like settings and are
    none are warned of.
    """
    settings = load_settings()
    parts, advice = _examine(settings)
    warnings = unknown_variables()
    ill = [part["name"] for part in parts if not part["healthy"]]
    if as_json:
        found = {"settings": _shown(settings), "parts": parts, "advice": advice, "warnings": warnings}
        print_json(found | {"healthy": not ill and not advice})
    else:
        print_table(("setting", "value", ""), [(s["variable"], s["value"], s["origin"]) for s in _shown(settings)])
        if parts:
            print_table(("part", "", ""), [(p["name"], "ok" if p["healthy"] else "DOWN", p["detail"]) for p in parts])
        for line in advice:
            echo(f"! {line}")
        for line in warnings:
            echo(f"warning: {line}")
        echo("all is well" if not ill and not advice else f"not well: {', '.join(ill) or 'see above'}")
    if ill or advice:
        sys.exit(1)


def _examine(settings: Settings) -> tuple[list[dict[str, Any]], list[str]]:
    """The parts, and what should be done."""
    from amp.bootstrap import build

    try:
        amp = build(settings, create=False)
    except (DataDirLocked, NoData) as e:
        client = server_client(settings)
        if client is None:
            return [], [
                f"{e.message}, which does not answer as a server" if isinstance(e, DataDirLocked) else e.message
            ]
        with contextlib.closing(client):
            parts, said = _health_of(client)
            return parts, [*said, *(_disagreements_of(client) if all(part["healthy"] for part in parts) else ())]
    except AmpError as e:
        part = "store" if settings.profile == "embedded" else "service"
        return [{"name": part, "healthy": False, "detail": e.message}], []
    try:
        health = amp.system.health.check()
        parts = [{"name": p.name, "healthy": p.healthy, "detail": p.detail} for p in health.parts]
        advice: list[str] = []
        if health.parts_answer:
            command = "migrate" if settings.profile == "cluster" else "serve"
            try:
                advice = [f"`amp {command}` has to {line}" for line in amp.system.migration.pending()]
            except AmpError as e:
                advice = [e.message]
            advice += [_degraded(bucket.name, bucket.detail) for bucket in health.buckets]
            advice += [f"{work.name}: {work.detail}" for work in health.work]
            advice += _disagreements(amp)
    finally:
        amp.close()
    return parts, advice


def _disagreements(amp: "Amp") -> list[str]:
    try:
        return [
            _told(finding.index, finding.problem) for finding in amp.buckets.reconciliation.run(Principal(), heal=False)
        ]
    except NotMigrated:
        return []
    except AmpError as e:
        return [e.message]


def _disagreements_of(client: AmpClient) -> list[str]:
    try:
        found = client.call("POST", "/v1/admin/buckets/reconcile", body={"heal": False}, repeatable=True)["items"]
    except AmpError as e:
        return [e.message]
    return [_told(finding["index"], finding["problem"]) for finding in found]


def _told(index: str, problem: str) -> str:
    return f"{index}: {problem}; see `amp admin buckets reconcile`"


def _degraded(bucket: str, detail: str) -> str:
    return f"bucket {bucket} is degraded: {detail}"


def _health_of(client: AmpClient) -> tuple[list[dict[str, Any]], list[str]]:
    """The parts, and what is said of buckets."""
    parts: list[dict[str, Any]] = [{"name": "server", "healthy": True, "detail": client.where}]
    advice: list[str] = []
    try:
        found = client.get("/readyz")
        parts += found["parts"]
        advice = [_degraded(bucket["name"], bucket["detail"]) for bucket in found["buckets"]]
        advice += [f"{work['name']}: {work['detail']}" for work in found["work"]]
    except (AmpError, Unreachable) as e:
        parts[0] |= {"healthy": False, "detail": f"{client.where}: {e}"}
    return parts, advice


def _shown(settings: Settings) -> list[dict[str, Any]]:
    return [
        {
            "variable": variable(name),
            "value": _value(name, getattr(settings, name)),
            "origin": "set" if name in settings.model_fields_set else "default",
        }
        for name in type(settings).model_fields
    ]


def _value(name: str, value: Any) -> Any:
    match value:
        case SecretStr():
            return MASK
        case Path():
            return str(value.resolve())
        case tuple():
            text = ",".join(map(str, value))
            return masked(text) if name in ADDRESSES else text
        case str() if name in ADDRESSES:
            return masked(value)
        case dict():
            return ",".join(f"{key}:{inner}" for key, inner in value.items())
    return value
