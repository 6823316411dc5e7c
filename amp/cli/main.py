"""The `amp` command."""

import logging
from importlib.metadata import version
from typing import Any

import click

from amp.cli.admin import admin
from amp.cli.completion import completion
from amp.cli.demo import demo
from amp.cli.doctor import doctor
from amp.cli.import_command import import_
from amp.cli.processes import migrate, serve, worker
from amp.cli.search import search
from amp.cli.types import types
from amp.errors import AmpError, IncompatibleType, Invalid
from amp.logs import configure_logging


class _Amp(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AmpError as e:
            raise click.ClickException(_told(e)) from e


def _told(error: AmpError) -> str:
    faults = error.faults if isinstance(error, Invalid | IncompatibleType) else ()
    return "\n".join([error.message, *(f"  {fault.pointer}: {fault.detail}" for fault in faults)])


@click.group(cls=_Amp, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("amp-assets"), prog_name="amp")
def cli() -> None:
    """AMP keeps the metadata of digital assets and makes them findable.

    Commands talk to the server at AMP_URL, or to the local one. Without a server, on the embedded set, they open the
    data folder (AMP_DATA_DIR) themselves. All settings are environment variables; `amp doctor` shows them.

    Exit codes: 0 done, 1 failed, 2 called the wrong way.
    """
    # What matters to a command's caller is told by the command; `serve` and `worker` set levels of their own.
    configure_logging("error")
    logging.getLogger().setLevel(logging.CRITICAL)


for command in (serve, worker, migrate, types, import_, search, admin, doctor, demo, completion):
    cli.add_command(command)


def main() -> None:
    cli(prog_name="amp")
