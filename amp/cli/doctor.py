"""`amp doctor`: prints the settings, pings the components, and reports what needs attention."""

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
    """Print all settings with secrets masked, ping each component, and report what needs attention: what is missing,
    and where the bucket map and the search index differ.

    The exit code is 1 if a component is unhealthy or anything needs attention. Variables that look like settings but
    are not cause warnings.
    """
    settings = load_settings()
    parts, advice = _examine(settings)
    warnings = unknown_variables()
    unhealthy = [part["name"] for part in parts if not part["healthy"]]
    if as_json:
        report = {"settings": _setting_rows(settings), "parts": parts, "advice": advice, "warnings": warnings}
        print_json(report | {"healthy": not unhealthy and not advice})
    else:
        print_table(
            ("setting", "value", ""), [(s["variable"], s["value"], s["origin"]) for s in _setting_rows(settings)]
        )
        if parts:
            print_table(
                ("component", "", ""), [(p["name"], "ok" if p["healthy"] else "DOWN", p["detail"]) for p in parts]
            )
        for line in advice:
            echo(f"! {line}")
        for line in warnings:
            echo(f"warning: {line}")
        if unhealthy:
            echo(f"unhealthy: {', '.join(unhealthy)}")
        else:
            echo("needs attention: see above" if advice else "healthy")
    if unhealthy or advice:
        sys.exit(1)


def _examine(settings: Settings) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the components, and a line about each thing that needs attention."""
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
            parts, advice = _health_of(client)
            return parts, [*advice, *(_differences_of(client) if all(part["healthy"] for part in parts) else ())]
    except AmpError as e:
        component = "store" if settings.profile == "embedded" else "service"
        return [{"name": component, "healthy": False, "detail": e.message}], []
    try:
        health = amp.system.health.check()
        parts = [{"name": p.name, "healthy": p.healthy, "detail": p.detail} for p in health.components]
        advice = []
        if health.components_answer:
            command = "migrate" if settings.profile == "cluster" else "serve"
            try:
                advice = [f"pending until `amp {command}` runs: {line}" for line in amp.system.migration.pending()]
            except AmpError as e:
                advice = [e.message]
            advice += [_degraded(bucket.name, bucket.detail) for bucket in health.buckets]
            advice += [f"{work.name}: {work.detail}" for work in health.work]
            advice += _differences(amp)
    finally:
        amp.close()
    return parts, advice


def _differences(amp: "Amp") -> list[str]:
    try:
        return [
            _describe(finding.index, finding.problem)
            for finding in amp.buckets.reconciliation.run(Principal(), heal=False)
        ]
    except NotMigrated:
        return []
    except AmpError as e:
        return [e.message]


def _differences_of(client: AmpClient) -> list[str]:
    try:
        findings = client.call("POST", "/v1/admin/buckets/reconcile", body={"heal": False}, repeatable=True)["items"]
    except AmpError as e:
        return [e.message]
    return [_describe(finding["index"], finding["problem"]) for finding in findings]


def _describe(index: str, problem: str) -> str:
    return f"{index}: {problem}; see `amp admin buckets reconcile`"


def _degraded(bucket: str, detail: str) -> str:
    return f"bucket {bucket} is degraded: {detail}"


def _health_of(client: AmpClient) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the components, and a line about each bucket and each task that needs attention."""
    parts: list[dict[str, Any]] = [{"name": "server", "healthy": True, "detail": client.where}]
    advice: list[str] = []
    try:
        readiness = client.get("/readyz")
        parts += readiness["parts"]
        advice = [_degraded(bucket["name"], bucket["detail"]) for bucket in readiness["buckets"]]
        advice += [f"{work['name']}: {work['detail']}" for work in readiness["work"]]
    except (AmpError, Unreachable) as e:
        parts[0] |= {"healthy": False, "detail": f"{client.where}: {e}"}
    return parts, advice


def _setting_rows(settings: Settings) -> list[dict[str, Any]]:
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
