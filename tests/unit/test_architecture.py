"""The dependency arrow and the shape of modules, read from the sources: api, cli, workers → services → domain, ports
← adapters."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_MAX_LINES = 300
_NO_NOUNS = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}

#: Layer → what of this project it may import, besides itself.
_ARROW = {
    "amp.domain": {"amp.errors"},
    "amp.ports": {"amp.domain", "amp.errors"},
    "amp.services": {"amp.domain", "amp.ports", "amp.errors", "amp.metrics"},
    "amp.adapters": {
        "amp.domain",
        "amp.ports",
        "amp.errors",
        "amp.settings",
        "amp.resources",
        "amp.private_files",
        "amp.main_process",
        "amp.addresses",
        "amp.data_folder",
        "amp.datacenters",
    },
    "amp.errors": set(),
    "amp.data_folder": set(),
    "amp.datacenters": set(),
    "amp.private_files": set(),
    "amp.main_process": set(),
    "amp.resources": set(),
    "amp.metrics": {"amp.errors"},
    "amp.printable": set(),
    "amp.stop_budget": set(),
    "amp.logs": {"amp.printable"},
    "amp.addresses": set(),
    "amp.setting_types": {"amp.addresses"},
    "amp.settings": {"amp.errors", "amp.addresses", "amp.datacenters", "amp.printable", "amp.setting_types"},
    "amp.unknown_variables": {"amp.settings"},
    "amp.adapter_sets": {"amp.adapters", "amp.ports", "amp.settings"},
    "amp.wiring": {"amp.adapter_sets", "amp.services", "amp.ports", "amp.domain", "amp.settings", "amp.metrics"},
    "amp.bootstrap": {
        "amp.adapter_sets",
        "amp.wiring",
        "amp.services",
        "amp.ports",
        "amp.domain",
        "amp.errors",
        "amp.settings",
        "amp.metrics",
        "amp.stop_budget",
    },
}
#: Entry points may import anything but adapters, which `amp.bootstrap` alone wires.
_ENTRY_POINTS = {"amp.api", "amp.cli", "amp.server", "amp.worker", "workers"}

#: Driver → the one package that may import it.
_DRIVERS = {
    "cassandra": "amp.adapters.cassandra",
    "elasticsearch": "amp.adapters.elasticsearch",
    "elastic_transport": "amp.adapters.elasticsearch",
    "confluent_kafka": "amp.adapters.kafka",
    "redis": "amp.adapters.redis",
    "sqlite3": "amp.adapters.embedded",
}
#: Libraries of the edge → the layers that may import them.
_EDGE = {
    "flask": {"amp.api"},
    "flask_openapi3": {"amp.api"},
    "werkzeug": {"amp.api"},
    "gunicorn": {"amp.server"},
    "h11": {"amp.server"},
    "click": {"amp.cli"},
    "rich": {"amp.cli"},
    "httpx": {"amp.cli"},
}


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def _layer(module: str) -> str | None:
    return next((layer for layer in (*_ARROW, *_ENTRY_POINTS) if _within(module, layer)), None)


def _imports(module: str, source: str, *, is_package: bool = False) -> Iterator[tuple[int, str]]:
    """(line, module imported) of every import, those inside functions included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".") if is_package else module.split(".")[:-1]
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            origin = ".".join(filter(None, (base, node.module)))
            # `from amp import bootstrap` imports a module of the project as well as `import amp.bootstrap` does.
            yield from ((node.lineno, f"{origin}.{a.name}" if origin == "amp" else origin) for a in node.names)


def _fault(module: str, imported: str) -> str | None:
    """Why `module` must not import `imported`; None: it may."""
    top = imported.split(".")[0]
    layer = _layer(module)
    if top in _DRIVERS and not _within(module, _DRIVERS[top]):
        return f"the driver {top} belongs to {_DRIVERS[top]} alone"
    if top in _EDGE and layer not in _EDGE[top]:
        return f"the library {top} belongs to {', '.join(sorted(_EDGE[top]))}"
    if layer == "amp.domain" and top not in {"amp", "uuid6"} and top not in sys.stdlib_module_names:
        return "the domain stands on the standard library and uuid6 alone"
    if layer == "amp.ports" and top != "amp" and top not in sys.stdlib_module_names:
        return "a port speaks of the domain, not of libraries"
    if top not in {"amp", "workers"} or layer is None:
        return None
    if layer in _ENTRY_POINTS:
        wired = _within(imported, "amp.adapters") or _within(imported, "amp.adapter_sets")
        return "only amp.bootstrap wires adapters" if wired else None
    if _within(module, "amp.adapters") and _within(imported, "amp.adapters"):
        mine, theirs = module.split(".")[2:3], imported.split(".")[2:3]
        return None if mine == theirs else "adapters of one technology know nothing of another's"
    if _within(imported, layer) or any(_within(imported, allowed) for allowed in _ARROW[layer]):
        return None
    return f"{layer} may import only {', '.join(sorted(_ARROW[layer] | {layer}))} of this project"


def _violations(module: str, source: str, *, is_package: bool = False) -> list[str]:
    return [
        f"{module}:{line} imports {imported}: {fault}"
        for line, imported in _imports(module, source, is_package=is_package)
        if (fault := _fault(module, imported))
    ]


def _modules(*folders: str) -> list[Path]:
    found = sorted(path.relative_to(_ROOT) for folder in folders for path in (_ROOT / folder).rglob("*.py"))
    return [path for path in found if "_resources" not in path.parts]


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


_OURS = _modules("amp", "workers")


def test_the_sources_are_found() -> None:
    assert Path("amp/domain/buckets.py") in _OURS
    assert len(_OURS) > 50


def _source(path: Path) -> str:
    return (_ROOT / path).read_text(encoding="utf-8")


def _assert_none(faults: list[str]) -> None:
    assert not faults, "\n" + "\n".join(faults)


def test_imports_follow_the_dependency_arrow() -> None:
    found = [_violations(_name(path), _source(path), is_package=path.name == "__init__.py") for path in _OURS]
    _assert_none([fault for faults in found for fault in faults])


def test_every_module_belongs_to_a_layer() -> None:
    strangers = [path for path in _OURS if _layer(_name(path)) is None and _name(path) != "amp"]
    _assert_none([f"{path} is in no layer known here; say in _ARROW what it may import" for path in strangers])


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


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("amp.domain.ids", "import orjson"),
        ("amp.domain.ids", "from amp.ports import clock"),
        ("amp.ports.cache", "from amp.settings import Settings"),
        ("amp.ports.cache", "import structlog"),
        ("amp.services.assets.read", "from amp.adapters.embedded.database import Database"),
        ("amp.services.assets.read", "from amp import bootstrap"),
        ("amp.services.assets.read", "import sqlite3"),
        ("amp.services.assets.read", "def f():\n    from flask import request"),
        ("amp.services.assets.read", "from ...adapters import clock"),
        ("amp.adapters.embedded.claims", "from amp.services.assets.read import AssetReader"),
        ("amp.adapters.embedded.claims", "from amp.adapters.cassandra.claims import CassandraClaims"),
        ("amp.adapters.kafka.component", "import redis"),
        ("amp.adapters.kafka.component", "from cassandra.cluster import Cluster"),
        ("amp.bootstrap", "from amp.api.app import create_app"),
        ("amp.api.app", "from amp.adapters.embedded.claims import SqliteClaims"),
        ("amp.api.app", "from amp.adapter_sets import embedded"),
        ("amp.bootstrap", "def f():\n    from amp.adapters.clock import SystemClock"),
        ("workers.index", "import amp.adapters.clock"),
        ("amp.cli.main", "import elasticsearch"),
    ],
)
def test_an_import_against_the_arrow_is_found(module: str, source: str) -> None:
    assert len(_violations(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("amp.domain.ids", "import uuid6\nfrom amp.errors import InvalidId\nfrom amp.domain.times import format_ms"),
        ("amp.services.assets.read", "import structlog\nfrom amp.ports.claims import Claim"),
        ("amp.adapters.kafka.component", "from confluent_kafka import Producer\nfrom amp.settings import Settings"),
        ("amp.adapter_sets", "def f():\n    from amp.adapters.clock import SystemClock"),
        ("workers.index", "from amp.bootstrap import build"),
        ("amp.api.app", "from flask import Flask\nfrom .errors import problem"),
    ],
)
def test_an_import_along_the_arrow_is_fine(module: str, source: str) -> None:
    assert _violations(module, source) == []
