"""Measure the structure of the code: `python -m scripts.structure` prints one page, and fails where a limit is broken.

Rows are packages; columns are what breaks a limit, each explained by its rule in `structure_rules`. `--list` names
every place, `--quiet` only those of limits that are broken.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from scripts import structure_rules as rules
from scripts.source_tree import Finding, Module, Tree, package_of

ROOT = Path(__file__).resolve().parent.parent

LIMITS: dict[str, rules.Rule] = {
    "folders": rules.wide_folders,
    "cycles": rules.import_cycles,
    "functions": rules.long_functions,
    "files": rules.long_files,
    "sql": rules.sql_outside_stores,
    "rooms": rules.outside_rooms,
    "events": rules.untyped_events,
    "classes": rules.classes_named_alike,
    "locks": rules.locks_out_of_order,
}

KNOWN: dict[str, int] = {}
"""Findings that remain of a limit which is not kept everywhere yet: exact numbers, which only ever fall."""

Findings = dict[str, list[Finding]]


def measure(root: Path) -> Findings:
    """Return what breaks each limit in the packages below a root."""
    tree = Tree(root)
    return {limit: list(rule(tree)) for limit, rule in LIMITS.items()}


def broken(findings: Findings, known: Mapping[str, int] = KNOWN) -> Findings:
    """Return the limits whose findings are more, or fewer, than are known of."""
    return {limit: places for limit, places in findings.items() if len(places) != known.get(limit, 0)}


def page(root: Path, findings: Findings) -> Iterator[str]:
    """Write a table of packages, and the totals below it."""
    tree = Tree(root)
    yield " ".join([f"{'package':<22}", f"{'lines':>6}", f"{'widest':>6}", *(f"{limit:>9}" for limit in findings)])
    for package in sorted({package_of(module.path) for module in tree}):
        yield _row(tree, package, findings)
    totals = [f"{len(places):>9}" for places in findings.values()]
    yield " ".join([f"{'all':<22}", f"{_lines(list(tree)):>6}", " " * 6, *totals])
    yield " ".join([f"{'known of':<22}", " " * 13, *(f"{KNOWN.get(limit, 0):>9}" for limit in findings)])
    own = [module for module in tree if module.path.parts[0] in ("paykit", "services")]
    yield f"\nservices and paykit together: {_lines(own)} lines"


def _row(tree: Tree, package: str, findings: Findings) -> str:
    lines = _lines([module for module in tree if package_of(module.path) == package])
    widest = max(Counter(path.parent for path in tree.files if package_of(path) == package).values())
    counts = [sum(finding.package == package for finding in places) for places in findings.values()]
    return " ".join([f"{package:<22}", f"{lines:>6}", f"{widest:>6}", *(f"{count or '.':>9}" for count in counts)])


def _lines(modules: list[Module]) -> int:
    return sum(len(module.text.splitlines()) for module in modules)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the page; exit with 1 when a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="name every place")
    parser.add_argument("--quiet", action="store_true", help="no table")
    parser.add_argument("--root", type=Path, default=ROOT, help="another repository than this")
    options = parser.parse_args(arguments)
    findings = measure(options.root)
    failed = broken(findings)
    if not options.quiet:
        print("\n".join(page(options.root, findings)))
    for limit, places in (findings if options.list else failed).items():
        print(f"\n{limit}, {len(places)} where {KNOWN.get(limit, 0)} are known of: {LIMITS[limit].__doc__}")
        print("\n".join(f"  {finding.place}: {finding.what}" for finding in places))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
