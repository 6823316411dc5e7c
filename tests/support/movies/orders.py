"""Questions to the imported movies about order, in the compact text form, and about facets."""

from collections.abc import Callable
from typing import Any

from tests.support.movies.answers import Row, all_words, number, released, title, value
from tests.support.movies.queries import EQUAL, MISSING, RANGES, ROOTS, SEVERAL, TEXTS, Asked, both, on

_R = on("mpaa_rating", eq="R")
_HORROR = on("major_genre", eq="Horror")


def _is_r(row: Row) -> bool:
    return bool(row["MPAA Rating"] == "R")


SORTS = {
    "the newest first": Asked(_HORROR, lambda r: r["Major Genre"] == "Horror"),
    **{
        f"by {field}, {order}": Asked(_R, _is_r, sort=((f"metadata.{field}", order),))
        for field in ("us_gross", "running_time_min", "imdb_rating", "director", "title", "release_date")
        for order in ("asc", "desc")
    },
    "everything by date": Asked(both(), lambda _: True, sort=(("metadata.release_date", "asc"),), finds="all"),
    "everything by what most lack": Asked(
        both(), lambda _: True, sort=(("metadata.us_dvd_sales", "desc"),), finds="all"
    ),
    "by name": Asked(_HORROR, lambda r: r["Major Genre"] == "Horror", sort=(("name", "asc"),)),
    "by a text, a number downwards, a date": Asked(
        both(),
        lambda _: True,
        sort=(("metadata.mpaa_rating", "asc"), ("metadata.imdb_rating", "desc"), ("metadata.release_date", "asc")),
        finds="all",
    ),
    "by two that are often missing": Asked(
        _R, _is_r, sort=(("metadata.director", "desc"), ("metadata.running_time_min", "desc"))
    ),
    "words, by votes": Asked(
        None, lambda r: "night" in all_words(r), text="night", sort=(("metadata.imdb_votes", "desc"),)
    ),
}

ASKED: dict[str, Asked] = {
    f"{part}: {name}": asked
    for part, group in {
        "equal": EQUAL, "range": RANGES, "text": TEXTS, "missing": MISSING, "several": SEVERAL, "root": ROOTS,
        "sort": SORTS,
    }.items()
    for name, asked in group.items()
}  # fmt: skip

#: The compact text form, its sort, and what it asks.
COMPACT: dict[str, tuple[str | None, Callable[[Row], bool]]] = {
    'director:"Steven Spielberg"': (None, lambda r: r["Director"] == "Steven Spielberg"),
    "us_gross:>=100000000 imdb_rating:>8": (
        "metadata.us_gross:desc",
        lambda r: number(r, "US Gross") >= 10**8 and number(r, "IMDB Rating") > 8,
    ),
    "title:300": (None, lambda r: title(r) == "300"),
    'title:"300" OR title:1776': (None, lambda r: title(r) in ("300", "1776")),
    "title:Alien*": ("metadata.title", lambda r: (title(r) or "").startswith("Alien")),
    "release_date:[1990-01-01 TO 1990-12-31]": ("metadata.release_date", lambda r: released(r).year == 1990),
    "release_date:<1950-01-01": ("metadata.release_date:asc,name", lambda r: released(r).year < 1950),
    "imdb_rating:[7 TO 7.5}": ("metadata.director:desc", lambda r: 7 <= number(r, "IMDB Rating") < 7.5),
    "major_genre:(Western OR Musical) -mpaa_rating:R": (
        None,
        lambda r: r["Major Genre"] in ("Western", "Musical") and r["MPAA Rating"] != "R",
    ),
    "running_time_min:* NOT director:*": (
        None,
        lambda r: r["Running Time min"] is not None and r["Director"] is None,
    ),
    "star wars": (None, lambda r: {"star", "wars"} <= all_words(r)),
    '"of the" dead source:Remake': (None, lambda r: {"of", "the", "dead"} <= all_words(r) and r["Source"] == "Remake"),
    "name:The\\ Matrix*": ("name", lambda r: (title(r) or "").startswith("The Matrix")),
    "*": ("metadata.worldwide_gross:desc,name", lambda _: True),
}

#: Name → query, what it asks, the field and the size of the facet.
FACETS: dict[str, tuple[dict[str, Any], Callable[[Row], bool], str, int]] = {
    "ratings": (both(), lambda _: True, "metadata.mpaa_rating", 100),
    "genres of a decade": (
        on("release_date", gte="1980-01-01", lt="1990-01-01"),
        lambda r: 1980 <= released(r).year < 1990,
        "metadata.major_genre",
        100,
    ),
    "all directors": (both(), lambda _: True, "metadata.director", 1000),
    "the busiest directors": (both(), lambda _: True, "metadata.director", 7),
    "doubles": (_R, _is_r, "metadata.imdb_rating", 100),
    "longs": (both(), lambda _: True, "metadata.running_time_min", 500),
    "dates": (on("mpaa_rating", exists=False), lambda r: r["MPAA Rating"] is None, "metadata.release_date", 20),
    "names": (both(), lambda _: True, "name", 30),
    "of nothing": (on("title", eq="no such film"), lambda _: False, "metadata.source", 10),
    "of what is missing": (on("source", exists=False), lambda r: value(r, "source") is None, "metadata.source", 10),
}
