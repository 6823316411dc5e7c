"""A small library of assets of three types, and what every condition finds in it."""

from amp.domain.criteria import (
    EVERYTHING,
    NOTHING,
    AllOf,
    AnyOf,
    Criteria,
    EntryExists,
    EntryMatches,
    NotOf,
    OneOf,
    Prefix,
    Range,
    RootExists,
    RootField,
    RootMatches,
    Test,
    TextMatches,
    Words,
)
from amp.domain.types import FieldType
from tests.support.search.profiles import NEW_YEAR_MS, asset

DAY_MS = 86_400_000
LIBRARY = [
    asset(
        "Night Market",
        at=-DAY_MS,
        external_id="ext-1",
        labels=["night", "street"],
        metadata={
            "codec": "h264",
            "tags": ("b-roll", "city"),
            "synopsis": "Rain over the night market; don't stop at 3.14",
            "cameraId": 42323243,
            "takes": (1, 5, 9),
            "gain": 0.5,
            "live": True,
            "shot": "2020-02-29T12:00:00.000Z",
            "code": 7,
        },
        updated_ms=NEW_YEAR_MS + 5,
    ),
    asset(
        "night train",
        at=1,
        labels=["night"],
        project="rail",
        metadata={
            "codec": "H264",
            "tags": ("city",),
            "cameraId": -(2**63),
            "takes": (4,),
            "gain": -2.0,
            "live": False,
            "shot": "0001-01-01T00:00:00.000Z",
            "code": 7,
        },
    ),
    asset(
        "Çédille 日本",
        at=2,
        external_id="ext-10",
        metadata={
            "codec": "hevc",
            "tags": ("🎬 cut", "￿end"),
            "synopsis": "日本 snow_bound",
            "cameraId": 2**63 - 1,
            "gain": 1e300,
            "shot": "9999-12-31T23:59:59.999Z",
        },
    ),
    asset("", at=3, metadata={"codec": "", "tags": (), "takes": (2, 8)}, version=3, revision=4),
    asset("portrait", at=DAY_MS, type_name="still", metadata={"codec": "h264", "code": "7"}, labels=["a", "z"]),
    asset("hum", at=DAY_MS + 1, type_name="sound", metadata={"code": 7.5}),
]
MARKET, TRAIN, JAPAN, BLANK, STILL, SOUND = (one.name for one in LIBRARY)
ALL = {MARKET, TRAIN, JAPAN, BLANK, STILL, SOUND}


def string(key: str, *tests: Test) -> Criteria:
    return EntryMatches(key, FieldType.STRING, tests)


def long(key: str, *tests: Test) -> Criteria:
    return EntryMatches(key, FieldType.LONG, tests)


def double(key: str, *tests: Test) -> Criteria:
    return EntryMatches(key, FieldType.DOUBLE, tests)


def date(key: str, *tests: Test) -> Criteria:
    return EntryMatches(key, FieldType.DATE, tests)


def root(field: RootField, *tests: Test) -> Criteria:
    return RootMatches(field, tests)


FIRST_MS, LEAP_MS, LAST_MS = -62_135_596_800_000, 1_582_977_600_000, 253_402_300_799_999
CASES: dict[str, tuple[Criteria, set[str]]] = {
    "everything": (EVERYTHING, ALL),
    "nothing": (NOTHING, set()),
    "string equals, case minded": (string("codec", OneOf(("h264",))), {MARKET, STILL}),
    "string is one of": (string("codec", OneOf(("h264", "hevc", "vp9"))), {MARKET, STILL, JAPAN}),
    "string equals the empty one": (string("codec", OneOf(("",))), {BLANK}),
    "string equals within an array": (string("tags", OneOf(("city",))), {MARKET, TRAIN}),
    "string equals under another key": (string("codec", OneOf(("city",))), set()),
    "string equals what is a number elsewhere": (string("code", OneOf(("7",))), {STILL}),
    "long equals what is text elsewhere": (long("code", OneOf((7,))), {MARKET, TRAIN}),
    "double equals": (double("code", OneOf((7.5,))), {SOUND}),
    "double is one of": (double("gain", OneOf((0.5, -2.0, 3.0))), {MARKET, TRAIN}),
    "greatest long": (long("cameraId", OneOf((2**63 - 1,))), {JAPAN}),
    "next to the greatest long": (long("cameraId", OneOf((2**63 - 2,))), set()),
    "least long": (long("cameraId", Range(high=-(2**63))), {TRAIN}),
    "long range, ends inside": (long("takes", Range(5, 8)), {MARKET, BLANK}),
    "long range, low end outside": (long("takes", Range(8, None, low_open=True)), {MARKET}),
    "long range, high end outside": (long("takes", Range(None, 2, high_open=True)), {MARKET}),
    "long range between elements": (long("takes", Range(6, 7)), set()),
    "several tests on one element": (long("takes", Range(4, None), Range(None, 4)), {TRAIN}),
    "a range that is empty": (long("takes", Range(9, 1)), set()),
    "tests of several kinds on one element": (string("tags", Prefix("c"), Range(None, "cit"), OneOf(("city",))), set()),
    "prefix and one of on one element": (string("tags", Prefix("ci"), OneOf(("b-roll", "city"))), {MARKET, TRAIN}),
    "open range of a kind": (double("code", Range()), {SOUND}),
    "double range": (double("gain", Range(-2.0, 0.5, low_open=True)), {MARKET}),
    "greatest double": (double("gain", Range(1e299, None)), {JAPAN}),
    "double range, integer bound": (double("gain", Range(0, 1)), {MARKET}),
    "boolean true": (EntryMatches("live", FieldType.BOOLEAN, (OneOf((True,)),)), {MARKET}),
    "boolean false": (EntryMatches("live", FieldType.BOOLEAN, (OneOf((False,)),)), {TRAIN}),
    "boolean either": (EntryMatches("live", FieldType.BOOLEAN, (OneOf((False, True)),)), {MARKET, TRAIN}),
    "date equals": (date("shot", OneOf((LEAP_MS,))), {MARKET}),
    "first and last date": (date("shot", OneOf((FIRST_MS, LAST_MS))), {TRAIN, JAPAN}),
    "date range, ends inside": (date("shot", Range(FIRST_MS, LEAP_MS)), {TRAIN, MARKET}),
    "date range, ends outside": (date("shot", Range(FIRST_MS, LEAP_MS, True, True)), set()),
    "date past the last but one ms": (date("shot", Range(LAST_MS - 1, None, low_open=True)), {JAPAN}),
    "date before 1970": (date("shot", Range(None, -1)), {TRAIN}),
    "string range": (string("codec", Range("h", "hevc")), {MARKET, STILL, JAPAN}),
    "string range, ends outside": (string("codec", Range("h264", "hevc", True, True)), set()),
    "string range from the empty one": (string("codec", Range("", "H264")), {BLANK, TRAIN}),
    "string range past the empty one": (string("codec", Range("", None, low_open=True)), {MARKET, TRAIN, JAPAN, STILL}),
    "strings order by code point, not by UTF-16": (string("tags", Range("￿end", "🎬 cut", True)), {JAPAN}),
    "prefix, case minded": (string("codec", Prefix("h")), {MARKET, JAPAN, STILL}),
    "prefix beyond the basic plane": (string("tags", Prefix("🎬")), {JAPAN}),
    "prefix of the last character below the surrogates": (string("tags", Prefix("\ud7ff")), set()),
    "empty prefix": (string("codec", Prefix("")), {MARKET, TRAIN, JAPAN, BLANK, STILL}),
    "prefix longer than any value": (string("codec", Prefix("h" * 8_000)), set()),
    "range from a bound longer than any value": (string("codec", Range("h2" * 4_000, "hevc")), {JAPAN}),
    "range up to a bound longer than any value": (string("codec", Range("h2", "h3" * 4_000, True)), {MARKET, STILL}),
    "open range from a long bound": (string("codec", Range("h2" * 4_000, None, True)), {JAPAN}),
    "root range from a bound longer than any value": (root(RootField.NAME, Range("n" * 8_000, None)), {STILL, JAPAN}),
    "root prefix longer than any value": (root(RootField.NAME, Prefix("n" * 8_000)), set()),
    **{
        f"{start} a name or tag {size} bytes long": (
            AnyOf((root(RootField.NAME, Range("p" * size, low_open=o)), string("tags", Range("p" * size, low_open=o)))),
            {JAPAN},
        )
        for size in (998, 999, 1_000, 1_001)
        for start, o in (("from", False), ("past", True))
    },
    "label range from a bound longer than any value": (root(RootField.LABELS, Range("n" * 8_000, "s")), set()),
    "label range from a long bound": (root(RootField.LABELS, Range("n" * 8_000, "t")), {MARKET}),
    "prefix minds wildcards as they are": (string("codec", Prefix("h*")), set()),
    "words of a text": (EntryMatches("synopsis", FieldType.TEXT, (Words(("rain", "3.14")),)), {MARKET}),
    "words in any order": (EntryMatches("synopsis", FieldType.TEXT, (Words(("market", "dont", "night")),)), {MARKET}),
    "words not all there": (EntryMatches("synopsis", FieldType.TEXT, (Words(("rain", "snow")),)), set()),
    "no part of a word": (EntryMatches("synopsis", FieldType.TEXT, (Words(("mark",)),)), set()),
    "ideographs": (EntryMatches("synopsis", FieldType.TEXT, (Words(("本", "bound")),)), {JAPAN}),
    "words of a string": (string("tags", Words(("roll", "b"))), {MARKET}),
    "words over two elements": (string("tags", Words(("roll", "city"))), set()),
    "words of a string are no text": (EntryMatches("tags", FieldType.TEXT, (Words(("roll",)),)), set()),
    "key exists": (EntryExists("takes"), {MARKET, TRAIN, BLANK}),
    "key exists in any kind": (EntryExists("code"), {MARKET, TRAIN, STILL, SOUND}),
    "an empty array is missing": (EntryExists("tags"), {MARKET, TRAIN, JAPAN}),
    "an empty string exists": (EntryExists("codec"), {MARKET, TRAIN, JAPAN, BLANK, STILL}),
    "no such key": (EntryExists("nope"), set()),
    "text anywhere": (TextMatches(("night",)), {MARKET, TRAIN}),
    "text in name, external id, labels, strings": (TextMatches(("market", "ext", "street", "city", "h264")), {MARKET}),
    "text with folded accents": (TextMatches(("cedille",)), {JAPAN}),
    "text not all there": (TextMatches(("night", "snow")), set()),
    "id": (root(RootField.ID, OneOf((str(LIBRARY[2].id), str(LIBRARY[5].id)))), {JAPAN, SOUND}),
    "external id": (root(RootField.EXTERNAL_ID, OneOf(("ext-1",))), {MARKET}),
    "external id prefix": (root(RootField.EXTERNAL_ID, Prefix("ext-1")), {MARKET, JAPAN}),
    "external id exists": (RootExists(RootField.EXTERNAL_ID), {MARKET, JAPAN}),
    "type": (root(RootField.TYPE, OneOf(("still", "sound"))), {STILL, SOUND}),
    "name equals": (root(RootField.NAME, OneOf(("Night Market",))), {MARKET}),
    "name equals the empty one": (root(RootField.NAME, OneOf(("",))), {BLANK}),
    "name exists, also empty": (RootExists(RootField.NAME), ALL),
    "name words": (root(RootField.NAME, Words(("night",))), {MARKET, TRAIN}),
    "name words and prefix": (root(RootField.NAME, Words(("night",)), Prefix("N")), {MARKET}),
    "project": (root(RootField.PROJECT, OneOf(("rail",))), {TRAIN}),
    "label": (root(RootField.LABELS, OneOf(("night",))), {MARKET, TRAIN}),
    "labels exist": (RootExists(RootField.LABELS), {MARKET, TRAIN, STILL}),
    "label range on one label": (root(RootField.LABELS, Range("b", None), Range(None, "c")), set()),
    "label range, open": (root(RootField.LABELS, Range("a", "o", low_open=True)), {MARKET, TRAIN}),
    "label prefix and one of": (root(RootField.LABELS, Prefix("n"), OneOf(("night", "street"))), {MARKET, TRAIN}),
    "label tests that no one label passes": (root(RootField.LABELS, Prefix("n"), OneOf(("street",))), set()),
    "state": (root(RootField.STATE, OneOf(("active",))), ALL),
    "state of none": (root(RootField.STATE, OneOf(("deleted",))), set()),
    "version": (root(RootField.VERSION, OneOf((3,))), {BLANK}),
    "version range": (root(RootField.VERSION, Range(1, 3, high_open=True)), ALL - {BLANK}),
    "created at": (root(RootField.CREATED, OneOf((NEW_YEAR_MS + 2,))), {JAPAN}),
    "created since": (root(RootField.CREATED, Range(NEW_YEAR_MS + 3, None)), {BLANK, STILL, SOUND}),
    "created after": (root(RootField.CREATED, Range(NEW_YEAR_MS + 3, None, low_open=True)), {STILL, SOUND}),
    "created before": (root(RootField.CREATED, Range(None, NEW_YEAR_MS + 1, high_open=True)), {MARKET}),
    "created between": (root(RootField.CREATED, Range(NEW_YEAR_MS - DAY_MS, NEW_YEAR_MS + 1)), {MARKET, TRAIN}),
    "updated after": (root(RootField.UPDATED, Range(NEW_YEAR_MS, None, low_open=True)), {MARKET}),
    "updated at": (root(RootField.UPDATED, OneOf((NEW_YEAR_MS,))), ALL - {MARKET}),
    "not": (NotOf(string("codec", OneOf(("h264",)))), {TRAIN, JAPAN, BLANK, SOUND}),
    "not of a root field": (NotOf(root(RootField.LABELS, OneOf(("night",)))), {JAPAN, BLANK, STILL, SOUND}),
    "not of not": (NotOf(NotOf(EntryExists("code"))), {MARKET, TRAIN, STILL, SOUND}),
    "not everything": (NotOf(EVERYTHING), set()),
    "not nothing": (NotOf(NOTHING), ALL),
    "not of a part of an array": (NotOf(long("takes", Range(5, None))), {TRAIN, JAPAN, STILL, SOUND}),
    "all": (AllOf((string("codec", Prefix("h")), long("takes", Range(5, None)))), {MARKET}),
    "all on different elements": (AllOf((long("takes", OneOf((2,))), long("takes", OneOf((8,))))), {BLANK}),
    "any": (AnyOf((double("gain", Range(None, 0)), RootExists(RootField.EXTERNAL_ID))), {MARKET, TRAIN, JAPAN}),
    "any of one": (AnyOf((EntryExists("live"),)), {MARKET, TRAIN}),
    "all of any and not": (
        AllOf((AnyOf((TextMatches(("night",)), EntryExists("code"))), NotOf(EntryExists("live")))),
        {STILL, SOUND},
    ),
    "any of not and all": (
        AnyOf((NotOf(EntryExists("codec")), AllOf((EntryExists("live"), RootExists(RootField.EXTERNAL_ID))))),
        {SOUND, MARKET},
    ),
    "all of only not": (AllOf((NotOf(EntryExists("live")), NotOf(EntryExists("takes")))), {JAPAN, STILL, SOUND}),
}
