"""The Python source of the repository, parsed but not imported: modules, and what the names in them stand for."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

TREES = ("paykit", "paytools", "services")

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Finding(NamedTuple):
    """One place that breaks a limit."""

    package: str
    """As in `paykit.serve` or `services.payment`."""
    place: str
    what: str


@dataclass(frozen=True)
class Module:
    """One file of Python.

    Attributes:
        name: As it is imported; an `__init__.py` has the name of its package.
        path: Relative to the root of the repository.
        text: Its source.
        tree: Its syntax tree.
    """

    name: str
    path: Path
    text: str
    tree: ast.Module

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of the syntax tree."""
        return list(ast.walk(self.tree))

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The node that each node stands in."""
        return {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}

    @cached_property
    def imports(self) -> dict[str, str]:
        """What each imported name stands for."""
        names = {}
        for node in self.nodes:
            if isinstance(node, ast.ImportFrom):
                names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
            elif isinstance(node, ast.Import):
                names.update({alias.asname: alias.name for alias in node.names if alias.asname})
        return names

    @cached_property
    def functions(self) -> list[Function]:
        """Functions and methods, however deep."""
        return [node for node in self.nodes if isinstance(node, Function)]

    def texts(self) -> Iterator[tuple[ast.Constant, str]]:
        """Yield strings, parts of f-strings too, but no docstrings."""
        for node in self.nodes:
            if isinstance(self.parents.get(node), ast.Expr):
                continue
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node, node.value

    def full_name(self, node: ast.AST) -> str:
        """Return what `name` or `module.name` stands for; nothing for what is no name."""
        if isinstance(node, ast.Name):
            return self.imports.get(node.id, f"{self.name}.{node.id}")
        if isinstance(node, ast.Attribute) and (owner := self.full_name(node.value)):
            return f"{owner}.{node.attr}"
        return ""

    def function_around(self, node: ast.AST) -> Function | None:
        """Return the innermost function that a node stands in."""
        while (parent := self.parents.get(node)) is not None:
            if isinstance(parent, Function):
                return parent
            node = parent
        return None

    def finding(self, node: ast.expr | ast.stmt, what: str) -> Finding:
        """Point at a line of the module."""
        return Finding(package_of(self.path), f"{self.path}:{node.lineno}", what)


class Tree:
    """The files and modules of paykit, paytools and services below a root."""

    def __init__(self, root: Path) -> None:
        paths = [path for name in TREES for path in sorted((root / name).rglob("*")) if path.is_file()]
        self.files = [path.relative_to(root) for path in paths if "__pycache__" not in path.parts]
        modules = [_parse(root, path) for path in self.files if path.suffix == ".py"]
        self.modules = {module.name: module for module in modules}

    def __iter__(self) -> Iterator[Module]:
        return iter(self.modules.values())

    def function(self, full_name: str) -> Function | None:
        """Return the function of a name, also where a package hands it on from one of its modules."""
        owner, _, name = full_name.rpartition(".")
        if (module := self.modules.get(owner)) is None:
            return None
        for function in module.functions:
            if function.name == name:
                return function
        origin = module.imports.get(name, full_name)
        return None if origin == full_name else self.function(origin)


def package_of(path: Path) -> str:
    """Return the package that a file counts to: a service, or a part of the library."""
    return ".".join(path.parts[:-1][:2])


def _parse(root: Path, path: Path) -> Module:
    text = (root / path).read_text(encoding="utf-8")
    name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    return Module(name, path, text, ast.parse(text))
