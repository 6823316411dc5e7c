"""Addresses are refused as a whole or used as a whole, and no part of a secret is displayed."""

import pytest

from amp.addresses import MASK, check_host, check_url, masked, split_host


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1:9142", ("10.0.0.1", 9142)),
        ("db.example.org", ("db.example.org", 9042)),
        ("[::1]:9142", ("::1", 9142)),
        ("[::1]", ("::1", 9042)),
        ("::1", ("::1", 9042)),
    ],
)
def test_a_host_may_come_with_a_port(text: str, expected: tuple[str, int]) -> None:
    assert split_host(text, 9042) == expected


@pytest.mark.parametrize(
    "text",
    ["", ":9042", "db:", "db:70000", "db:0", "db:-1", "db:x", "db:９０42", "me:pw@db:1", "a b", "[::1", "[x]:1", "a..b",
     "::1::2", "a" * 70 + ".org", "http://db:1"],
)  # fmt: skip
def test_what_is_not_a_host_with_a_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"port|host name") as refused:
        split_host(text, 9042)
    assert not text or text not in str(refused.value)


@pytest.mark.parametrize("host", ["localhost", "0.0.0.0", "::", "fe80::1%eth0", "müller.example", "my_host"])
def test_names_and_ip_addresses_are_hosts(host: str) -> None:
    check_host(host)


@pytest.mark.parametrize(
    "text",
    ["http://", "http://h:70000", "http://h:0", "http://[::1", "ftp://h:1", "h:1", "http://h h:1", "http://h:1?a=b",
     "http://h:1/#x", "http://u:p/w@h:1", "http://u:p?w@h:1", "http://u:p#w@h:1", "http://u:1/w@h:1", "//h:1",
     "http://a..b:1", "http://h:١"],
)  # fmt: skip
def test_a_url_that_cannot_be_used_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"URL|path|port|host|options") as refused:
        check_url(text, ("http", "https"))
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://me:hunter2@h:1/0", f"redis://{MASK}@h:1/0"),
        ("redis://:hunter2@h/0", f"redis://{MASK}@h/0"),
        ("redis://h:1/0?password=hunter2&db=3", f"redis://h:1/0?password={MASK}&db={MASK}"),
        ("redis://h?hunter2", f"redis://h?{MASK}"),
        ("redis://h?p%61ssword=hunter2", f"redis://h?{MASK}"),
        ("unix:///run/redis.sock?password=hunter2", f"unix:///run/redis.sock?password={MASK}"),
        ("redis://me:hunt@er2@h:1", f"redis://{MASK}@h:1"),
        ("https://me:hunter2@a:1/es,https://b:2", f"https://{MASK}@a:1/es,https://b:2"),
        ("https://me:hun,ter2@a:1", MASK),
        ("https://me:hun/ter2@a:1", MASK),
        ("https://me:1/hunter2@a:1", MASK),
        ("https://me:hun#ter2@a:1", MASK),
        ("https://me:hun?ter2@a:1", MASK),
        ("https://me:1#hunter2@a:1", MASK),
        ("redis://hunter2:1?x@a:1", MASK),
        ("me:hunter2@h:9092", MASK),
        ("http://[::1]:9200", "http://[::1]:9200"),
        ("http://[hunter2", MASK),
        ("a:9042,[::1]:9042", "a:9042,[::1]:9042"),
        ("not an address", MASK),
        ("", ""),
    ],
)
def test_an_address_is_displayed_without_its_secrets(text: str, expected: str) -> None:
    assert masked(text) == expected
    assert "hunter2" not in masked(text)
