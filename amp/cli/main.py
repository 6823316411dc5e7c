"""The `amp` command: its groups, its logging, and how it reports errors."""

import contextlib
import errno
import io
import logging
import os
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import IO, Any

import click

from amp.cli.admin import admin
from amp.cli.assets import delete, edit, restore, show
from amp.cli.completion import completion
from amp.cli.demo import demo
from amp.cli.doctor import doctor
from amp.cli.importing.command import import_
from amp.cli.processes import migrate, serve, worker
from amp.cli.search import search
from amp.cli.types import types
from amp.errors import AmpError, IncompatibleType, Invalid
from amp.logs import configure_logging
from amp.main_process import main_process_id
from amp.printable import printable, printable_lines


class _Amp(click.Group):
    """The root group. It reports every failure as one or more lines that say what is wrong, never as a traceback."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _errors_escaped():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _errors_escaped():
            try:
                return super().invoke(ctx)
            except AmpError as e:
                raise click.ClickException(_describe(e)) from e
            except OSError as e:
                if e.errno == errno.EPIPE or e.filename is None:
                    raise
                raise click.ClickException(f"{os.fsdecode(e.filename)}: {e.strerror}") from e


class _EscapedError(click.ClickException):
    """A click error whose text is escaped when it is printed, because it may quote data or arguments."""

    def __init__(self, error: click.ClickException) -> None:
        super().__init__(error.message)
        self.exit_code: int = error.exit_code  # type: ignore[misc]  # 2 for a usage error
        self._error = error

    def show(self, file: IO[Any] | None = None) -> None:
        text = io.StringIO()
        self._error.show(text)
        click.echo(printable_lines(text.getvalue()), file=file, err=True, nl=False)


@contextlib.contextmanager
def _errors_escaped() -> Iterator[None]:
    try:
        yield
    except _EscapedError:
        raise
    except click.ClickException as e:
        raise _EscapedError(e) from e


def _describe(error: AmpError) -> str:
    problems = error.faults if isinstance(error, Invalid | IncompatibleType) else ()
    return "\n".join([error.message, *(printable(f"  {fault.pointer}: {fault.detail}") for fault in problems)])


@click.group(cls=_Amp, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("amp-assets"), prog_name="amp")
def cli() -> None:
    """Store and search the metadata of digital assets.

    Commands use the server at AMP_URL, or else the local server. In the embedded profile, if no server runs, they open
    the data folder (AMP_DATA_DIR) themselves. Only the commands that may be the first to write create the folder: `amp
    serve`, `amp import`, `amp migrate`, `amp types create` and `amp admin buckets init`. All settings are environment
    variables; `amp doctor` prints them.

    Exit codes: 0 success, 1 failure, 2 usage error or a file that cannot be read.
    """
    # A command must not fail because the terminal cannot display a character.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Commands print what their user needs to know. `serve` and `worker` set log levels of their own.
    configure_logging("error")
    logging.getLogger().setLevel(logging.CRITICAL)


for command in (
    *(serve, worker, migrate),
    *(types, import_, search, show, edit, delete, restore),
    *(admin, doctor, demo, completion),
):
    cli.add_command(command)


def main() -> None:
    main_process_id()  # must be recorded before any child is forked
    cli(prog_name="amp")
