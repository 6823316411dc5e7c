"""Parameter types and parsers that reject invalid values of options before a command uses them."""

import json
import math
from typing import Any

import click


class FiniteRange(click.FloatRange):
    """A finite number within bounds. click's own type accepts `nan`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


#: A rate per second, within the bounds of the settings and the API.
RATE = FiniteRange(0.1, 1e9)


def parse_json(text: str) -> Any:
    """Parse JSON text.

    :raises ValueError: the text is not JSON, contains NaN or infinity, or is nested too deeply.
    """
    try:
        return json.loads(text, parse_constant=_reject)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def json_or_text(text: str) -> Any:
    """Return the value that JSON text represents, or the text if it is not JSON."""
    try:
        return parse_json(text)
    except ValueError:
        return text


def pairs(option: str, texts: tuple[str, ...]) -> dict[str, str]:
    """Parse the values `KEY=VALUE` of an option.

    :raises UsageError: one is not of this form, or a key is given twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise click.UsageError(f"{option} {text!r} is not of the form KEY=VALUE")
        if key in found:
            raise click.UsageError(f"{option} names {key!r} twice")
        found[key] = value
    return found


def _reject(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")
