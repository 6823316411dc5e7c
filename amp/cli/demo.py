"""`amp demo`: imports sample data into a temporary folder, searches it, and removes the folder."""

import json
import tempfile
from pathlib import Path

import click

from amp.cli.connection import in_process
from amp.cli.importing.files.source import ReadOptions, open_source
from amp.cli.importing.import_rows import ImportOptions, import_rows
from amp.cli.output import console
from amp.cli.search import print_items
from amp.settings import load_settings

#: 200 films of the data set `movies` of vega-datasets (BSD-3-Clause).
SAMPLE = Path(__file__).parent / "demo_movies.json"
_SEARCH = {
    "query": {
        "all": [
            {"field": "metadata.major_genre", "eq": "Drama"},
            {"field": "metadata.imdb_rating", "gte": 8},
        ]
    },
    "sort": [{"field": "metadata.imdb_rating", "order": "desc"}],
    "size": 5,
}
_TEXT_FORM = "major_genre:Drama imdb_rating:>=8"
_COLUMNS = "name,metadata.major_genre,metadata.imdb_rating,metadata.release_date,metadata.director"


@click.command()
def demo() -> None:
    """Import a sample of real data into a temporary folder, and search it by two of its fields."""
    say = console()
    with tempfile.TemporaryDirectory(prefix="amp-demo-") as folder:
        settings = load_settings({"profile": "embedded", "data_dir": Path(folder), "url": None})
        with in_process(settings) as client:
            say.print(
                "The demo does what these commands do, with a catalogue of its own, which it removes at the end.\n"
            )
            say.print(f"$ amp import {SAMPLE.name} --type movie --infer")
            options = ImportOptions(
                sources=[open_source(SAMPLE, SAMPLE.name, ReadOptions())],
                type_name="movie",
                infer=True,
                rejected_path=Path(folder) / "rejected",
            )
            report = import_rows(client, options)
            fields = ", ".join(f"{key} ({f['type']})" for key, f in report.type["fields"].items())
            say.print(f"{report.counts.created} films imported in {report.seconds} s. Fields: {fields}\n")
            say.print("$ curl localhost:8080/v1/search --json @- <<'END'")
            say.print(f"{json.dumps(_SEARCH, indent=2)}\nEND")
            say.print(f"$ amp search '{_TEXT_FORM}' --sort metadata.imdb_rating:desc --size 5    # the same query\n")
            answer = client.call("POST", "/v1/search", body=_SEARCH)
            print_items(answer["items"], _COLUMNS)
            say.print(
                f"{len(answer['items'])} of {answer['total']} films, in {answer['took_ms']} ms. The complete first one:"
            )
            say.print(json.dumps(answer["items"][0], indent=2, ensure_ascii=False))
