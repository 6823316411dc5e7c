"""The error of an import that cannot begin."""

import click


class ImportRefused(click.ClickException):
    """The import cannot begin, or not without a choice that only its user can make. Nothing was changed."""

    exit_code = click.UsageError.exit_code
