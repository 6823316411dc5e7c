"""`amp admin dead-letters`: messages that no further attempt can process until the cause is fixed."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import click

from amp.cli.client import path_segment
from amp.cli.connection import service
from amp.cli.output import echo, echo_block, json_option, print_json, print_table
from amp.printable import printable
from amp.settings import load_settings

_DEAD_LETTERS = "/v1/admin/dead-letters"


@click.group("dead-letters", invoke_without_command=True)
@json_option
@click.pass_context
def dead_letters(ctx: click.Context, as_json: bool) -> None:
    """List dead letters, show one, replay or discard them.

    \b
    Examples:
      amp admin dead-letters
      amp admin dead-letters list --job 01912345-6789-7abc-8def-0123456789ab
      amp admin dead-letters replay --reason 'mapper'
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_, limit=50, job=None, reason=None, as_json=as_json)


@dead_letters.command("list")
@click.option("--job", metavar="ID", help="Only dead letters of this job.")
@click.option("--reason", metavar="TEXT", help="Only dead letters whose reason contains TEXT.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True, help="Maximum number.")
@json_option
def list_(job: str | None, reason: str | None, limit: int, as_json: bool) -> None:
    """List the newest dead letters."""
    with service(load_settings()) as client:
        items = list(islice(client.pages(_DEAD_LETTERS, job=job, reason=reason), limit))
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
    """Show the dead letter ID with its message and stack trace."""
    with service(load_settings()) as client:
        dead_letter = client.get(f"{_DEAD_LETTERS}/{path_segment(dead_letter_id)}")
    if as_json:
        print_json(dead_letter)
        return
    for name, value in dead_letter.items():
        if value not in (None, ""):
            echo_block(name, str(value))


def _selecting(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that select dead letters."""
    for option in (
        json_option,
        click.option("--reason", metavar="TEXT", help="The dead letters whose reason contains TEXT."),
        click.option("--job", metavar="ID", help="The dead letters of this job."),
        click.option("--all", "all_", is_flag=True, help="All dead letters."),
        click.argument("ids", nargs=-1, metavar="[ID]..."),
    ):
        command = option(command)
    return command


@dead_letters.command()
@_selecting
def replay(**options: Any) -> None:
    """Send dead letters to the workers again, after their cause was fixed.

    A dead letter that succeeds disappears from the list. One that fails again stays, and its attempts are counted.
    """
    _require_selection(**options)
    _control("replay", **options)


@dead_letters.command()
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@_selecting
def discard(yes: bool, **options: Any) -> None:
    """Remove dead letters without processing them. What failed then stays undone."""
    _require_selection(**options)
    if not (yes or options["ids"]):
        terms = " and ".join(f"{name} {options[name]!r}" for name in ("job", "reason") if options[name])
        question = f"discard the dead letters with {terms}?" if terms else "discard all dead letters?"
        if not click.confirm(printable(question), err=True):
            raise click.ClickException("nothing was done")
    _control("discard", **options)


def _require_selection(**options: Any) -> None:
    if not any(options[name] for name in ("ids", "all_", "job", "reason")):
        raise click.UsageError("select dead letters with ids, --all, --job or --reason")


def _control(action: str, ids: tuple[str, ...], all_: bool, job: str | None, reason: str | None, as_json: bool) -> None:
    options = {"ids": list(ids) or None, "all": all_ or None, "job": job, "reason": reason}
    selection = {name: value for name, value in options.items() if value is not None}
    with service(load_settings()) as client:
        result = client.call("POST", f"{_DEAD_LETTERS}/{action}", body=selection)
    if as_json:
        print_json(result)
        return
    for name in ("replayed", "discarded"):
        if name in result:
            echo(f"{result[name]:,} {name}")
    for kept in result.get("kept", ()):
        echo(f"{kept['count']:,} kept: {kept['reason']}")
