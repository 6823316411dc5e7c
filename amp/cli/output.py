"""What commands print: JSON for scripts, tables and lines for people; nothing in data moves the reader's cursor."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from amp.printable import printable, printable_json

#: Tables that go into a file or a pipe are as wide as they need.
_WIDE = 10_000

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def echo(text: str, *, err: bool = False) -> None:
    """One line, whatever is in it."""
    click.echo(printable(text), err=err)


def echo_block(name: str, text: str) -> None:
    """`name: text`, or its lines below the name, indented so that none of them passes for another name."""
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
    heads = map(printable, columns)
    table = Table(*heads, title=title and printable(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
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
