"""The one tokenizer: cuts text into words before it reaches either index, so that both answer alike."""

import re
import unicodedata

#: Longer words are cut, at index and at query alike: Elasticsearch's whitespace tokenizer would cut at 255.
MAX_TOKEN = 128

#: One ideograph or kana at a time (those scripts put no space between words); numbers with their decimal points;
#: everything else as runs of letters, marks and digits.
_WORD = re.compile(
    r"[\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd]"
    r"|\d+(?:\.\d+)+"
    r"|[^\W_\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd]+"
)
_APOSTROPHES = {ord("'"): None, ord("’"): None, ord("ʼ"): None}


def tokenize(text: str) -> list[str]:
    """The words of `text` in order: case and accents folded, apostrophes dropped (`don't` → `dont`), punctuation and
    `_` parting words, a number's decimal points kept (`3.14`), each ideograph a word of its own.
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
