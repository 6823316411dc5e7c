"""`amp admin dead-letters`: messages that no further try can help before their cause is gone."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import click

from amp.cli.client import path_segment
from amp.cli.connection import service
from amp.cli.output import echo, echo_block, json_option, print_json, print_table
from amp.settings import load_settings

_LETTERS = "/v1/admin/dead-letters"


@click.group("dead-letters", invoke_without_command=True)
@json_option
@click.pass_context
def dead_letters(ctx: click.Context, as_json: bool) -> None:
    """List messages that were put aside, show one, replay or discard them.

    \b
    Examples:
      amp admin dead-letters
      amp admin dead-letters list --job 01912345-6789-7abc-8def-0123456789ab
      amp admin dead-letters replay --reason 'mapper'
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_, limit=50, job=None, reason=None, as_json=as_json)


@dead_letters.command("list")
@click.option("--job", metavar="ID", help="Of this job only.")
@click.option("--reason", metavar="TEXT", help="Whose reason contains this text.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True, help="How many.")
@json_option
def list_(job: str | None, reason: str | None, limit: int, as_json: bool) -> None:
    """List the newest."""
    with service(load_settings()) as client:
        items = list(islice(client.pages(_LETTERS, job=job, reason=reason), limit))
    if as_json:
        print_json(items)
        return
    rows = [
        (item["id"], item["job"] or "live", item["asset"], item["attempts"], item["last_at"], item["reason"][:100])
        for item in items
    ]
    print_table(("id", "job", "asset", "attempts", "last", "reason"), rows)


@dead_letters.command()
@click.argument("dead_letter_id", metavar="ID")
@json_option
def show(dead_letter_id: str, as_json: bool) -> None:
    """Show one with its message and stack trace."""
    with service(load_settings()) as client:
        dead_letter = client.get(f"{_LETTERS}/{path_segment(dead_letter_id)}")
    if as_json:
        print_json(dead_letter)
        return
    for name, value in dead_letter.items():
        if value not in (None, ""):
            echo_block(name, str(value))


def _which(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        json_option,
        click.option("--reason", metavar="TEXT", help="Those whose reason contains this text."),
        click.option("--job", metavar="ID", help="Those of this job."),
        click.option("--all", "all_", is_flag=True, help="Every one."),
        click.argument("ids", nargs=-1, metavar="[ID]..."),
    ):
        command = option(command)
    return command


@dead_letters.command()
@_which
def replay(**which: Any) -> None:
    """Hand them to the workers again, once their cause is gone.

    One whose work succeeds disappears from the list; one that fails again has one attempt more.
    """
    _steer("replay", **which)


@dead_letters.command()
@_which
def discard(**which: Any) -> None:
    """Forget them."""
    _steer("discard", **which)


def _steer(what: str, ids: tuple[str, ...], all_: bool, job: str | None, reason: str | None, as_json: bool) -> None:
    if not (ids or all_ or job or reason):
        raise click.UsageError("say which: ids, --all, --job or --reason")
    given = {"ids": list(ids) or None, "all": all_ or None, "job": job, "reason": reason}
    with service(load_settings()) as client:
        done = client.call("POST", f"{_LETTERS}/{what}", body={k: v for k, v in given.items() if v is not None})
    if as_json:
        print_json(done)
        return
    for name in ("replayed", "discarded"):
        if name in done:
            echo(f"{done[name]:,} {name}")
    for kept in done.get("kept", ()):
        echo(f"{kept['count']:,} kept: {kept['reason']}")
