"""What the file of movies answers to a question, in plain Python: nothing of AMP takes part in it."""

import functools
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "data" / "movies.json"

#: Column of the file → field of the type.
COLUMNS = {
    "Title": "title",
    "US Gross": "us_gross",
    "Worldwide Gross": "worldwide_gross",
    "US DVD Sales": "us_dvd_sales",
    "Production Budget": "production_budget",
    "Release Date": "release_date",
    "MPAA Rating": "mpaa_rating",
    "Running Time min": "running_time_min",
    "Distributor": "distributor",
    "Source": "source",
    "Major Genre": "major_genre",
    "Creative Type": "creative_type",
    "Director": "director",
    "Rotten Tomatoes Rating": "rotten_tomatoes_rating",
    "IMDB Rating": "imdb_rating",
    "IMDB Votes": "imdb_votes",
}
_COLUMN_OF = {field: column for column, field in COLUMNS.items()}
_WORD = re.compile(r"\d+(?:\.\d+)+|[^\W_]+")

Row = dict[str, Any]
Sort = tuple[str, str]


@functools.cache
def rows() -> list[Row]:
    found: list[Row] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def title(row: Row) -> str | None:
    return None if row["Title"] is None else str(row["Title"])


def released(row: Row) -> date:
    return _day(row["Release Date"])


@functools.cache
def _day(written: str) -> date:
    return datetime.strptime(written, "%b %d %Y").date()


def number(row: Row, column: str) -> float:
    """NaN where it is missing: no comparison holds then."""
    return float("nan") if row[column] is None else row[column]


def value(row: Row, field: str) -> Any:
    """What the asset made of the row holds in a field; None: nothing."""
    if field == "name":
        return title(row) or ""
    column = _COLUMN_OF[field.removeprefix("metadata.")]
    match column:
        case "Title":
            return title(row)
        case "Release Date":
            return f"{released(row).isoformat()}T00:00:00.000Z"
        case "IMDB Rating":
            return None if row[column] is None else float(row[column])
    return row[column]


def metadata(row: Row) -> dict[str, Any]:
    return {field: held for field in COLUMNS.values() if (held := value(row, field)) is not None}


def words(text: str | None) -> set[str]:
    """Case and accents folded, apostrophes dropped, decimal points kept, everything else parting words."""
    decomposed = unicodedata.normalize("NFKD", (text or "").casefold())
    folded = "".join(c for c in decomposed if not unicodedata.combining(c)).replace("'", "")
    return set(_WORD.findall(folded))


def all_words(row: Row) -> set[str]:
    texts = (held for field, held in metadata(row).items() if field != "release_date" and isinstance(held, str))
    return set().union(*map(words, texts))


def matching(holds: Callable[[Row], bool], sort: Sequence[Sort] = ()) -> list[int]:
    """Positions in the file of the rows for which it holds, in order: newest, that is last, first by default; missing
    values last; ties in the order of the file, turned round where the last sort field is."""
    last_first = not sort or sort[-1][1] == "desc"
    found = sorted((n for n, row in enumerate(rows()) if holds(row)), reverse=last_first)
    for field, order in reversed(sort):
        present = [n for n in found if value(rows()[n], field) is not None]
        missing = [n for n in found if value(rows()[n], field) is None]
        present.sort(key=lambda n, f=field: value(rows()[n], f), reverse=order == "desc")
        found = present + missing
    return found


def facet(found: Iterable[int], field: str, size: int) -> list[tuple[Any, int]]:
    counts = Counter(value(rows()[n], field) for n in found)
    counts.pop(None, None)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:size]
