"""`amp admin`: what operators do."""

import click

from amp.cli.admin_buckets import buckets
from amp.cli.admin_jobs import jobs


@click.group()
def admin() -> None:
    """Look at time buckets and jobs, and steer them."""


admin.add_command(buckets)
admin.add_command(jobs)
