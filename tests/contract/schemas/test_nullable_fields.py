"""Every nullable field of every event is set by some code, or says here why none does.

`pytest --collect-only -q` lists them: the name of each test bears the field and the functions that set it. Rows that a
store reads back set nothing.
"""

import ast
import importlib
import inspect
import typing
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

import pytest

import services
from paykit.events import schema_files
from paykit.events.event import STAMPED

REASONS = {
    "ChannelStatementClosed.merchant_id": "A statement is of all merchants.",
    "CorrectionApproved.merchant_id": "A correction moves accounts of the platform.",
    "EvidenceUnmatched.merchant_id": "What is about no attempt that is known is of no merchant.",
    "StatementReconciled.merchant_id": "A statement is of all merchants.",
    "RefundCreated.channel_reference": "No channel has been asked yet.",
    "StatementEvidenceAccepted.failure_code": "Lines do not say why something failed.",
    "StatementEvidenceAccepted.merchant_id": "Whose call it is about is known to who made it.",
}
"""Why no code sets a field; what `tx.emit` stamps is left out, for it may be given and need not be."""

ROOT = Path(services.__path__[0])
ROOMS_WITHOUT_EVENTS = {"store", "store.py", "migrations"}


class Scope(NamedTuple):
    """A function, or what a module does outside of its functions."""

    module: Any
    name: str
    nodes: list[ast.AST]

    @property
    def place(self) -> str:
        return f"{self.module.__name__}:{self.name}"

    def value(self, expression: ast.expr) -> Any:
        """What a name, dotted or not, stands for in the module; of a parameter that is a class, that class or union."""
        if isinstance(expression, ast.Attribute):
            return getattr(self.value(expression.value), expression.attr, None)
        if not isinstance(expression, ast.Name):
            return None
        function = getattr(self.module, self.name, None)
        if hasattr(self.module, expression.id) or not inspect.isfunction(function):
            return getattr(self.module, expression.id, None)
        hint = typing.get_type_hints(function).get(expression.id)
        return typing.get_args(hint)[0] if typing.get_origin(hint) is type else None


def nullable(node: Any) -> Iterator[str]:
    """The nullable fields of a record and of those within."""
    if isinstance(node, list):
        for branch in node:
            yield from nullable(branch)
    elif isinstance(node, dict) and node["type"] == "array":
        yield from nullable(node["items"])
    elif isinstance(node, dict) and node["type"] == "record":
        for field in node["fields"]:
            if isinstance(field["type"], list) and field["name"] not in STAMPED:
                yield f"{node['name']}.{field['name']}"
            yield from nullable(field["type"])


def scopes() -> Iterator[Scope]:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        if not ROOMS_WITHOUT_EVENTS & {*parts, path.name}:
            tree = ast.parse(path.read_text())
            module = importlib.import_module(".".join(parts).removesuffix(".__init__"))
            functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
            yield from (Scope(module, function.name, list(ast.walk(function))) for function in functions)
            outside = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
            yield Scope(module, "", [inner for node in outside for inner in ast.walk(node)])


def constructions() -> Iterator[tuple[Scope, str, ast.Call]]:
    """Each call that makes an event or a record within one, with its name; one for each class that it may be of."""
    for scope in scopes():
        for call in scope.nodes:
            if isinstance(call, ast.Call):
                class_or_union = scope.value(call.func)
                for record in typing.get_args(class_or_union) or [class_or_union]:
                    if f"{getattr(record, '__module__', '')}".startswith("paystream.") and hasattr(record, "as_record"):
                        yield scope, record.__name__, call


def given(scope: Scope, call: ast.Call) -> Iterator[tuple[str, str]]:
    """The fields that a call gives another value than None, with the place; `**` alone where it is not typed."""
    for keyword in call.keywords:
        if keyword.arg is None:
            yield from unpacked(scope, keyword.value)
        elif not is_none(keyword.value):
            yield keyword.arg, scope.place


def unpacked(scope: Scope, value: ast.expr) -> Iterator[tuple[str, str]]:
    """The fields of a TypedDict, all required: mypy takes one that may be missing for given."""
    facts = scope.value(value.func) if isinstance(value, ast.Call) else None
    hint = typing.get_type_hints(facts).get("return") if isinstance(facts, FunctionType) else None
    if not isinstance(facts, FunctionType) or getattr(hint, "__optional_keys__", None) != frozenset():
        yield "**", scope.place
        return
    fields = typing.get_type_hints(hint).keys() - nones(facts)
    yield from ((field, f"{facts.__module__}:{facts.__name__}") for field in fields)


def nones(facts: FunctionType) -> set[str]:
    """The keys to which a function gives None."""
    displays = [node for node in ast.walk(ast.parse(inspect.getsource(facts))) if isinstance(node, ast.Dict)]
    entries = [entry for display in displays for entry in zip(display.keys, display.values, strict=True)]
    return {str(ast.literal_eval(key)) for key, value in entries if key is not None and is_none(value)}


def is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def setters() -> dict[str, set[str]]:
    """The places that set each field."""
    places: dict[str, set[str]] = defaultdict(set)
    for scope, record, call in constructions():
        for field, place in given(scope, call):
            places[f"{record}.{field}"].add(place)
    return places


FIELDS = sorted({field for file in schema_files.newest(schema_files.schema_root()) for field in nullable(file.schema)})
SET_BY = setters()


def describe(field: str) -> str:
    return f"{field} set by {', '.join(sorted(SET_BY.get(field, ()))) or 'nobody'}"


@pytest.mark.parametrize("field", FIELDS, ids=describe)
def test_a_nullable_field_is_set_or_says_why_it_is_not(field: str) -> None:
    assert (field in REASONS) == (field not in SET_BY), describe(field)


def test_reasons_are_given_for_nullable_fields_only() -> None:
    assert REASONS.keys() <= set(FIELDS)


def test_what_events_share_is_typed() -> None:
    assert {field: places for field, places in SET_BY.items() if field.endswith("**")} == {}


@pytest.mark.parametrize(
    ("field", "places"),
    [
        ("PaymentSuccess.order_id", {"services.payment.domain.payment:_capture_facts"}),
        ("RefundFailed.failure_code", {"services.payment.domain.refund:fail"}),
        ("MerchantSuspended.country_code", {"services.merchant.domain.merchant:_told"}),
    ],
)
def test_the_code_that_sets_a_field_is_found(field: str, places: set[str]) -> None:
    assert SET_BY[field] == places
