"""Questions to the imported movies, each as a client sends it and as plain Python asks it of a row of the file."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.support.movies.answers import Row, Sort, all_words, number, released, title, words

HUGE = 1e30  #: beyond 64 bits


@dataclass(frozen=True)
class Asked:
    query: dict[str, Any] | None
    holds: Callable[[Row], bool]
    text: str | None = None
    sort: tuple[Sort, ...] = ()
    finds: str = "some"  #: of the rows; or "all", or "none": a question that finds too much or too little tests little

    def body(self) -> dict[str, Any]:
        sort = [{"field": field, "order": order} for field, order in self.sort]
        return ({"text": self.text} if self.text else {}) | ({"sort": sort} if sort else {})


def on(field: str, **operators: Any) -> dict[str, Any]:
    """A condition on metadata; `in_` is `in`."""
    return root(f"metadata.{field}", **operators)


def root(field: str, **operators: Any) -> dict[str, Any]:
    return {"field": field} | {name.rstrip("_"): operand for name, operand in operators.items()}


def both(*parts: Any) -> dict[str, Any]:
    return {"all": list(parts)}


def either(*parts: Any) -> dict[str, Any]:
    return {"any": list(parts)}


def without(part: Any) -> dict[str, Any]:
    return {"not": part}


EQUAL = {
    "a director": Asked(on("director", eq="Steven Spielberg"), lambda r: r["Director"] == "Steven Spielberg"),
    "a director, case minded": Asked(on("director", eq="steven spielberg"), lambda _: False, finds="none"),
    "a title that was a number": Asked(on("title", eq="300"), lambda r: title(r) == "300"),
    "a number where titles are text": Asked(on("title", eq=300), lambda _: False, finds="none"),
    "a title with odd letters": Asked(on("title", eq="Alien³"), lambda r: title(r) == "Alien³"),
    "a long": Asked(on("us_gross", eq=0), lambda r: r["US Gross"] == 0),
    "a long as a double": Asked(on("running_time_min", eq=120.0), lambda r: r["Running Time min"] == 120),
    "no whole number": Asked(on("running_time_min", eq=120.5), lambda _: False, finds="none"),
    "a long as text": Asked(on("running_time_min", eq="120"), lambda _: False, finds="none"),
    "a double as a long": Asked(on("imdb_rating", eq=7), lambda r: r["IMDB Rating"] == 7),
    "a double": Asked(on("imdb_rating", eq=6.1), lambda r: r["IMDB Rating"] == 6.1),
    "a day": Asked(on("release_date", eq="1998-08-28"), lambda r: r["Release Date"] == "Aug 28 1998"),
    "a time elsewhere": Asked(
        on("release_date", eq="1998-08-28T02:00:00+02:00"), lambda r: r["Release Date"] == "Aug 28 1998"
    ),
    "a day as the file writes it": Asked(on("release_date", eq="Aug 28 1998"), lambda _: False, finds="none"),
    "the last day of all": Asked(on("release_date", eq="2046-12-31"), lambda r: r["Release Date"] == "Dec 31 2046"),
    "some ratings": Asked(on("mpaa_rating", in_=["PG", "G", "X"]), lambda r: r["MPAA Rating"] in ("PG", "G")),
    "numbers beside text": Asked(on("imdb_rating", in_=[7, "8", 8.5, HUGE]), lambda r: r["IMDB Rating"] in (7, 8.5)),
    "titles that were numbers": Asked(
        on("title", in_=["300", "1776", "Alien", 54]), lambda r: title(r) in ("300", "1776", "Alien")
    ),
    "days": Asked(
        on("release_date", in_=["1998-06-12", "1998-08-07T00:00:00Z", "soon"]),
        lambda r: r["Release Date"] in ("Jun 12 1998", "Aug 07 1998"),
    ),
}

RANGES = {
    "above": Asked(on("us_gross", gt=100_000_000), lambda r: number(r, "US Gross") > 100_000_000),
    "below a long's edge": Asked(on("us_gross", lt=146_083), lambda r: number(r, "US Gross") < 146_083),
    "up to a long's edge": Asked(on("us_gross", lte=146_083), lambda r: number(r, "US Gross") <= 146_083),
    "from between two longs": Asked(on("running_time_min", gte=119.5), lambda r: number(r, "Running Time min") >= 120),
    "up to between two longs": Asked(on("running_time_min", lt=90.5), lambda r: number(r, "Running Time min") <= 90),
    "doubles above a long": Asked(on("imdb_rating", gt=7), lambda r: number(r, "IMDB Rating") > 7),
    "doubles between": Asked(on("imdb_rating", gte=6.1, lt=6.4), lambda r: 6.1 <= number(r, "IMDB Rating") < 6.4),
    "longs between": Asked(on("imdb_votes", gt=100, lte=1071), lambda r: 100 < number(r, "IMDB Votes") <= 1071),
    "within what nothing is": Asked(on("imdb_votes", gt=100, lt=100), lambda _: False, finds="none"),
    "bounds beyond 64 bits": Asked(on("us_dvd_sales", gt=-HUGE, lt=HUGE), lambda r: r["US DVD Sales"] is not None),
    "above 64 bits": Asked(on("us_dvd_sales", gte=HUGE), lambda _: False, finds="none"),
    "a decade": Asked(on("release_date", gte="1990-01-01", lt="2000-01-01"), lambda r: 1990 <= released(r).year < 2000),
    "before computers counted": Asked(on("release_date", lt="1970-01-01"), lambda r: released(r).year < 1970),
    "the years to come": Asked(on("release_date", gt="2010-12-31"), lambda r: released(r).year > 2010),
    "up to a day": Asked(on("release_date", lte="1998-08-28"), lambda r: released(r) <= date(1998, 8, 28)),
    "past midnight": Asked(
        on("release_date", gte="1998-08-28T00:00:00.001Z"), lambda r: released(r) > date(1998, 8, 28)
    ),
    "text by code point": Asked(on("title", gte="a"), lambda r: (title(r) or "") >= "a"),
    "text between": Asked(
        on("director", gte="Ri", lt="S"), lambda r: r["Director"] is not None and "Ri" <= r["Director"] < "S"
    ),
    "text that begins with digits": Asked(
        on("title", lt="A", gt="1"), lambda r: title(r) is not None and "1" < str(title(r)) < "A"
    ),
    "numbers as text are no numbers": Asked(on("title", gte=0), lambda _: False, finds="none"),
}

TEXTS = {
    "begins with": Asked(on("title", prefix="The L"), lambda r: (title(r) or "").startswith("The L")),
    "begins with, case minded": Asked(on("title", prefix="THE L"), lambda _: False, finds="none"),
    "begins with a number": Asked(on("title", prefix="2"), lambda r: (title(r) or "").startswith("2")),
    "begins with anything": Asked(on("title", prefix=""), lambda r: title(r) is not None),
    "begins with a percent sign": Asked(on("title", prefix="%"), lambda _: False, finds="none"),
    "begins with a stroke": Asked(
        on("source", prefix="Based on Book/"), lambda r: (r["Source"] or "").startswith("Based on Book/")
    ),
    "words in any order": Asked(
        on("title", match="rings lord THE"), lambda r: {"the", "lord", "rings"} <= words(title(r))
    ),
    "a word with an apostrophe": Asked(on("title", match="don't"), lambda r: "dont" in words(title(r))),
    "a word without its accent": Asked(on("title", match="asterix"), lambda r: "asterix" in words(title(r))),
    "a number among words": Asked(on("title", match="2"), lambda r: "2" in words(title(r))),
    "parts of words are none": Asked(on("title", match="spielb"), lambda _: False, finds="none"),
    "words between strokes": Asked(on("source", match="story book"), lambda r: {"book", "story"} <= words(r["Source"])),
    "words anywhere": Asked(None, lambda r: {"fox", "comedy"} <= all_words(r), text="Fox comedy"),
    "words of title and director": Asked(None, lambda r: {"spielberg", "war"} <= all_words(r), text="war spielberg"),
    "a title's number anywhere": Asked(None, lambda r: "300" in all_words(r), text="300"),
    "a number alone": Asked(None, lambda r: "1" in all_words(r), text="1"),
    "a word of the importer's ids": Asked(None, lambda r: "row" in all_words(r), text="row"),
    "words and a condition": Asked(
        on("us_gross", gt=50_000_000),
        lambda r: "love" in all_words(r) and number(r, "US Gross") > 50_000_000,
        text="love",
    ),
}

MISSING = {
    "has a director": Asked(on("director", exists=True), lambda r: r["Director"] is not None),
    "has no director": Asked(on("director", exists=False), lambda r: r["Director"] is None),
    "has no title": Asked(on("title", exists=False), lambda r: r["Title"] is None),
    "has no gross, which zero is": Asked(on("us_gross", exists=False), lambda r: r["US Gross"] is None),
    "has a date": Asked(on("release_date", exists=True), lambda _: True, finds="all"),
    "not above, or missing": Asked(
        without(on("running_time_min", gt=90)), lambda r: not number(r, "Running Time min") > 90
    ),
    "not equal, or missing": Asked(without(on("mpaa_rating", eq="R")), lambda r: r["MPAA Rating"] != "R"),
}

SEVERAL = {
    "bounds and a list": Asked(
        on("mpaa_rating", in_=["G", "PG", "R"], gt="G", lt="R"), lambda r: r["MPAA Rating"] == "PG"
    ),
    "a beginning and an end": Asked(
        on("director", prefix="Ri", lt="Rid"), lambda r: "Ri" <= (r["Director"] or "") < "Rid"
    ),
    "a beginning and a word": Asked(
        on("title", prefix="The ", match="man"), lambda r: (title(r) or "")[:4] == "The " and "man" in words(title(r))
    ),
    "equal, and missing": Asked(on("director", eq="Spike Lee", exists=False), lambda _: False, finds="none"),
    "there, and below": Asked(on("imdb_votes", exists=True, lt=50), lambda r: number(r, "IMDB Votes") < 50),
    "this and that": Asked(
        both(on("major_genre", eq="Drama"), on("imdb_rating", gte=8.5)),
        lambda r: r["Major Genre"] == "Drama" and number(r, "IMDB Rating") >= 8.5,
    ),
    "this or that": Asked(
        either(on("distributor", eq="MGM"), on("running_time_min", gt=180)),
        lambda r: r["Distributor"] == "MGM" or number(r, "Running Time min") > 180,
    ),
    "neither this nor that": Asked(
        without(either(on("mpaa_rating", eq="R"), on("major_genre", eq="Drama"))),
        lambda r: r["MPAA Rating"] != "R" and r["Major Genre"] != "Drama",
    ),
    "not both": Asked(
        without(both(on("mpaa_rating", eq="R"), on("director", exists=False))),
        lambda r: not (r["MPAA Rating"] == "R" and r["Director"] is None),
    ),
    "not not": Asked(without(without(on("mpaa_rating", eq="PG"))), lambda r: r["MPAA Rating"] == "PG"),
    "four levels": Asked(
        either(
            both(
                on("creative_type", eq="Fantasy"), without(either(on("mpaa_rating", eq="R"), on("us_gross", lt=10**8)))
            ),
            on("director", prefix="Woody"),
        ),
        lambda r: (
            (r["Creative Type"] == "Fantasy" and r["MPAA Rating"] != "R" and not number(r, "US Gross") < 10**8)
            or (r["Director"] or "").startswith("Woody")
        ),
    ),
    "eight on metadata": Asked(
        either(
            *(on("director", eq=f"{name} Scott") for name in ("Ridley", "Tony", "George", "Joan")),
            both(on("release_date", lt="1940-01-01"), on("major_genre", exists=True), on("us_gross", gt=10**6)),
            on("rotten_tomatoes_rating", gte=99),
        ),
        lambda r: (
            (r["Director"] or "") in {f"{name} Scott" for name in ("Ridley", "Tony", "George", "Joan")}
            or (released(r).year < 1940 and r["Major Genre"] is not None and number(r, "US Gross") > 10**6)
            or number(r, "Rotten Tomatoes Rating") >= 99
        ),
    ),
    "all of nothing": Asked(both(), lambda _: True, finds="all"),
    "any of nothing": Asked(either(), lambda _: False, finds="none"),
}

ROOTS = {
    "a name": Asked(root("name", eq="1776"), lambda r: title(r) == "1776"),
    "names that are empty": Asked(root("name", eq=""), lambda r: title(r) is None),
    "names that begin with": Asked(root("name", prefix="Star "), lambda r: (title(r) or "").startswith("Star ")),
    "words of a name": Asked(root("name", match="dead dawn"), lambda r: {"dead", "dawn"} <= words(title(r))),
    "names between": Asked(root("name", gte="Z", lt="Zo"), lambda r: "Z" <= (title(r) or "") < "Zo"),
    "alive": Asked(root("state", eq="active"), lambda _: True, finds="all"),
    "deleted": Asked(root("state", eq="deleted"), lambda _: False, finds="none"),
    "at their first version": Asked(root("version", lt=2), lambda _: True, finds="all"),
    "without labels": Asked(root("labels", exists=False), lambda _: True, finds="all"),
    "of another type": Asked(without(root("type", prefix="movie")), lambda _: False, finds="none"),
    "external ids of rows": Asked(root("external_id", prefix="row"), lambda _: True, finds="all"),
    "a name or a number": Asked(
        either(root("name", match="alien"), on("imdb_rating", gte=9)),
        lambda r: "alien" in words(title(r)) or number(r, "IMDB Rating") >= 9,
    ),
}
