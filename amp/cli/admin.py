"""`amp admin`: what operators do."""

import click

from amp.cli.admin_assets import backfill, check, delete, fix, migrate_type, purge, restore, update
from amp.cli.admin_buckets import buckets
from amp.cli.admin_dead_letters import dead_letters
from amp.cli.admin_jobs import jobs


@click.group()
def admin() -> None:
    """Work on some or all assets, and look after time buckets, jobs and dead letters."""


for command in (backfill, update, migrate_type, delete, restore, purge, check, fix, jobs, dead_letters, buckets):
    admin.add_command(command)
