"""What the structure of the code must keep to: a rule yields the places that break it, each with its reason.

The exceptions are declared here, each with its reason.
"""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from scripts.source_tree import Finding, Function, Module, Tree, package_of

FILES_PER_FOLDER_MAX = 16
GROWING_FOLDERS = {"migrations": "what was published is neither moved nor put together, and each change adds one"}
FUNCTION_LINES_MAX = 50
FILE_LINES_MAX = 400

ROOMS = frozenset({"domain", "store", "commands", "rpc", "messages", "handlers", "jobs", "service", "migrations"})

ROOMS_OF_THEIR_OWN = {
    "services/accounting/charts": "data: the charts of accounts, which operators choose by name",
    "services/notification/templates": "data: the words of mails in each language, and what they look like",
    "services/reconciliation/rules": "data: the rules of channels that have none of their own, for operators to copy",
    "services/journey/peers": "in the place of a store: what a journey tells lies in other services (docs/adr/0017)",
}

SQL_OF_THE_LIBRARY = {
    "paykit.postgres": "what SQL is spoken through: transactions, declared tables, the outbox, wake-ups",
    "paykit.channels": "attempts and evidence are tables that the library brings to payment and withdrawal",
    "paykit.contacts": "contacts are a table that the library brings to order and payment",
    "paykit.contradictions": "contradictions are a table that the library brings to payment and withdrawal",
    "paykit.consume": "offsets, the inbox, dead letters and parked events are tables of the runtime",
    "paykit.kafka": "the relay leads by an advisory lock",
    "paykit.merchants": "the projection of merchants is a table that the library brings to services",
    "paykit.process": "migrations, and the business clock's table",
    "paykit.reasons": "stated reasons are columns that the library brings to tables of services",
    "paykit.rebuild": "shadow schemas are made and compared by PostgreSQL's own catalogue",
    "paykit.serve": "idempotency keys are a table of the runtime, and lists are paged by their query",
    "paykit.testing": "databases copied from a template",
    "paytools.localstack": "asks whether PostgreSQL answers, and makes its databases",
}

LOCKS_WITHOUT_TX = {
    "paykit.rebuild.shadow": "has a connection of its own, and locks the offsets alone",
}

NAMED_ALIKE = dict.fromkeys(
    ("AttemptNotFound", "DisputeNotFound", "DisputeResponseLate", "EtagMismatch", "MerchantUnknown", "TimeZoneUnknown"),
    "one reason of docs/errors.md, which several services answer with",
)

_SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\s")
_SQL_LIBRARIES = frozenset({"asyncpg", "sqlalchemy"})
_LOCKING = re.compile(r"FOR\s+(NO\s+KEY\s+)?UPDATE")
_EVENT = re.compile(r"paystream\.\w+\.v\d+\.events\.[A-Z]\w*")
_UNTYPED = re.compile(r"(typing\.)?(dict|Dict|Mapping|MutableMapping|Any)\b.*")

Rule = Callable[[Tree], Iterator[Finding]]


def wide_folders(tree: Tree) -> Iterator[Finding]:
    """Folders of too many files, whatever the files are, but for those that only ever grow."""
    for folder, count in Counter(path.parent for path in tree.files).items():
        if count > FILES_PER_FOLDER_MAX and folder.name not in GROWING_FOLDERS:
            yield Finding(package_of(folder / "_"), str(folder), f"{count} files")


def import_cycles(tree: Tree) -> Iterator[Finding]:
    """Rings of imports, wherever they stand: in functions, and for the type checker alone, too."""
    imported = {module.name: set(_imported(tree, module)) for module in tree}
    while (ring := _ring(imported)) is not None:
        # The sorter names the imported module first. Without one of its imports the next ring shows.
        imported[ring[1]].discard(ring[0])
        yield Finding(package_of(tree.modules[ring[0]].path), ring[0], " <- ".join(ring))


def _ring(imported: dict[str, set[str]]) -> list[str] | None:
    try:
        TopologicalSorter(imported).prepare()
    except CycleError as error:
        ring: list[str] = error.args[1]
        return ring
    return None


def _imported(tree: Tree, module: Module) -> Iterator[str]:
    for node in module.nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            package = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            for name in (package + alias.name for alias in node.names):
                owner = name.rpartition(".")[0]
                yield from [candidate for candidate in (name, owner) if candidate in tree.modules][:1]


def long_functions(tree: Tree) -> Iterator[Finding]:
    """Functions of too many lines, docstring included."""
    for module in tree:
        for function in module.functions:
            lines = (function.end_lineno or function.lineno) - function.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield module.finding(function, f"{function.name} has {lines} lines")


def long_files(tree: Tree) -> Iterator[Finding]:
    """Files of too many lines."""
    for module in tree:
        if (lines := len(module.text.splitlines())) > FILE_LINES_MAX:
            yield Finding(package_of(module.path), str(module.path), f"{lines} lines")


def sql_outside_stores(tree: Tree) -> Iterator[Finding]:
    """Statements, and in services what speaks them, outside of stores, migrations and the library's own tables."""
    for module in tree:
        if package_of(module.path) in SQL_OF_THE_LIBRARY or _room(module.path) in ("store", "migrations"):
            continue
        yield from (module.finding(node, text.strip()[:60]) for node, text in module.texts() if _SQL.match(text))
        if module.name.startswith("services."):
            yield from _database_imports(module)


def _database_imports(module: Module) -> Iterator[Finding]:
    for node in module.nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            if {name.partition(".")[0] for name in names} & _SQL_LIBRARIES:
                yield module.finding(node, ast.unparse(node))


def _room(path: Path) -> str:
    """Return the room of a service that a file stands in."""
    return Path(path.parts[2]).stem if path.parts[0] == "services" and len(path.parts) > 2 else ""  # noqa: PLR2004 - services/<name>/<room>


def outside_rooms(tree: Tree) -> Iterator[Finding]:
    """Files of services that stand in no room."""
    for path in tree.files:
        room = _room(path)
        if room and room not in ROOMS | {"__init__"} and "/".join(path.parts[:3]) not in ROOMS_OF_THEIR_OWN:
            yield Finding(package_of(path), str(path), f"{room} is no room")


def untyped_events(tree: Tree) -> Iterator[Finding]:
    """Events made of `**facts` that are a dictionary of anything: a forgotten field would pass the type check."""
    for module in tree:
        for node in module.nodes:
            if isinstance(node, ast.Call) and _EVENT.fullmatch(module.full_name(node.func)):
                for facts in (keyword.value for keyword in node.keywords if keyword.arg is None):
                    type_ = _type(tree, module, facts)
                    if _UNTYPED.fullmatch(type_):
                        yield module.finding(facts, f"**{ast.unparse(facts)} is {type_}")


def _type(tree: Tree, module: Module, facts: ast.expr) -> str:
    """Return the annotation that stands behind an expression; Any where none can be seen."""
    if isinstance(facts, ast.Call):
        function = tree.function(module.full_name(facts.func)) or _method(tree, module, facts.func)
        return ast.unparse(function.returns) if function is not None and function.returns else "Any"
    if isinstance(facts, ast.Name) and (function := module.function_around(facts)) is not None:
        return _variable_type(tree, module, facts.id, function)
    return "Any"


def _method(tree: Tree, module: Module, called: ast.expr) -> Function | None:
    """Find a method by its name alone, in its own module first."""
    if not isinstance(called, ast.Attribute):
        return None
    functions = [function for owner in (module, *tree) for function in owner.functions]
    return next((function for function in functions if function.name == called.attr), None)


def _variable_type(tree: Tree, module: Module, name: str, function: Function) -> str:
    arguments = function.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        if argument.arg == name and argument.annotation:
            return ast.unparse(argument.annotation)
    for node in ast.walk(function):
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name:
            return ast.unparse(node.annotation)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return _type(tree, module, node.value) if isinstance(node.value, ast.Call) else "Any"
    return "Any"


def classes_named_alike(tree: Tree) -> Iterator[Finding]:
    """Names that more than one public class bears."""
    modules: dict[str, list[Module]] = defaultdict(list)
    for module in tree:
        for node in module.nodes:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                modules[node.name].append(module)
    for name, owners in sorted(modules.items()):
        if len(owners) > 1 and name not in NAMED_ALIKE:
            yield Finding(package_of(owners[0].path), name, ", ".join(str(owner.path) for owner in owners))


def locks_out_of_order(tree: Tree) -> Iterator[Finding]:
    """Statements that lock rows and reach the database by another way than `tx.lock`, which keeps the order."""
    for module in tree:
        if module.name in LOCKS_WITHOUT_TX or _room(module.path) == "migrations":
            continue
        for node in module.nodes:
            if isinstance(node, ast.Attribute) and node.attr == "with_for_update":
                yield module.finding(node, ast.unparse(node))
        yield from _stray_uses(tree, module)


def _stray_uses(tree: Tree, module: Module) -> Iterator[Finding]:
    """Follow statements that lock from their text through the names they are given to where they are run."""
    pending: list[tuple[Module, ast.expr]] = [(module, node) for node, text in module.texts() if _LOCKING.search(text)]
    followed = set()
    while pending:
        owner, node = pending.pop()
        user = _user(owner, node)
        if user in followed or (isinstance(user, ast.Call) and _is_lock(user)):
            continue
        followed.add(user)
        if isinstance(user, ast.Assign | ast.AnnAssign | ast.Return):
            pending += _reads(tree, owner, user)
        else:
            yield owner.finding(node, "locks rows")


def _user(module: Module, node: ast.expr) -> ast.AST:
    """Return the call that gets a text or the statement that names it, past what only puts texts together."""
    user: ast.AST = node
    parent = module.parents[node]
    while isinstance(parent, ast.expr | ast.keyword) and not (isinstance(parent, ast.Call) and parent.func is not user):
        user, parent = parent, module.parents[parent]
    return parent


def _is_lock(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "lock"


def _reads(tree: Tree, module: Module, statement: ast.stmt) -> Iterator[tuple[Module, ast.expr]]:
    """Yield where the name that a statement gives to a text is read: in its function, its module, or by an import."""
    function = module.function_around(statement)
    names = _names_given(statement, function)
    if function is not None and not isinstance(statement, ast.Return) and not any("." in name for name in names):
        yield from ((module, node) for node in _loads(ast.walk(function)) if ast.unparse(node) in names)
        return
    yield from ((module, node) for node in _loads(module.nodes) if ast.unparse(node) in names)
    public = {f"{module.name}.{name}" for name in names if not name.startswith(("_", "self.", "cls."))}
    for other in tree if public else ():
        if other is not module:
            yield from ((other, node) for node in _loads(other.nodes) if other.full_name(node) in public)


def _names_given(statement: ast.stmt, function: Function | None) -> set[str]:
    match statement:
        case ast.Assign(targets=targets):
            return {ast.unparse(target) for target in targets}
        case ast.AnnAssign(target=target):
            return {ast.unparse(target)}
    return {f"{owner}{function.name}" for owner in ("", "self.", "cls.")} if function is not None else set()


def _loads(nodes: Iterable[ast.AST]) -> Iterator[ast.expr]:
    for node in nodes:
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            yield node
