"""Objects and arrays become columns with scalars, and what changes its form says so."""

from amp.cli.importing.flatten import ARRAY_OF_OBJECTS, NESTED_ARRAY, Cell, flatten


def test_members_of_an_object_become_columns() -> None:
    row = {"a": {"b": {"c": 1}, "d": None}, "e": [1, None], "f": [], "g": [None]}
    assert list(flatten(row)) == [Cell("a.b.c", 1), Cell("e", [1])]


def test_objects_in_an_array_become_one_array_for_each_member() -> None:
    row = {"creators": [{"name": "X", "role": "dir"}, {"name": "Y", "tags": ["a", "b"]}]}
    assert list(flatten(row)) == [
        Cell("creators.name", ["X", "Y"], ARRAY_OF_OBJECTS),
        Cell("creators.role", ["dir"], ARRAY_OF_OBJECTS),
        Cell("creators.tags", ["a", "b"], ARRAY_OF_OBJECTS),
    ]


def test_a_long_array_of_objects_takes_time_in_proportion() -> None:
    [cell] = flatten({"o": [{"m": number} for number in range(200_000)]})
    assert (cell.column, len(cell.value)) == ("o.m", 200_000)


def test_arrays_in_an_array_become_json_text() -> None:
    assert list(flatten({"m": [[1, 2], 3]})) == [Cell("m", ["[1, 2]", 3], NESTED_ARRAY)]
    assert list(flatten({"o": [{"m": [[1]]}]})) == [Cell("o.m", ["[1]"], NESTED_ARRAY)]
