"""Hold the protos to the rules: `python -m scripts.aip`; `--list` shows rules and exceptions."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence

from scripts.aip import fields, http, methods
from scripts.aip.contracts import AipRule, Contracts
from scripts.aip.exceptions import EXCEPTIONS
from scripts.compiled_protos import compiled

RULES: Sequence[AipRule] = sorted((*methods.RULES, *fields.RULES, *http.RULES), key=lambda rule: (rule.aip, rule.name))


def broken(contracts: Contracts, exceptions: Mapping[str, Mapping[str, str]] = EXCEPTIONS) -> Iterator[str]:
    """Yield a line for each place that breaks a rule, and for each exception that excepts nothing."""
    for rule in RULES:
        excepted, used = exceptions.get(rule.id, {}), set[str]()
        for departure in rule.departures(contracts):
            covering = {name for name in excepted if f"{departure.place}.".startswith(f"{name}.")}
            used |= covering
            if not covering:
                yield f"{rule.id}: {departure.place}: {departure.text}"
        for name in sorted(set(excepted) - used):
            yield f"{rule.id}: {name}: is declared as an exception, and keeps the rule"
    for unknown in sorted(set(exceptions) - {rule.id for rule in RULES}):
        yield f"{unknown}: there is no such rule"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what breaks a rule, and leave with 1 if anything does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="show the rules and their exceptions")
    if parser.parse_args(arguments).list:
        for rule in RULES:
            print(f"{rule.id}: {rule.keeps}")
            for place, reason in EXCEPTIONS.get(rule.id, {}).items():
                print(f"    but {place}: {reason}")
    lines = list(broken(Contracts(compiled())))
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
