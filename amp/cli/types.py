"""`amp types`: lists, shows, creates and updates asset types."""

from pathlib import Path
from typing import Any, TextIO

import click

from amp.cli.client import type_path
from amp.cli.connection import service
from amp.cli.output import echo, json_option, print_json, print_table
from amp.cli.strict_values import parse_json
from amp.settings import load_settings

_FILE = click.argument("file", type=click.File("r", encoding="utf-8", lazy=True))


@click.group()
def types() -> None:
    """List, show, create and update asset types."""


@types.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the newest version of every type."""
    with service(load_settings()) as client:
        asset_types = list(client.pages("/v1/types", limit=200))
    if as_json:
        print_json(asset_types)
        return
    rows = [(t["name"], t["version"], len(t["fields"]), t["created_at"], t["description"]) for t in asset_types]
    print_table(("name", "version", "fields", "created", "description"), rows)


@types.command()
@click.argument("name")
@click.option("--version", type=click.IntRange(min=1), help="Show this version instead of the newest.")
@json_option
def show(name: str, version: int | None, as_json: bool) -> None:
    """Show the type NAME with its fields.

    \b
    Examples:
      amp types show movie
      amp types show movie --version 1 --json
    """
    with service(load_settings()) as client:
        asset_type = client.get(type_path(name) + (f"/versions/{version}" if version else ""))
    _print_type(asset_type, as_json)


@types.command()
@_FILE
@json_option
def create(file: TextIO, as_json: bool) -> None:
    """Register the type in a JSON FILE ("-" reads standard input).

    \b
    Example:
      echo '{"name": "clip", "fields": {"cameraId": {"type": "long"}}}' | amp types create -
    """
    body = _type_in(file)
    with service(load_settings(), create=True) as client:
        created = client.call("POST", "/v1/types", body=body)
    _print_type(created, as_json)


@types.command()
@_FILE
@json_option
def update(file: TextIO, as_json: bool) -> None:
    """Register the type in a JSON FILE as the next version of the type of the same name.

    It must be compatible with the version before: new fields are optional, existing fields are kept, and constraints
    are only relaxed.
    """
    body = _type_in(file)
    with service(load_settings()) as client:
        before = client.get(type_path(body["name"]))
        updated = client.call("PUT", type_path(body["name"]), body=body, repeatable=True)
    if updated["version"] == before["version"]:
        echo(f"nothing changed: the type is identical to version {updated['version']} of {updated['name']}", err=True)
    _print_type(updated, as_json)


def _type_in(file: TextIO) -> dict[str, Any]:
    """Read a type without the members that the server sets, so that the output of `show --json` is accepted."""
    where = Path(file.name).name
    try:
        body = parse_json(file.read())
    except ValueError as e:
        raise click.ClickException(f"{where} is not JSON: {e}") from e
    if not isinstance(body, dict) or not isinstance(body.get("name"), str):
        raise click.ClickException(f"{where} contains no type; a type is a JSON object with name and fields")
    return {name: value for name, value in body.items() if name not in ("version", "created_at", "created_by")}


def _print_type(asset_type: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(asset_type)
        return
    description = f": {asset_type['description']}" if asset_type["description"] else ""
    echo(f"{asset_type['name']}, version {asset_type['version']}{description}")
    rows = [
        (
            key,
            declared["type"] + "[]" * bool(declared.get("array")),
            _rules(declared),
            declared.get("label"),
            declared.get("description"),
        )
        for key, declared in asset_type["fields"].items()
    ]
    print_table(("field", "type", "rules", "label", "description"), rows)


def _rules(declared: dict[str, Any]) -> str:
    rules = {name: declared.get(name) for name in ("required", "enum", "minimum", "maximum", "unit")}
    return ", ".join(name if value is True else f"{name} {value}" for name, value in rules.items() if value)
