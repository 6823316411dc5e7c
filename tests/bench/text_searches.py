"""Searches for words, and their right answers, which are found without an index."""

import random
import sqlite3
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from amp.domain.tokens import tokenize
from tests.bench.text_documents import FIELDS, TextDocument
from tests.bench.text_indexes import Query, TextIndex

_SEED = 7
#: Documents of one kind are one in this number.
KINDS = 100


@dataclass(frozen=True)
class Search:
    """A kind of search, with example words. Each example is one query."""

    name: str
    examples: tuple[tuple[int, tuple[str, ...]], ...]  #: field (0: any) and words
    form: str = "anywhere"  #: anywhere, in_entry, prefix, phrase, filter or sort

    def query(self, index: TextIndex, connection: sqlite3.Connection, of_field: int, words: Sequence[str]) -> Query:
        """:raises LookupError: the index does not support this kind of search."""
        match self.form:
            case "in_entry":
                return index.in_entry(connection, of_field, words)
            case "prefix":
                return index.prefix(words[0])
            case "phrase":
                query = index.phrase(words)
                if query is None:
                    raise LookupError(self.form)
                return query
            case "filter":
                condition, values = index.holds(words[0])
                return f"SELECT d.doc AS doc FROM documents d WHERE d.kind = 0 AND {condition}", values
        return index.anywhere(connection, words)

    def accepts(self, document: TextDocument, of_field: int, words: Sequence[str]) -> bool:
        """Return whether the document, which has all the words, is an answer."""
        if self.form == "phrase":
            phrase = f" {' '.join(words)} "
            return any(phrase in f" {' '.join(text.words)} " for text in document.texts)
        if self.form == "in_entry":
            return any(text.field == of_field and set(words) <= set(text.words) for text in document.texts)
        return self.form != "filter" or document.doc % KINDS == 0


def examples(contents: Sequence[TextDocument]) -> tuple[Search, ...]:
    rng = random.Random(_SEED)
    counts = Counter(word for document in contents for word in {w for text in document.texts for w in text.words})

    def words(low: float, high: float, number: int = 10) -> list[str]:
        within = sorted(word for word, n in counts.items() if low <= n / len(contents) < high and word.isascii())
        return rng.sample(within, min(number, len(within)))

    def alone(chosen: Sequence[str]) -> tuple[tuple[int, tuple[str, ...]], ...]:
        return tuple((0, (word,)) for word in chosen)

    frequent, medium, rare = words(0.1, 0.5), words(0.005, 0.02), words(0.00005, 0.0005)
    pairs = [
        (text.field, tuple(rng.sample(sorted(set(text.words)), 2)))
        for document in rng.sample(contents, 30)
        for text in document.texts
        if text.field in (FIELDS["name"], FIELDS["notes"], FIELDS["cast"]) and len(set(text.words)) > 1
    ][:20]
    fixed = ((FIELDS["Source"], ("original", "screenplay")), (FIELDS["Distributor"], ("sony", "pictures")))
    phrases = [
        (0, pair)
        for document in contents[:10]
        for pair in zip(document.texts[-3].words, document.texts[-3].words[1:], strict=False)
    ]
    return (
        Search("one rare word", alone(rare)),
        Search("one word in 1 % of documents", alone(medium)),
        Search("one frequent word", alone(frequent)),
        Search("two words in one entry, varied", tuple(pairs), "in_entry"),
        Search("two frequent words in one entry", fixed, "in_entry"),
        Search("rare and frequent word, anywhere", tuple((0, pair) for pair in zip(rare, frequent, strict=False))),
        Search("two frequent words, anywhere", tuple((0, pair) for pair in pairwise(frequent))),
        Search(
            "ideographs in one entry", ((FIELDS["place"], ("渋", "谷")), (FIELDS["place"], ("大", "阪"))), "in_entry"
        ),
        Search("prefix of 3 letters", alone([word[:3] for word in medium if len(word) > 3]), "prefix"),
        Search("phrase of two words", tuple(phrases[:10]), "phrase"),
        Search("word as a filter of 1 % of documents", alone(frequent), "filter"),
        Search("one frequent word, sorted by title", alone(frequent), "sort"),
    )


def count_right_answers(
    connections: Mapping[TextIndex, sqlite3.Connection], searches: Sequence[Search], contents: Sequence[TextDocument]
) -> int:
    """Return the number of answers of all indices. Every one must be right."""
    having: dict[str, dict[int, TextDocument]] = defaultdict(dict)
    for document in contents:
        for text in document.texts:
            for word in text.words:
                having[word][document.doc] = document
    compared = 0
    for search in searches:
        for of_field, words in search.examples:
            if search.form == "prefix":
                expected = {doc for word, docs in having.items() if word.startswith(words[0]) for doc in docs}
            else:
                candidates = set.intersection(*(set(having[word]) for word in words))
                expected = {doc for doc in candidates if search.accepts(having[words[0]][doc], of_field, words)}
            for index, connection in connections.items():
                try:
                    sql, values = search.query(index, connection, of_field, words)
                except LookupError:
                    continue
                found = {doc for (doc,) in connection.execute(sql, values)}
                assert found == expected, (index.name, search.name, of_field, words, len(found), len(expected))
                compared += 1
    return compared


def changed_words(tokenizer: str) -> list[str]:
    """Return the words of our tokenizer that the tokenizer of FTS5 does not keep as they are, each from one character
    or from a number.
    """
    characters = (chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    words = dict.fromkeys(word for text in (*characters, "3.14") for word in tokenize(text))
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE VIRTUAL TABLE fts USING fts5(text, tokenize=\"{tokenizer} tokenchars '.'\")")
    connection.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(fts, row)")
    connection.executemany("INSERT INTO fts (text) VALUES (?)", [(word,) for word in words])
    kept = {term for (term,) in connection.execute("SELECT term FROM terms WHERE doc = 1 AND cnt = 1")}
    connection.close()
    return [word for word in words if word not in kept]
