"""`python -m tests.support.stack up|run|down|status|env`: the servers of this checkout."""

from __future__ import annotations

import os
import subprocess
import sys

import click

from tests.support.stack import SHARED_FOLDER, NotAllStarted, Stack, StackError


@click.group()
def main() -> None:
    """The servers of this checkout, their data and logs in .stack."""


@main.command()
def up() -> None:
    """Start them, or find them running."""
    Stack(SHARED_FOLDER, environ=os.environ, say=click.echo).up()
    click.echo(f"Their addresses, as settings: . {os.path.relpath(SHARED_FOLDER)}/env")


@main.command()
@click.option("--wipe", is_flag=True, help="Remove their data and logs too.")
def down(wipe: bool) -> None:
    """Stop those that `up` started."""
    Stack(SHARED_FOLDER, say=click.echo).down(wipe=wipe)


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(command: tuple[str, ...]) -> None:
    """Start the servers that do not run, run COMMAND, and stop those servers; exit code of COMMAND.

    The servers are set up for one run of the tests: a crash may cost Cassandra its schema, which it changes faster.
    """
    stack = Stack(SHARED_FOLDER, environ=os.environ, brief=True, say=click.echo)
    try:
        started = stack.up()
    except NotAllStarted as e:
        stack.down(e.started)
        raise
    try:
        code = subprocess.run(command, check=False).returncode
    finally:
        stack.down(started)
    sys.exit(code)


@main.command()
def status() -> None:
    """Tell which run, and where; exit code 1 unless all do."""
    stack = Stack(SHARED_FOLDER, environ=os.environ)
    click.echo("\n".join(stack.status()))
    sys.exit(0 if stack.answers else 1)


@main.command()
def env() -> None:
    """Print their addresses as shell lines; exit code 1 unless all run."""
    stack = Stack(SHARED_FOLDER, environ=os.environ)
    if not stack.answers:
        raise StackError("the servers do not run; start them with `make up`")
    click.echo(stack.env(), nl=False)


if __name__ == "__main__":
    try:
        main()
    except StackError as error:
        sys.exit(str(error))
