"""The tokenizer: which words a text has."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.domain.tokens import MAX_TOKEN, tokenize

ascii_texts = st.text(st.characters(max_codepoint=127), max_size=60)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("--- !?", []),
        ("Hello, World", ["hello", "world"]),
        ("foo_bar-baz", ["foo", "bar", "baz"]),
        ("don't", ["dont"]),
        ("don’t", ["dont"]),
        ("3.14", ["3.14"]),
        ("10.0.0.1:80", ["10.0.0.1", "80"]),
        ("end. 5.", ["end", "5"]),
        ("v2", ["v2"]),
        ("Crème Brûlée", ["creme", "brulee"]),
        ("Straße", ["strasse"]),
        ("ÅNGSTRÖM", ["angstrom"]),
        ("ﬁne", ["fine"]),
        ("ＡＢＣ１２", ["abc12"]),
        ("東京 tower", ["東", "京", "tower"]),
        ("東京tower", ["東", "京", "tower"]),
        ("한국어", ["한국어"]),
        ("Привет мир", ["привет", "мир"]),
        ("a\u00a0b\u3000c", ["a", "b", "c"]),
        ("𐐀", ["𐐨"]),
    ],
)
def test_a_text_is_cut_into_these_words(text: str, words: list[str]) -> None:
    assert tokenize(text) == words


@given(st.text(max_size=100))
def test_words_survive_a_cut_at_white_space(text: str) -> None:
    words = tokenize(text)
    assert " ".join(words).split() == words
    assert all(0 < len(word) <= MAX_TOKEN for word in words)
    assert not any(re.search(r"\s", word) for word in words)


@given(st.text(max_size=100))
def test_composed_and_decomposed_text_have_the_same_words(text: str) -> None:
    from unicodedata import normalize

    assert tokenize(normalize("NFC", text)) == tokenize(normalize("NFD", text))


@given(ascii_texts)
def test_plain_text_has_the_same_words_beside_foreign_ones(text: str) -> None:
    assert tokenize(text + " é") == [*tokenize(text), "e"]


@given(ascii_texts)
def test_case_does_not_matter(text: str) -> None:
    assert tokenize(text.upper()) == tokenize(text.lower()) == tokenize(text)


def test_a_long_word_is_cut_alike_wherever_it_stands() -> None:
    word = "x" * (2 * MAX_TOKEN + 3)
    parts = ["x" * MAX_TOKEN, "x" * MAX_TOKEN, "xxx"]
    assert tokenize(word) == parts
    assert tokenize(f"a {word} b") == ["a", *parts, "b"]
