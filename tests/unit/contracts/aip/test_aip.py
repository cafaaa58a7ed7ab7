"""Each rule of the AIPs finds what it is for in a proto that breaks it, and the protos of the house keep them all."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.aip.__main__ import RULES, broken, main
from scripts.aip.contracts import Contracts
from scripts.aip.exceptions import EXCEPTIONS
from scripts.compiled_protos import compiled

ROOT = Path(__file__).parents[4]

HERE = Path(__file__).parent
GOOD = (HERE / "shop.proto").read_text(encoding="utf-8")
BAD = tomllib.loads((HERE / "bad.toml").read_text(encoding="utf-8"))["protos"]
S = "paystream.shop.v1"


def contracts(directory: Path, text: str) -> Contracts:
    file = directory / "paystream" / "shop" / "v1" / "shop.proto"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    return Contracts(compiled(directory))


def test_the_protos_of_the_house_keep_every_rule() -> None:
    assert list(broken(Contracts(compiled()))) == []


def test_a_proto_that_keeps_them_breaks_none(tmp_path: Path) -> None:
    assert list(broken(contracts(tmp_path, GOOD), {})) == []


@pytest.mark.parametrize("bad", BAD, ids=[f"{bad['rule']}-{number}" for number, bad in enumerate(BAD)])
def test_each_rule_finds_what_it_is_for(bad: Mapping[str, str], tmp_path: Path) -> None:
    assert bad["good"] in GOOD
    found = {
        tuple(line.split(": ", 2)[:2])
        for line in broken(contracts(tmp_path, GOOD.replace(bad["good"], bad["bad"], 1)), {})
    }
    assert (bad["rule"], bad["place"]) in found


def test_no_rule_is_without_a_proto_that_breaks_it() -> None:
    assert [rule.id for rule in RULES if rule.id not in {bad["rule"] for bad in BAD}] == []
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_a_package_is_the_directory_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "shop.proto"
    file.write_text(GOOD, encoding="utf-8")
    assert any(
        line.startswith("191-files: shop.proto: its package is") for line in broken(Contracts(compiled(tmp_path)), {})
    )


def test_an_exception_covers_a_place_and_what_is_in_it_and_nothing_beside_it(tmp_path: Path) -> None:
    shops = contracts(tmp_path, GOOD.replace("int64 sold_minor", "int64 sold_time"))
    assert list(broken(shops, {"142-moments": {f"{S}.Shop": "why"}})) == []
    left = list(broken(shops, {"142-moments": {f"{S}.Shop.sold": "why"}}))
    assert left == [
        f"142-moments: {S}.Shop.sold_time: ends in _time and is no moment",
        f"142-moments: {S}.Shop.sold: is declared as an exception, and keeps the rule",
    ]


def test_an_exception_from_no_rule_is_told(tmp_path: Path) -> None:
    assert list(broken(contracts(tmp_path, GOOD), {"999-luck": {S: "why"}})) == ["999-luck: there is no such rule"]


def test_the_page_names_each_rule_and_the_command_shows_each_exception(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "aip.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\d+)\]\(https://google\.aip\.dev/\1\) \| (.+) \|$", page, flags=re.MULTILINE)
    kept = dict(rows)
    assert {str(rule.aip) for rule in RULES} <= set(kept)
    assert [rule.keeps for rule in RULES if rule.keeps not in kept[str(rule.aip)]] == []
    with pytest.raises(SystemExit) as ended:
        main(["--list"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(reason in shown for places in EXCEPTIONS.values() for reason in places.values())
