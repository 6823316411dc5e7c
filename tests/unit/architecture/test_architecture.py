"""The shape of modules and functions, read from the sources. Which module may import which: see `pyproject.toml`."""

import ast
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_MAX_LINES = 300
_MAX_FUNCTION_LINES = 60
_MAX_PARAMETERS = 7
#: Methods of one protocol. A port may combine several.
_MAX_METHODS = 7
_MAX_TEST_NAME = 70
_NO_NOUNS = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}


def _modules(*folders: str) -> list[Path]:
    found = sorted(path.relative_to(_ROOT) for folder in folders for path in (_ROOT / folder).rglob("*.py"))
    return [path for path in found if "_resources" not in path.parts]


_OURS = _modules("amp", "workers")
_TESTS = _modules("tests")


def test_the_sources_are_found() -> None:
    assert Path("amp/domain/buckets.py") in _OURS
    assert len(_OURS) > 50


def _source(path: Path) -> str:
    return (_ROOT / path).read_text(encoding="utf-8")


def _assert_none(faults: list[str]) -> None:
    assert not faults, "\n" + "\n".join(faults)


def test_modules_are_named_after_what_they_are_about() -> None:
    words = {
        path: {word for part in path.with_suffix("").parts for word in part.split("_")} for path in [*_OURS, *_TESTS]
    }
    _assert_none([f"{path}: that name says nothing" for path in words if words[path] & _NO_NOUNS])


def test_modules_are_of_bounded_size() -> None:
    lines = {path: len(_source(path).splitlines()) for path in [*_OURS, *_TESTS]}
    long = [path for path in lines if lines[path] > _MAX_LINES]
    _assert_none([f"{path} has {lines[path]} lines; split it by subject" for path in long])


def test_every_module_opens_with_a_docstring() -> None:
    # Tests have empty `__init__.py` files: packages that are there for the imports alone.
    sources = {path: _source(path) for path in [*_OURS, *_TESTS]}
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


def test_names_of_tests_are_of_bounded_length() -> None:
    names = [(path, function.name) for path in _TESTS for function in _functions(_source(path))]
    long = [(path, name) for path, name in names if name.startswith("test_") and len(name) > _MAX_TEST_NAME]
    _assert_none([f"{path}: {name} has {len(name)} characters; at most {_MAX_TEST_NAME}" for path, name in long])


def _imported(source: str) -> Iterator[str]:
    """The modules that a module imports, of `from a import b` both `a` and `a.b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def _foreign(path: Path, source: str) -> list[str]:
    """The packages of tests that a module imports besides its own and `tests.support`."""
    packages = {path.parts[1], "support"} | {other.stem for other in _TESTS if len(other.parts) == 2}
    imported = {name.split(".")[1] for name in _imported(source) if name.startswith("tests.")}
    return sorted(imported - packages)


def test_packages_of_tests_import_only_themselves_and_support() -> None:
    faults = {path: _foreign(path, _source(path)) for path in _TESTS}
    _assert_none(
        [
            f"{path} imports tests.{package}; what packages of tests share belongs in tests/support"
            for path, found in faults.items()
            for package in found
        ]
    )


def test_an_import_from_another_package_of_tests_is_found() -> None:
    path = Path("tests/unit/domain/test_ids.py")
    assert _foreign(path, "from tests.contract.conftest import store_part") == ["contract"]
    assert _foreign(path, "def f():\n    from tests import bench\n    import tests.chaos.moves") == ["bench", "chaos"]
    assert _foreign(path, "from tests.support.clock import ManualClock\nfrom tests.unit import domain") == []
    assert _foreign(Path("tests/support/clock.py"), "from tests.unit import domain") == ["unit"]


def test_functions_take_seven_parameters_at_most() -> None:
    counts: dict[str, int] = {}
    for path in _OURS:
        for function in _functions(_source(path)):
            names = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
            # The command line's library passes each option of a command as a parameter.
            if path.parts[:2] != ("amp", "cli"):
                counts[f"{path}:{function.lineno} {function.name}"] = len(set(names) - {"self", "cls"})
    long = [name for name, count in counts.items() if count > _MAX_PARAMETERS]
    _assert_none([f"{name} has {counts[name]} parameters; group what belongs together in a record" for name in long])


def test_ports_have_seven_methods_at_most() -> None:
    for path in _modules("amp/ports"):
        for node in ast.parse(_source(path)).body:
            if isinstance(node, ast.ClassDef):
                methods = [child.name for child in node.body if isinstance(child, ast.FunctionDef)]
                assert len(methods) <= _MAX_METHODS, f"{path}: {node.name} has {len(methods)} methods; split it by use"


def test_only_the_runtime_draws_random_pauses() -> None:
    allowed = Path("amp/services/runtime/retry.py")
    drawing = [path for path in _OURS if path != allowed and "random.uniform" in _source(path)]
    _assert_none([f"{path} draws a random pause; use amp.services.runtime.retry" for path in drawing])
