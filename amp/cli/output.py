"""Prints JSON for scripts, and tables and lines for people. Control characters in data are escaped."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from amp.printable import printable, printable_json

#: Width of tables that are written to a file or a pipe, so that their lines are not wrapped.
_WIDE = 10_000

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def echo(text: str, *, err: bool = False) -> None:
    """Print `text` as one line; line breaks in it are escaped."""
    click.echo(printable(text), err=err)


def echo_block(name: str, text: str) -> None:
    """Print `name: text`.

    The lines of a longer text are printed below the name, indented so that none of them looks like another name.
    """
    first, *others = text.rstrip("\n").split("\n")
    if not others:
        echo(f"{name}: {first}")
        return
    echo(f"{name}:")
    for line in (first, *others):
        echo(f"  {line}")


def print_json(value: Any) -> None:
    click.echo(printable_json(json.dumps(value, ensure_ascii=False, indent=2)))


def print_json_line(value: Any) -> None:
    click.echo(printable_json(json.dumps(value, ensure_ascii=False)))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """Print a table. On a narrow terminal, long values continue on the next line; nothing is cut."""
    table = Table(title=title and printable(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(printable(column), overflow="fold")
    for row in rows:
        table.add_row(*map(_cell, row))
    console().print(table)


def console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _WIDE, highlight=False, markup=False)


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return printable(value)
        case list():
            return ", ".join(map(_cell, value))
    return printable(json.dumps(value, ensure_ascii=False))
