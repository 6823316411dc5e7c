"""Every use case that a client can reach takes the principal of the request, so that access can be checked there."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import pytest

from amp.domain.principals import Principal
from amp.services.assets.create import AssetCreation
from amp.services.assets.edit import AssetEditing
from amp.services.assets.read import AssetReader
from amp.services.assets.upsert import AssetUpsert
from amp.services.buckets.reconcile import BucketReconciliation
from amp.services.jobs.control import JobControl
from amp.services.jobs.dead_letters import DeadLetterAdmin
from amp.services.jobs.submit import JobSubmission
from amp.services.moves.layout import BucketLayout
from amp.services.moves.plan import MovePlanning
from amp.services.search.search import AssetSearch
from amp.services.types.register import TypeRegistration

_ROUTES = Path(__file__).resolve().parents[3] / "amp" / "api"
#: The use cases of clients.
_USE_CASES = [
    AssetCreation,
    AssetEditing,
    AssetReader,
    AssetUpsert,
    AssetSearch,
    BucketLayout,
    BucketReconciliation,
    DeadLetterAdmin,
    JobControl,
    JobSubmission,
    MovePlanning,
    TypeRegistration,
]
#: These read no assets and no jobs: the kinds of fields, which parsing a query needs, the health of components, and the
#: metrics.
_WITHOUT = {"types.catalog.now_s", "types.catalog.kinds", "system.health.check", "metrics.expose"}
#: This returns the names of buckets with missing documents.
_OF_SEARCHES = {"AssetSearch.incomplete"}


def _methods(service: type) -> Iterator[tuple[str, object]]:
    for name, method in inspect.getmembers(service, inspect.isfunction):
        # A default of a field may be a lambda.
        if not name.startswith("_") and method.__name__ == name:
            yield f"{service.__name__}.{name}", method


@pytest.mark.parametrize("service", _USE_CASES, ids=lambda service: service.__name__)
def test_every_method_of_a_use_case_takes_a_principal(service: type) -> None:
    for name, method in _methods(service):
        if name not in _OF_SEARCHES:
            assert get_type_hints(method).get("principal") is Principal, f"{name} takes no `principal: Principal`"


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield each call of a service by a route, with its name after `amp()`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (text := ast.unparse(node.func)).startswith("amp()."):
            yield text.removeprefix("amp()."), node


def test_every_call_of_a_service_by_a_route_passes_the_principal() -> None:
    faults, count = [], 0
    for path in sorted(_ROUTES.rglob("*.py")):
        for name, call in _calls(ast.parse(path.read_text(encoding="utf-8"))):
            passed = [ast.unparse(argument) for argument in (*call.args, *(keyword.value for keyword in call.keywords))]
            count += 1
            if name not in _WITHOUT and not any("principal()" in argument for argument in passed):
                faults.append(f"{path.name}:{call.lineno}: amp().{name} gets no principal")
    assert count > 35
    assert not faults, "\n" + "\n".join(faults)
