"""`amp import` against a real server: everything in once, whatever the file looks like, and bad rows reported."""

import csv
import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from amp.cli.demo import SAMPLE
from tests.support.service.amp_command import printed_json
from tests.support.service.rest import unique

Amp = Callable[..., Result]


def found(amp: Amp, query: str) -> list[dict[str, Any]]:
    result = amp("search", query, "--all", "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    return path


def test_the_sample_comes_in_whole_and_once_however_often_it_is_imported(amp: Amp, type_name: str) -> None:
    rows = json.loads(SAMPLE.read_text())
    first = printed_json(amp("import", SAMPLE, "--type", type_name, "--infer", "--json"))
    assert (first["created"], first["rejected"], first["rejected_file"]) == (len(rows), 0, None)
    assert first["columns"]["US Gross"] == "us_gross"
    again = printed_json(amp("import", SAMPLE, "--type", type_name, "--infer", "--json"))
    assert (again["created"], again["skipped"], again["type_version"]) == (0, len(rows), 1)
    assets = found(amp, f"type:{type_name}")
    titles = Counter("" if row["Title"] is None else str(row["Title"]) for row in rows)
    assert Counter(asset["name"] for asset in assets) == titles
    grosses = Counter(row["US Gross"] for row in rows)
    assert Counter(asset["metadata"].get("us_gross") for asset in assets) == grosses


def test_the_type_inferred_from_the_sample_is_what_a_person_would_declare(amp: Amp, type_name: str) -> None:
    printed_json(amp("import", SAMPLE, "--type", type_name, "--infer", "--json"))
    fields = printed_json(amp("types", "show", type_name, "--json"))["fields"]
    assert {key: declared["type"] for key, declared in fields.items()} == {
        "title": "string",
        "us_gross": "long",
        "worldwide_gross": "long",
        "us_dvd_sales": "long",
        "production_budget": "long",
        "release_date": "date",
        "mpaa_rating": "string",
        "running_time_min": "long",
        "distributor": "string",
        "source": "string",
        "major_genre": "string",
        "creative_type": "string",
        "director": "string",
        "rotten_tomatoes_rating": "long",
        "imdb_rating": "double",
        "imdb_votes": "long",
    }


def test_json_ndjson_csv_and_standard_input_become_the_same_assets(amp: Amp, tmp_path: Path) -> None:
    rows = json.loads(SAMPLE.read_text())[:30]
    columns = list(rows[0])
    as_json, as_lines, as_csv = (tmp_path / f"films.{suffix}" for suffix in ("json", "ndjson", "csv"))
    as_json.write_text(json.dumps(rows, indent=1))
    as_lines.write_text("\n".join(map(json.dumps, rows)))
    with as_csv.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    seen = []
    for source in (as_json, as_lines, as_csv, "-"):
        name = unique("film")
        stdin = as_lines.read_text() if source == "-" else None
        outcome = printed_json(amp("import", source, "--type", name, "--infer", "--json", stdin=stdin))
        assert outcome["created"] == len(rows)
        assets = found(amp, f"type:{name}")
        seen.append(sorted((a["name"], sorted(a["metadata"].items())) for a in assets))
    assert seen[0] == seen[1] == seen[2] == seen[3]
    assert len(seen[0]) == len(rows)


def test_equal_rows_stay_as_many_as_they_are(amp: Amp, type_name: str, tmp_path: Path) -> None:
    file = written(tmp_path / "twins.ndjson", '{"name": "a"}\n{"name": "a"}\n{"name": "b"}\n')
    for created in (3, 0):
        outcome = printed_json(amp("import", file, "--type", type_name, "--infer", "--json"))
        assert (outcome["created"], outcome["skipped"]) == (created, 3 - created)
    assert sorted(asset["name"] for asset in found(amp, f"type:{type_name}")) == ["a", "a", "b"]


def test_bad_rows_go_into_a_file_with_line_and_reason(amp: Amp, type_name: str, tmp_path: Path) -> None:
    written(tmp_path / "good.ndjson", '{"name": "a", "size": 1}\n')
    printed_json(amp("import", tmp_path / "good.ndjson", "--type", type_name, "--infer", "--json"))
    lines = [
        '{"name": "b", "size": 2}',
        "",
        '{"name": "c", "size": "huge"}',
        "{broken",
        "[1]",
        '{"name": "d", "size": 99999999999999999999}',
        '{"name": "e", "size": 5, "colour": "red"}',
        '{"name": "f", "size": "6"}',
    ]
    file = written(tmp_path / "rows.ndjson", "\n".join(lines))
    result = amp("import", file, "--type", type_name)
    assert result.exit_code == 1
    assert "2 created, 0 updated, 0 unchanged, 0 skipped, 5 rejected" in result.stdout
    rejected_path = tmp_path / "rows.ndjson.rejected.ndjson"
    assert str(rejected_path) in result.stdout
    rejected = {r["line"]: r for r in map(json.loads, rejected_path.read_text().splitlines())}
    assert rejected[3]["row"] == {"name": "c", "size": "huge"}
    reasons = {line: r["reason"] for line, r in rejected.items()}
    assert reasons.keys() == {3, 4, 5, 6, 7}
    assert "/metadata/size" in reasons[3]
    assert "is not JSON" in reasons[4]
    assert "is not an object" in reasons[5]
    assert "size: is a whole number beyond 64 bits" in reasons[6]
    assert "has no field 'colour'" in reasons[7]
    assert sorted(asset["name"] for asset in found(amp, f"type:{type_name}")) == ["a", "b", "f"]
    assert amp("import", tmp_path / "good.ndjson", "--type", type_name).exit_code == 0


def test_rejected_rows_once_mended_can_be_imported_from_where_they_are(
    amp: Amp, type_name: str, tmp_path: Path
) -> None:
    file = written(tmp_path / "rows.csv", "name,size\na,1\nb,2,3\nc,3\n")
    result = amp("import", file, "--type", type_name, "--infer", "--rejected", tmp_path / "bad")
    assert result.exit_code == 1
    (rejected,) = map(json.loads, (tmp_path / "bad").read_text().splitlines())
    reason = "has 3 cells; the header has 2"
    assert rejected == {"line": 3, "reason": reason, "text_only": True, "row": ["b", "2", "3"]}
    written(file, "name,size\na,1\nb,2\nc,3\n")
    outcome = printed_json(amp("import", file, "--type", type_name, "--rejected", tmp_path / "worse", "--json"))
    assert (outcome["created"], outcome["skipped"]) == (1, 2)
    assert not (tmp_path / "worse").exists()
    assert (tmp_path / "bad").exists()


def test_values_that_rest_refuses_are_converted_and_counted(amp: Amp, type_name: str, tmp_path: Path) -> None:
    row = (
        '{"Title": 300, "Shown": "Jun 12 1998", "Rate": NaN, "Note": "a\\u0000b\\ud800", "Deep": {"er": [1, {"x": 2}]}}'
    )
    text = '{"Title": "x", "Shown": "12-Jun-98", "Rate": 1.5, "Note": "n"}'
    file = written(tmp_path / "rows.ndjson", f"{row}\n{text}\n")
    outcome = printed_json(amp("import", file, "--type", type_name, "--infer", "--json"))
    assert {(x["field"], x["what"]): x["count"] for x in outcome["adjustments"]} == {
        ("title", "number written as text"): 1,
        ("shown", "date rewritten as RFC 3339"): 2,
        ("rate", "number that is not finite (NaN, infinity) left out"): 1,
        ("note", "characters that cannot be stored removed or replaced"): 1,
        ("deep.er.x", "array of objects written as one array for each member"): 1,
    }
    (asset,) = found(amp, f"type:{type_name} name:300")
    assert asset["metadata"] == {
        "title": "300",
        "shown": "1998-06-12T00:00:00.000Z",
        "note": "ab\ufffd",
        "deep.er": [1],
        "deep.er.x": [2],
    }


def test_a_file_with_more_columns_makes_the_next_version_of_the_type(amp: Amp, type_name: str, tmp_path: Path) -> None:
    one = written(tmp_path / "one.csv", "name,size\na,1\n")
    two = written(tmp_path / "two.csv", "name,size,colour\nb,2.5,red\nc,3,blue\n")
    printed_json(amp("import", one, "--type", type_name, "--infer", "--json"))
    result = amp("import", two, "--type", type_name, "--infer", "--json")
    outcome = json.loads(result.stdout)
    # `size` stays the long that it is: 2.5 is refused rather than the field changed.
    assert (result.exit_code, outcome["type_version"], outcome["created"], outcome["rejected"]) == (1, 2, 1, 1)


def _ids(folder: Path, text: str) -> Path:
    return written(folder / "ids.csv", f"id,name,size\n{text}")


def test_taken_external_ids_are_skipped_updated_or_end_the_import(amp: Amp, type_name: str, tmp_path: Path) -> None:
    project = unique("project")

    def run(rows: str, *more: str) -> Result:
        file = _ids(tmp_path, rows)
        return amp("import", file, "--type", type_name, "--id-field", "id", "--project", project, "--json", *more)

    assert printed_json(run("x/1,a,1\nx/2,b,2\n", "--infer"))["created"] == 2
    assert printed_json(run("x/1,A,10\nx/3,c,3\n"))["skipped"] == 1
    outcome = printed_json(run("x/1,A,\nx/2,b,2\nx/4,d,4\n", "--on-existing", "update"))
    assert (outcome["created"], outcome["updated"], outcome["unchanged"]) == (1, 1, 1)
    stopped = run("x/1,a,1\n", "--on-existing", "fail")
    assert stopped.exit_code == 1
    assert "stopped at line 2: external id 'x/1' belongs to asset" in stopped.stderr
    plain = ("--type", type_name, "--id-field", "id", "--project", project, "--on-existing", "fail")
    reported = amp("import", _ids(tmp_path, "x/1,a,1\n"), *plain).stdout
    assert "1 of 1 rows remain to be imported\n" in reported
    _wait_for_size(amp, f"project:{project}", 4)
    assets = {asset["external_id"]: asset for asset in found(amp, f"project:{project}")}
    assert assets.keys() == {"x/1", "x/2", "x/3", "x/4"}
    _wait_for_size(amp, f"project:{project} name:A", 1)
    (updated,) = found(amp, f"project:{project} name:A")
    assert updated["metadata"] == {"id": "x/1", "name": "A"}
    assert (updated["version"], assets["x/2"]["version"]) == (2, 1)


def test_a_row_without_the_named_id_or_time_is_rejected(amp: Amp, type_name: str, tmp_path: Path) -> None:
    file = written(tmp_path / "rows.csv", "id,name,at\n1,a,Jun 12 1998\n,b,Jun 12 1998\n3,c,soon\n")
    project = unique("project")
    options = ["--type", type_name, "--infer", "--id-field", "id", "--created-field", "at", "--project", project]
    result = amp("import", file, *options)
    assert result.exit_code == 1
    rejected = [json.loads(line)["reason"] for line in (tmp_path / "rows.csv.rejected.ndjson").read_text().splitlines()]
    assert rejected == ["has no id", "at: 'soon' is not a date"]
    (asset,) = found(amp, f"project:{project}")
    assert asset["created_at"] == "1998-06-12T00:00:00.000Z"


def test_a_json_file_that_breaks_off_gives_what_came_before(amp: Amp, type_name: str, tmp_path: Path) -> None:
    file = written(tmp_path / "cut.json", '[{"name": "a"},\n {"name": "b"},\n {"name": ')
    result = amp("import", file, "--type", type_name, "--infer")
    assert result.exit_code == 1
    assert "2 created, 0 updated, 0 unchanged, 0 skipped, 1 rejected" in result.stdout
    (rejected,) = map(json.loads, (tmp_path / "cut.json.rejected.ndjson").read_text().splitlines())
    assert rejected["line"] == 3
    assert "nothing after it could be read" in rejected["reason"]


def test_rejected_rows_never_go_where_something_is(amp: Amp, type_name: str, tmp_path: Path) -> None:
    text = "name,size\na,1\nb,2,3\n"
    file = written(tmp_path / "rows.csv", text)
    result = amp("import", file, "--type", type_name, "--infer", "--rejected", file)
    assert result.exit_code == 1
    assert "is the file to import" in result.stderr
    other = written(tmp_path / "other", "kept")
    assert "already exists" in amp("import", file, "--type", type_name, "--infer", "--rejected", other).stderr
    assert (file.read_text(), other.read_text()) == (text, "kept")
    for name in ("rows.csv.rejected.ndjson", "rows.csv.rejected.2.ndjson"):
        assert str(tmp_path / name) in amp("import", file, "--type", type_name, "--infer").stdout
        assert (tmp_path / name).exists()


def test_a_pipe_is_read_from_its_beginning(amp: Amp, type_name: str) -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader), os.fdopen(writer, "w") as pipe:
        pipe.write("".join(f'{{"name": "film {i:03d}"}}\n' for i in range(400)))
        pipe.close()
        outcome = printed_json(amp("import", f"/dev/fd/{reader}", "--type", type_name, "--infer", "--json"))
    assert (outcome["rows"], outcome["created"], outcome["left"]) == (400, 400, 0)


def test_the_last_row_of_an_id_is_what_an_update_leaves(amp: Amp, type_name: str, tmp_path: Path) -> None:
    project = unique("project")
    rows = [{"id": f"x{i % 5}", "name": f"take {i:02d}"} for i in range(60)]
    file = written(tmp_path / "rows.json", json.dumps(rows))
    options = ["--type", type_name, "--infer", "--id-field", "id", "--project", project, "--on-existing", "update"]
    outcome = printed_json(amp("import", file, *options, "--json"))
    assert (outcome["rows"], outcome["created"], outcome["updated"]) == (60, 5, 55)
    last = [f"take {i}" for i in range(55, 60)]
    names = " OR ".join(f'"{name}"' for name in last)
    _wait_for_size(amp, f"project:{project} name:({names})", 5)


def _wait_for_size(amp: Amp, query: str, size: int) -> None:
    for _ in range(200):
        if printed_json(amp("search", query, "--size", 0, "--json"))["total"] == size:
            return
    pytest.fail(f"{query} never found {size}")
