"""Texts to measure inverted indices with: the films of `tests/data/movies.json`, repeated with varied words."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from amp.domain.tokens import tokenize

_MOVIES = Path(__file__).parents[1] / "data" / "movies.json"
_SEED = 20
#: The strings of a film that become entries of their own.
_STRINGS = ("MPAA Rating", "Distributor", "Source", "Major Genre", "Creative Type", "Director")
_PLACES = ("東京 渋谷", "大阪", "Zürich", "São Paulo", "Québec, don't miss", "Łódź", "Αθήνα", "Москва", "Super_35 1.85")

#: The numbers of fields. The first holds the words of the name, the last those of labels and external ids.
FIELDS = {key: number for number, key in enumerate(("name", *_STRINGS, "notes", "cast", "place", "other"), start=1)}


@dataclass(frozen=True, slots=True)
class Text:
    """One searchable value of a document."""

    field: int
    entry: int  #: number of the entry within the document
    words: tuple[str, ...]  #: in the order of the text


@dataclass(frozen=True, slots=True)
class TextDocument:
    doc: int
    title: str
    texts: tuple[Text, ...]


def documents(count: int) -> Iterator[TextDocument]:
    """Yield the same documents each time, numbered from 1. Repeated films differ in some words of every long value."""
    rng = random.Random(_SEED)
    movies: list[dict[str, Any]] = orjson.loads(_MOVIES.read_bytes())
    # A word occurs here as often as in the titles, so that the words drawn are as unevenly frequent as real ones.
    vocabulary = [word for movie in movies for word in str(movie["Title"] or "").split()]
    people = [str(movie["Director"]) for movie in movies if movie["Director"]]
    for n in range(count):
        movie = movies[n % len(movies)]
        title = str(movie["Title"] or "")
        if n >= len(movies):
            title = f"{title} {rng.choice(vocabulary)} {n // len(movies)}"
        values = [("name", title)]
        values += [(key, str(movie[key])) for key in _STRINGS if movie[key] is not None]
        values.append(("notes", " ".join(rng.choices(vocabulary, k=8))))
        values += [("cast", _person(rng, people)) for _ in range(3)]
        values.append(("place", rng.choice(_PLACES)))
        values.append(("other", f"reel-{n:06} {rng.choice(vocabulary)}"))
        yield TextDocument(n + 1, title, _texts(values))


def changed(document: TextDocument, doc: int) -> TextDocument:
    """Return the next version of the document, under its new number: its notes have other words."""
    texts = [
        Text(text.field, text.entry, (*text.words[1:], "changed")) if text.field == FIELDS["notes"] else text
        for text in document.texts
    ]
    return TextDocument(doc, document.title, tuple(texts))


def _person(rng: random.Random, people: Sequence[str]) -> str:
    return f"{rng.choice(people).split()[0]} {rng.choice(people).split()[-1]}"


def _texts(values: Sequence[tuple[str, str]]) -> tuple[Text, ...]:
    texts = [Text(FIELDS[key], entry, tuple(tokenize(value))) for entry, (key, value) in enumerate(values)]
    return tuple(text for text in texts if text.words)
