"""Records are typed: only code that parses or encodes JSON reads a member of a mapping by a literal name."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[3]
#: The edges translate between records and JSON, rows or settings, so they read members by name.
_EDGES = ("adapters", "api", "cli", "server", "settings.py", "_resources")
#: These read search documents, which are `TypedDict`s, so the type checker knows their members.
_TYPED_DICTS = {
    Path("amp/domain/document_match.py"),
    Path("amp/domain/documents.py"),
    Path("amp/services/indexing/write_documents.py"),
}
#: Functions that decode JSON.
_DECODERS = ("_from_json", "decode")


def _sources() -> list[Path]:
    found = [path.relative_to(_ROOT) for folder in ("amp", "workers") for path in (_ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if path.parts[1] not in _EDGES and path not in _TYPED_DICTS)


def _literal_reads(node: ast.AST, function: str = "") -> Iterator[str]:
    """Yield each read of a member by a literal name, with its line, unless it is in a function that decodes JSON."""
    if isinstance(node, ast.FunctionDef):
        function = node.name
    if function.endswith(_DECODERS):
        return
    match node:
        case ast.Subscript(slice=ast.Constant(value=str()), ctx=ast.Load()):
            yield f"{node.lineno}: {ast.unparse(node)}"
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str()), *_]):
            yield f"{node.lineno}: {ast.unparse(node)}"
    for child in ast.iter_child_nodes(node):
        yield from _literal_reads(child, function)


def test_no_record_is_read_by_a_literal_key() -> None:
    faults = [
        f"{path}:{read}: give the record a type, or parse it at the edge"
        for path in _sources()
        for read in _literal_reads(ast.parse((_ROOT / path).read_text(encoding="utf-8")))
    ]
    assert not faults, "\n" + "\n".join(faults)


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("job.parameters['selector']", 1),
        ("def settled(job):\n    return job.checkpoint.get('settled', 0)", 1),
        ("record['member'] = 1", 0),
        ("counts[outcome] + counts.get(outcome, 0)", 0),
        ("def job_from_json(data):\n    return Job(data['id'])", 0),
    ],
)
def test_a_read_by_a_literal_key_is_noticed(source: str, count: int) -> None:
    assert len(list(_literal_reads(ast.parse(source)))) == count
