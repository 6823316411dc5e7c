"""Every import contract of pyproject.toml is broken by the import that it forbids."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.subject_contract import docstring, uses

_ROOT = Path(__file__).resolve().parents[3]
_SERVICES = _ROOT / "amp" / "services"
#: The name of a contract → an import that it forbids: the file and the line.
_FORBIDDEN = {
    "Layers: entry points, wiring, adapters and services, ports, domain": (
        "amp/domain/ids.py",
        "import amp.ports.clock",
    ),
    "Only amp.bootstrap and the wiring know adapters; entry points work on any": (
        "amp/cli/main.py",
        "import amp.adapters.clock",
    ),
    "Ports and the domain do not import settings; the wiring passes values to services": (
        "amp/services/assets/read.py",
        "import amp.settings",
    ),
    "Adapters of one technology import no adapter of another": (
        "amp/adapters/embedded/claims.py",
        "import amp.adapters.cassandra.claims",
    ),
    "The driver of Cassandra belongs to its adapter": ("amp/adapters/kafka/component.py", "import cassandra.cluster"),
    "The driver of Elasticsearch belongs to its adapter": ("amp/cli/main.py", "import elasticsearch"),
    "The driver of Kafka belongs to its adapter": ("amp/worker.py", "import confluent_kafka"),
    "The driver of Redis belongs to its adapter": ("amp/adapters/kafka/component.py", "import redis"),
    "SQLite belongs to the embedded adapters": ("amp/services/assets/read.py", "import sqlite3"),
    "The web framework belongs to the API": ("amp/services/assets/read.py", "def f():\n    import flask"),
    "The HTTP server's libraries belong to the server": ("amp/api/app.py", "import gunicorn"),
    "The command line's libraries belong to the command line": ("amp/api/app.py", "import click"),
    "Services count through amp.ports.metrics": ("amp/services/outbox/relay.py", "from amp.metrics import Metrics"),
    "The domain stands on the standard library and uuid6 alone": ("amp/domain/ids.py", "import orjson"),
    "A port speaks of the domain, not of libraries": ("amp/ports/cache.py", "import structlog"),
    "Subjects in levels: what is changed together stays together": (
        "amp/services/types/catalog.py",
        "import amp.services.jobs.run",
    ),
    "A subject imports only the subjects that its docstring names": (
        "amp/services/assets/read.py",
        "import amp.services.buckets.bucket_map",
    ),
}


def _contracts() -> list[str]:
    options = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [contract["name"] for contract in options["tool"]["importlinter"]["contracts"]]


def _lint(folder: Path) -> str:
    """Return what import-linter prints about the sources in this folder."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    environment = os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "300"}
    done = subprocess.run(
        [*command, "--no-logo", "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, timeout=100
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Every forbidden import at once."""
    folder = tmp_path_factory.mktemp("sources")
    for name in ("amp", "workers", "tests/support"):
        shutil.copytree(_ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "_resources"))
    shutil.copy(_ROOT / "pyproject.toml", folder)
    for file, line in _FORBIDDEN.values():
        with (folder / file).open("a", encoding="utf-8") as out:
            out.write(f"\n{line}\n")
    return _lint(folder)


@pytest.mark.parametrize("contract", _contracts())
def test_a_contract_is_broken_by_the_import_it_forbids(report: str, contract: str) -> None:
    assert contract in _FORBIDDEN
    assert re.search(rf"{re.escape(contract)}\s+BROKEN", report), report


def test_subjects_are_few_and_each_says_what_it_uses() -> None:
    subjects = sorted(path.name for path in _SERVICES.iterdir() if path.is_dir() and path.name != "__pycache__")
    assert len(subjects) <= 14
    assert [path.name for path in _SERVICES.glob("*.py")] == ["__init__.py"]
    for subject in subjects:
        known = uses(docstring(f"amp.services.{subject}"))
        assert known <= set(subjects) - {subject}, subject
        assert known or subject == "runtime"
