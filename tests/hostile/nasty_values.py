"""Values that break programs, and random mixtures of them."""

import random

NUMBERS = [
    "0", "-0", "-1", "1", "0.1", "1e-300", "1e300", "1e309", "inf", "-inf", "nan", "NaN", "2e9", "1" + "0" * 20,
    "9" * 5000, "0x10", "1_000", " 5 ", "१", "1e", "--1", "9223372036854775808", "65535", "65536", "65537",
]  # fmt: skip
TEXTS = [
    "", " ", ",", ",,", ":", "::", "..", ".", "/", "//", "%", "%00", "%zz", "\\", "'", '"', "{", "}", "[", "]", "null",
    "a\nb", "a\tb", "\x1b[2J", "\x7f", "\x9b31m", "\u202egnp", "\u2028", "\udcff", "a\udc80b", "\U0001f469", "e\u0301",
    "x" * 300, "é" * 5000, "-", "--", "-x", "=", "a=b", "a==", "=b", "*", "?", "#", "@", "true", "None",
]  # fmt: skip
ADDRESSES = [
    "http://", "http://[", "http://[::1", "http://[::1]:9200", "http://h:70000", "http://h:-1", "http://h:x", "http://a..b:1",
    "https://me:pw@h:1", "http://me:p/w@h:1", "redis://h?password=pw", "redis://h:1/0?foo=bar", "redis://h:1/x",
    "rediss://h:1?ssl_cert_reqs=x", "unix://", "unix:///s?db=x", "h:65537", "h:0", "[::1]:1", "::1", "h h:1", "//h:1",
    "ftp://h:1", "javascript:alert(1)", "http://h:1/?q#f", "http://\u0661:1", "http://h:\u0661", "http://" + "a" * 300,
    "host:9092,other:9092", "dc1:3,dc2:0", "dc1:3,dc1:2", "dc1", ":3", "dc1:x", "https://*:1", "file:///etc/passwd",
]  # fmt: skip
TIMES = [
    "0001-01-01", "9999-12-31", "9999-12-31T23:59:59.999Z", "10000-01-01", "1969-12-31", "2026-02-30", "2026-01-01",
    "2026-01-01T00:00:00", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00+99:99", "today", "0000-00-00",
]  # fmt: skip
JSON_TEXTS = [
    "NaN", "[NaN]", '{"a": Infinity}', '"\\ud800"', '{"name": "\\ud800", "fields": {}}', "[" * 5000, '{"a":' * 5000,
    '{"q": "x", "sort": [1]}', '{"q": 1}', '{"field": "metadata.a", "eq": NaN}', '{"all": []}',
    '{"any": [{"not": {}}]}',
    '{"field": "name", "in": [' + "1," * 2000 + "1]}", '{"query": {"field": "name", "eq": 1e400}}', "9" * 5000,
    '{"name": "t", "fields": {"a": {"type": "long", "minimum": NaN}}}', '{"name": "", "fields": {}}', '{"name": 5}',
    '{"name": "..", "fields": {}}', '{"fields": []}', '{"size": -1, "query": {"all": []}}', '{"cursor": "x", "q": ""}',
]  # fmt: skip
ALL = [*NUMBERS, *TEXTS, *ADDRESSES, *TIMES, *JSON_TEXTS]


def nasty(draw: random.Random) -> str:
    """One of them, two of them side by side, or one that is damaged."""
    text = draw.choice(ALL)
    match draw.randrange(6):
        case 0:
            return text + draw.choice(ALL)
        case 1 if text:
            at = draw.randrange(len(text))
            return text[:at] + chr(draw.choice([draw.randrange(1, 0x250), draw.randrange(0xD800, 0xE000)])) + text[at:]
    return text
