"""The shape of modules and functions, read from the sources. Which module may import which: see `pyproject.toml`."""

import ast
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_MAX_LINES = 300
_MAX_FUNCTION_LINES = 60
_NO_NOUNS = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}


def _modules(*folders: str) -> list[Path]:
    found = sorted(path.relative_to(_ROOT) for folder in folders for path in (_ROOT / folder).rglob("*.py"))
    return [path for path in found if "_resources" not in path.parts]


_OURS = _modules("amp", "workers")


def test_the_sources_are_found() -> None:
    assert Path("amp/domain/buckets.py") in _OURS
    assert len(_OURS) > 50


def _source(path: Path) -> str:
    return (_ROOT / path).read_text(encoding="utf-8")


def _assert_none(faults: list[str]) -> None:
    assert not faults, "\n" + "\n".join(faults)


def test_modules_are_named_after_what_they_are_about() -> None:
    words = {path: {word for part in path.with_suffix("").parts for word in part.split("_")} for path in _OURS}
    _assert_none([f"{path}: that name says nothing" for path in _OURS if words[path] & _NO_NOUNS])


def test_modules_are_of_bounded_size() -> None:
    lines = {path: len(_source(path).splitlines()) for path in _OURS}
    long = [path for path in _OURS if lines[path] > _MAX_LINES]
    _assert_none([f"{path} has {lines[path]} lines; split it by noun or by strategy" for path in long])


def test_every_module_opens_with_a_docstring() -> None:
    # Tests have empty `__init__.py` files: packages that are there for the imports alone.
    sources = {path: _source(path) for path in _modules("amp", "workers", "tests")}
    silent = [path for path, source in sources.items() if source and not ast.get_docstring(ast.parse(source))]
    _assert_none([f"{path} does not say what it is for" for path in silent])


def _functions(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_functions_fit_on_a_screen() -> None:
    lengths = {
        f"{path}:{function.lineno} {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for path in _OURS
        for function in _functions(_source(path))
    }
    _assert_none([f"{name} has {length} lines" for name, length in lengths.items() if length > _MAX_FUNCTION_LINES])
