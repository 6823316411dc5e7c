"""Assets to measure with: drawn from a seed, so that every run measures the same work."""

import random
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from amp.bootstrap import Amp
from amp.domain.changes import Draft
from amp.domain.principals import Principal
from amp.domain.types import Field, FieldType
from amp.services.assets.creation import CreateRequest

SEED = 20
_PRINCIPAL = Principal("bench")
_AT_ONCE = 1_000
_CODECS = ("h264", "h265", "prores", "av1", "vp9", "dnxhd", "mjpeg", "raw")
_WORDS = [
    "night",
    "day",
    "interior",
    "exterior",
    "city",
    "forest",
    "river",
    "mountain",
    "chase",
    "dialogue",
    "close",
    "wide",
    "aerial",
    "storm",
    "crowd",
]


def fields(entries: int) -> dict[str, Field]:
    """A type with `entries` fields: five telling ones, the rest of every kind in turn."""
    named = {
        "cameraId": Field(type=FieldType.LONG),
        "codec": Field(type=FieldType.STRING),
        "duration": Field(type=FieldType.DOUBLE),
        "shot": Field(type=FieldType.DATE),
        "approved": Field(type=FieldType.BOOLEAN),
    }
    kinds = (FieldType.STRING, FieldType.LONG, FieldType.DOUBLE, FieldType.STRING)
    return named | {f"extra{n}": Field(type=kinds[n % len(kinds)]) for n in range(entries - len(named))}


def drafts(type_name: str, entries: int, count: int, seed: int = SEED) -> Iterator[Draft]:
    rng = random.Random(seed)
    for n in range(count):
        yield Draft(type=type_name, name=f"clip {n}", metadata=_metadata(rng, entries))


def create(amp: Amp, wanted: Iterable[Draft]) -> None:
    """On return their events are in the queue."""
    left = iter(wanted)
    while orders := [CreateRequest(draft) for draft in islice(left, _AT_ONCE)]:
        made = amp.assets.creation.create_many(orders, _PRINCIPAL)
        assert not any(isinstance(asset, Exception) for asset in made), made[0]
    amp.outbox.publisher.close(60)


def _metadata(rng: random.Random, entries: int) -> dict[str, Any]:
    values: dict[str, Any] = {
        "cameraId": rng.randrange(1_000),
        "codec": rng.choice(_CODECS),
        "duration": rng.uniform(0, 7200),
        "shot": f"20{rng.randrange(10, 27)}-0{rng.randrange(1, 10)}-1{rng.randrange(10)}",
        "approved": rng.random() < 0.5,
    }
    for n in range(entries - len(values)):
        kind = n % 4
        values[f"extra{n}"] = (
            rng.choice(_WORDS)
            if kind == 0
            else rng.randrange(1 << 40)
            if kind == 1
            else rng.random()
            if kind == 2
            else " ".join(rng.sample(_WORDS, 3))
        )
    return values
