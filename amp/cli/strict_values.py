"""Values that commands take, refused where they are given rather than where they would break something."""

import json
import math
from typing import Any

import click


class FiniteRange(click.FloatRange):
    """A number within bounds; `nan` is within none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


#: Per second, as settings and API take it.
RATE = FiniteRange(0.1, 1e9)


def parse_json(text: str) -> Any:
    """:raises ValueError: it is not JSON; NaN and infinity are none, nor is what is nested too deep to be read."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a value of JSON")
