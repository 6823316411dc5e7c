"""`amp admin`: the commands for operators."""

import click

from amp.cli.admin_assets import backfill, check, delete, fix, migrate_type, purge, restore, update
from amp.cli.admin_buckets import buckets
from amp.cli.admin_dead_letters import dead_letters
from amp.cli.admin_jobs import jobs


@click.group()
def admin() -> None:
    """Run jobs over assets, and manage time buckets, jobs and dead letters."""


for command in (backfill, update, migrate_type, delete, restore, purge, check, fix, jobs, dead_letters, buckets):
    admin.add_command(command)
