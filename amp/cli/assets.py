"""`amp show`, `edit`, `delete` and `restore`: read and change one asset."""

import json
from typing import Any

import click

from amp.cli.client import AmpClient, ServiceError, path_segment
from amp.cli.connection import service
from amp.cli.output import echo, json_option, print_json, print_table
from amp.cli.strict_values import json_or_text, pairs, parse_json
from amp.domain.metadata_updates import MetadataUpdate
from amp.settings import load_settings

_EDITABLE = ("name", "labels", "metadata")
_IDENTITY = ("id", "type", "project", "external_id", "state", "version", "revision")
_TIMES = ("created_at", "created_by", "updated_at", "updated_by")

_asset_argument = click.argument("asset")
_project_option = click.option(
    "--project", metavar="NAME", help="ASSET is the external id of an asset of this project, not an id."
)


@click.command()
@_asset_argument
@_project_option
@json_option
def show(asset: str, project: str | None, as_json: bool) -> None:
    """Show the asset with the id ASSET, deleted or not.

    \b
    Examples:
      amp show 019ac1a2-7c00-7000-8000-000000000000
      amp show clip-7 --project films --json
    """
    with service(load_settings()) as client:
        found = _get(client, asset, project)
    _print(found, as_json)


@click.command()
@_asset_argument
@_project_option
@click.option("--name", help="New name.")
@click.option("--set", "set_", multiple=True, metavar="KEY=VALUE", help="Set a field. VALUE is JSON, or else text.")
@click.option("--remove", multiple=True, metavar="KEY", help="Remove a field.")
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="Add a label.")
@click.option("--unlabel", multiple=True, metavar="LABEL", help="Remove a label.")
@json_option
def edit(
    asset: str,
    project: str | None,
    name: str | None,
    set_: tuple[str, ...],
    remove: tuple[str, ...],
    labels: tuple[str, ...],
    unlabel: tuple[str, ...],
    as_json: bool,
) -> None:
    """Change the asset with the id ASSET. Without options that say what to change, an editor opens with its content.

    If somebody else changes the asset meanwhile, nothing is changed.

    \b
    Examples:
      amp edit 019ac1a2-7c00-7000-8000-000000000000
      amp edit clip-7 --project films --set codec=hevc --remove draft --label approved
    """
    with service(load_settings()) as client:
        before = _get(client, asset, project)
        if before["state"] == "deleted":
            raise click.ClickException("the asset is deleted; amp restore restores it")
        content = {member: before[member] for member in _EDITABLE}
        if name is None and not (set_ or remove or labels or unlabel):
            content = _edited(content)
        else:
            content = _changed(content, name, set_, remove, labels, unlabel)
        after = client.call(
            "PUT",
            f"/v1/assets/{before['id']}",
            body=content,
            headers={"If-Match": f'"{before["revision"]}"'},
            params={"wait_for": "searchable"},
        )
    if after["revision"] == before["revision"]:
        echo("nothing changed", err=True)
    _print(after, as_json)


@click.command()
@_asset_argument
@_project_option
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def delete(asset: str, project: str | None, yes: bool) -> None:
    """Delete the asset with the id ASSET. Until it is purged, `amp restore` restores it."""
    with service(load_settings()) as client:
        found = _get(client, asset, project)
        if found["state"] == "deleted":
            echo("it is deleted already")
            return
        if not yes:
            click.confirm(f"delete {found['type']} {found['name']!r}?", abort=True, err=True)
        headers = {"If-Match": f'"{found["revision"]}"'}
        client.call("DELETE", f"/v1/assets/{found['id']}", headers=headers, params={"wait_for": "searchable"})
    echo(f"deleted {found['id']}")


@click.command()
@_asset_argument
@_project_option
@json_option
def restore(asset: str, project: str | None, as_json: bool) -> None:
    """Restore the deleted asset with the id ASSET."""
    with service(load_settings()) as client:
        found = _get(client, asset, project)
        restored = client.call(
            "POST", f"/v1/assets/{found['id']}/restore", repeatable=True, params={"wait_for": "searchable"}
        )
    _print(restored, as_json)


def _get(client: AmpClient, asset: str, project: str | None) -> dict[str, Any]:
    path = "/v1/assets/" if project is None else f"/v1/assets/by-external-id/{path_segment(project)}/"
    try:
        found: dict[str, Any] = client.get(path + path_segment(asset), deleted="true")
    except ServiceError as e:
        if project is None and e.problem.get("type") == "urn:amp:problem:invalid-id":
            raise click.UsageError(f"{asset} is not an asset id; --project finds an external id") from e
        raise
    return found


def _edited(content: dict[str, Any]) -> dict[str, Any]:
    """Return what the user makes of the content in an editor.

    :raises ClickException: the text is not a JSON object, or the editor was left without saving.
    """
    text = click.edit(json.dumps(content, ensure_ascii=False, indent=2) + "\n", extension=".json")
    if text is None:
        return content
    try:
        edited = parse_json(text)
    except ValueError as e:
        raise click.ClickException(f"nothing was changed, because the text is not JSON: {e}\n{text}") from e
    if not isinstance(edited, dict):
        raise click.ClickException(f"nothing was changed, because the text is not a JSON object\n{text}")
    return edited


def _changed(
    content: dict[str, Any],
    name: str | None,
    set_: tuple[str, ...],
    remove: tuple[str, ...],
    labels: tuple[str, ...],
    unlabel: tuple[str, ...],
) -> dict[str, Any]:
    values = {key: json_or_text(text) for key, text in pairs("--set", set_).items()}
    for key in remove:
        if key not in content["metadata"] and key not in values:
            raise click.UsageError(f"--remove {key}: the asset has no such field")
    update = MetadataUpdate(
        set={key: value for key, value in values.items() if key not in remove},
        remove=remove,
        add_labels=labels,
        remove_labels=unlabel,
    )
    return {
        "name": content["name"] if name is None else name,
        "labels": list(update.apply_labels(content["labels"])),
        "metadata": update.apply(content["metadata"]),
    }


def _print(asset: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(asset)
        return
    rows = [(member, asset[member]) for member in ("name", *_IDENTITY, "labels", *_TIMES)]
    rows += [(f"metadata.{key}", value) for key, value in asset["metadata"].items()]
    print_table(("member", "value"), [(member, value) for member, value in rows if value not in (None, "", [])])
