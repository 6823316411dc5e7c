"""An import contract: a subject of the services imports only the subjects that its docstring names."""

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

_USES = re.compile(r"^Uses (.*?)\.$", re.MULTILINE | re.DOTALL)


class SubjectContract(Contract):
    """The docstring of each package under `package` ends with a sentence such as "Uses `buckets` and `runtime`."."""

    type_name = "subjects"
    package = fields.StringField()

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - the signature is given
        package = str(self.package)
        allowed = {subject.split(".")[-1]: uses(docstring(subject)) for subject in graph.find_children(package)}
        broken = sorted(
            f"{importer} imports {imported}, but the docstring of {package}.{subject} does not name `{other}`"
            for subject in allowed
            for importer, imported, other in _imports(graph, package, subject)
            if other not in allowed[subject]
        )
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for line in check.metadata["broken"]:
            output.print_error(line)


def uses(text: str) -> set[str]:
    """Return the subjects that a docstring names in its sentence that begins with "Uses"."""
    found = _USES.search(text)
    return set(re.findall(r"`([a-z_]+)`", found[1])) if found else set()


def docstring(package: str) -> str:
    """Return the docstring of a package without importing it."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""


def _imports(graph: ImportGraph, package: str, subject: str) -> Iterator[tuple[str, str, str]]:
    """Return (importer, imported, imported subject) of all imports from this subject into others."""
    root = f"{package}.{subject}"
    for importer in {root} | graph.find_descendants(root):
        for imported in graph.find_modules_directly_imported_by(importer):
            parts: list[Any] = imported.removeprefix(f"{package}.").split(".")
            if imported.startswith(f"{package}.") and parts[0] != subject:
                yield importer, imported, parts[0]
