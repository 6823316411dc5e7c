"""The tokenizer: divides text into words before it reaches a search index, so that every index answers alike."""

import re
import unicodedata

#: Longer words are divided, in documents and in queries: Elasticsearch's whitespace tokenizer would do so at 255.
MAX_TOKEN = 128

#: A word is one ideograph or kana (these scripts have no spaces between words), a number with its decimal points, or a
#: run of letters, marks and digits.
_WORD = re.compile(
    r"[\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd]"
    r"|\d+(?:\.\d+)+"
    r"|[^\W_\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd]+"
)
_APOSTROPHES = {ord("'"): None, ord("’"): None, ord("ʼ"): None}


def tokenize(text: str) -> list[str]:
    """Return the words of `text` in order. Case and accents are folded and apostrophes removed (`don't` → `dont`).
    Punctuation and `_` separate words, except for decimal points in a number (`3.14`). Each ideograph is a word.
    """
    if text.isascii():
        folded = text.lower().replace("'", "")
    else:
        decomposed = unicodedata.normalize("NFKD", text.casefold()).casefold()
        kept = "".join(c for c in decomposed if not unicodedata.combining(c))
        folded = unicodedata.normalize("NFKC", kept.translate(_APOSTROPHES))
    words = _WORD.findall(folded)
    if any(len(word) > MAX_TOKEN for word in words):
        return [word[i : i + MAX_TOKEN] for word in words for i in range(0, len(word), MAX_TOKEN)]
    return words
