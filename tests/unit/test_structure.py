"""The structure of this repository, and the rules that measure it on small trees where each finds what it is for."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts import structure, structure_rules
from scripts.source_tree import Finding

MODULE = '"""Text."""\n'
EVENTS = "from typing import Any\nfrom paystream.order.v1 import events\n"


@pytest.fixture(scope="module")
def findings() -> structure.Findings:
    return structure.measure(structure.ROOT)


def known(findings: structure.Findings, limit: str) -> bool:
    """Compare the number, so that what is mended leaves the list of what is known of."""
    assert len(findings[limit]) == structure.KNOWN.get(limit, 0), "\n".join(map(str, findings[limit]))
    return True


def test_no_folder_has_more_than_16_files(findings: structure.Findings) -> None:
    assert structure_rules.FILES_PER_FOLDER_MAX == 16
    assert known(findings, "folders")


def test_no_modules_import_each_other_in_a_ring(findings: structure.Findings) -> None:
    assert known(findings, "cycles")


def test_no_function_has_more_than_50_lines(findings: structure.Findings) -> None:
    assert structure_rules.FUNCTION_LINES_MAX == 50
    assert known(findings, "functions")


def test_no_file_has_more_than_400_lines(findings: structure.Findings) -> None:
    assert structure_rules.FILE_LINES_MAX == 400
    assert known(findings, "files")


def test_no_statement_stands_outside_of_a_store(findings: structure.Findings) -> None:
    assert known(findings, "sql")


def test_no_file_of_a_service_stands_outside_of_the_rooms(findings: structure.Findings) -> None:
    assert known(findings, "rooms")


def test_no_event_is_made_of_a_dictionary_of_anything(findings: structure.Findings) -> None:
    assert known(findings, "events")


def test_no_two_public_classes_have_one_name(findings: structure.Findings) -> None:
    assert known(findings, "classes")


def test_no_row_is_locked_out_of_the_declared_order(findings: structure.Findings) -> None:
    assert known(findings, "locks")


def test_what_is_known_of_is_a_limit() -> None:
    assert set(structure.KNOWN) <= set(structure.LIMITS)


def test_a_room_that_a_service_has_of_its_own_is_there() -> None:
    assert all((structure.ROOT / room).is_dir() for room in structure_rules.ROOMS_OF_THEIR_OWN)


def test_a_page_has_a_row_for_each_service_and_each_part_of_the_library(findings: structure.Findings) -> None:
    packages = [line.split()[0] for line in structure.page(structure.ROOT, findings) if line.strip()]
    assert {"paykit.serve", "paytools.cli", "services.payment", "services.journey"} <= set(packages)


def measured(root: Path, files: Mapping[str, str], limit: str) -> list[Finding]:
    """Write files below a root and give what breaks a limit there."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return structure.measure(root)[limit]


def places(found: list[Finding]) -> list[str]:
    return [finding.place for finding in found]


def test_a_seventeenth_file_is_found(tmp_path: Path) -> None:
    files = {f"paykit/serve/m{number}.py": MODULE for number in range(16)}
    assert measured(tmp_path, files, "folders") == []
    found = measured(tmp_path, {"paykit/serve/data.toml": ""}, "folders")
    assert found == [Finding("paykit.serve", "paykit/serve", "17 files")]


def test_a_ring_of_imports_is_found(tmp_path: Path) -> None:
    files = {
        "paykit/a.py": "from paykit import b\n",
        "paykit/b.py": "def f():\n    from paykit.c import g\n",
        "paykit/c.py": "import paykit.a\n",
        "paykit/d.py": "from paykit import a\n",
    }
    [ring] = measured(tmp_path, files, "cycles")
    assert set(ring.what.split(" <- ")) == {"paykit.a", "paykit.b", "paykit.c"}


def test_two_rings_are_two_findings(tmp_path: Path) -> None:
    files = {f"paykit/{name}.py": f"from paykit import {other}\n" for name, other in ("ab", "ba", "cd", "dc")}
    assert len(measured(tmp_path, files, "cycles")) == 2


def test_an_import_for_the_type_checker_makes_a_ring_too(tmp_path: Path) -> None:
    guarded = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from paykit import a\n"
    assert len(measured(tmp_path, {"paykit/a.py": "from paykit import b\n", "paykit/b.py": guarded}, "cycles")) == 1


def test_importing_a_name_of_a_package_imports_the_package(tmp_path: Path) -> None:
    files = {"paykit/a/__init__.py": "from paykit.a.b import X\n", "paykit/a/b.py": "from paykit.a import Y\n"}
    assert len(measured(tmp_path, files, "cycles")) == 1
    assert (
        measured(tmp_path, files | {"paykit/a/b.py": "from paykit.a import c\n", "paykit/a/c.py": ""}, "cycles") == []
    )


def test_a_function_of_51_lines_is_found(tmp_path: Path) -> None:
    text = "class C:\n    async def fits(self):\n" + "        pass\n" * 49
    assert measured(tmp_path, {"paykit/a.py": text}, "functions") == []
    [found] = measured(tmp_path, {"paykit/a.py": text + "        pass\n"}, "functions")
    assert found == Finding("paykit", "paykit/a.py:2", "fits has 51 lines")


def test_a_file_of_401_lines_is_found(tmp_path: Path) -> None:
    assert measured(tmp_path, {"services/order/rpc.py": "pass\n" * 400}, "files") == []
    assert places(measured(tmp_path, {"services/order/rpc.py": "pass\n" * 401}, "files")) == ["services/order/rpc.py"]


@pytest.mark.parametrize(
    "text",
    [
        'A = "SELECT 1"',
        'A = """\nWITH x AS (SELECT 1) SELECT 1"""',
        'A = f"UPDATE {table} SET x = 1"',
        "import asyncpg",
        "from sqlalchemy.dialects import postgresql",
    ],
)
def test_sql_outside_of_a_store_is_found(tmp_path: Path, text: str) -> None:
    files = {f"services/order/{room}.py": f"{text}\n" for room in ("commands", "store")}
    files |= {"services/order/migrations/one.py": text, "services/order/store/order.py": text}
    [found] = measured(tmp_path, files, "sql")
    assert (found.package, found.place.split(":")[0]) == ("services.order", "services/order/commands.py")


def test_what_only_speaks_of_sql_is_none(tmp_path: Path) -> None:
    text = '"""SELECT is what stores do."""\nMODES = ("DELETE", "WITHDRAWAL x", "with care")\n'
    assert measured(tmp_path, {"services/order/commands.py": text}, "sql") == []


def test_sql_in_the_pure_part_of_the_library_is_found(tmp_path: Path) -> None:
    files = {"paykit/money.py": 'A = "DELETE FROM x"\n', "paykit/postgres/outbox.py": 'A = "DELETE FROM x"\n'}
    assert places(measured(tmp_path, files, "sql")) == ["paykit/money.py:1"]


def test_a_file_outside_of_the_rooms_is_found(tmp_path: Path) -> None:
    files = {
        "services/__init__.py": MODULE,
        "services/order/__init__.py": MODULE,
        "services/order/domain.py": MODULE,
        "services/order/store/anything.py": MODULE,
        "services/order/sweeping.py": MODULE,
        "services/order/tables/x.toml": "",
        "services/accounting/charts/x.toml": "",
    }
    assert places(measured(tmp_path, files, "rooms")) == ["services/order/sweeping.py", "services/order/tables/x.toml"]


FACTS = "class Facts(TypedDict):\n    a: int\n"


@pytest.mark.parametrize(
    "text",
    [
        "def facts(x) -> dict[str, Any]: ...\nE = events.OrderPaid(**facts(1), b=2)",
        "def facts(x): ...\nE = events.OrderPaid(**facts(1))",
        "class C:\n    def f(self) -> dict[str, Any]: ...\n    def g(self): return events.OrderPaid(**self.f())",
        "def f(facts: dict[str, Any]): return events.OrderPaid(**facts)",
        "def f(facts: Mapping[str, object]): return events.OrderPaid(**facts)",
        "def f():\n    facts: dict[str, Any] = {}\n    return events.OrderPaid(**facts)",
        "def facts() -> dict[str, Any]: ...\ndef f():\n    told = facts()\n    return events.OrderPaid(**told)",
        "E = events.OrderPaid(**{'a': 1})",
        "from paystream.order.v1.events import OrderPaid\nE = OrderPaid(**{'a': 1})",
    ],
)
def test_an_event_made_of_a_dictionary_of_anything_is_found(tmp_path: Path, text: str) -> None:
    assert len(measured(tmp_path, {"services/order/domain.py": f"{EVENTS}{text}\n"}, "events")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "def facts(x) -> Facts: ...\nE = events.OrderPaid(**facts(1), b=2)",
        "def f(facts: Facts): return events.OrderPaid(**facts)",
        "from services.order import domain\nE = events.OrderPaid(**domain.facts(1))",
        "E = messages.OrderPaid(**{'a': 1})",
        "E = events.OrderPaid(a=1)",
    ],
)
def test_an_event_made_of_typed_facts_is_fine(tmp_path: Path, text: str) -> None:
    handed_on = {
        "services/order/domain/__init__.py": "from services.order.domain.order import facts\n",
        "services/order/domain/order.py": "def facts(x) -> Facts: ...\n",
    }
    assert measured(tmp_path, {"services/order/commands.py": f"{EVENTS}{FACTS}{text}\n", **handed_on}, "events") == []


def test_two_public_classes_of_one_name_are_found(tmp_path: Path) -> None:
    text = "class Order: ...\nclass _Reader: ...\n"
    found = measured(tmp_path, {"paykit/a.py": text, "services/order/domain.py": text}, "classes")
    assert found == [Finding("paykit", "Order", "paykit/a.py, services/order/domain.py")]


LOCK = 'SQL = "SELECT a FROM t FOR UPDATE"\n'


@pytest.mark.parametrize(
    "text",
    [
        "async def f(tx): await tx.fetch('SELECT a FROM t FOR UPDATE')",
        "async def f(tx): await tx.fetch('SELECT a FROM t FOR NO KEY UPDATE', 1)",
        LOCK + "async def f(tx): return [row for row in await tx.fetch(SQL)]",
        LOCK + "async def f(tx):\n    await tx.lock('t', SQL)\n    await tx.run(SQL)",
        LOCK + "class C:\n    def __init__(self): self._sql = SQL.format(1)\n    def f(self, tx): tx.fetch(self._sql)",
        "def _sql(): return f'SELECT {x} FROM t FOR UPDATE'\ndef f(tx): tx.fetch(_sql())",
        "def f(tx):\n    sql = f'SELECT {x} FROM t FOR UPDATE'\n    return tx.fetch(sql)",
        "def f(tx): return tx.select(statement.with_for_update())",
    ],
)
def test_a_lock_out_of_the_declared_order_is_found(tmp_path: Path, text: str) -> None:
    assert len(measured(tmp_path, {"services/order/store.py": f"{text}\n"}, "locks")) == 1


def test_a_lock_that_another_module_takes_is_found(tmp_path: Path) -> None:
    user = "from services.order import store\nasync def f(tx): await tx.fetch(store.SQL)\n"
    found = measured(tmp_path, {"services/order/store.py": LOCK, "services/order/jobs.py": user}, "locks")
    assert places(found) == ["services/order/jobs.py:2"]


@pytest.mark.parametrize(
    "text",
    [
        "async def f(tx): await tx.lock('t', 'SELECT a FROM t FOR UPDATE', 1)",
        LOCK + "async def f(tx): return [row for row in await tx.lock('t', SQL)]",
        LOCK
        + "class C:\n    def __init__(self): self._sql = SQL.format(1)\n    def f(self, tx): tx.lock('t', self._sql)",
        "def f(tx):\n    sql = 'SELECT a FROM t FOR UPDATE'\n    tx.lock('t', sql)\ndef g(tx, sql): tx.fetch(sql)",
        '"""How FOR UPDATE locks."""',
    ],
)
def test_a_lock_in_the_declared_order_is_fine(tmp_path: Path, text: str) -> None:
    assert measured(tmp_path, {"services/order/store.py": f"{text}\n"}, "locks") == []


def test_a_limit_is_broken_by_more_findings_than_are_known_of_and_by_fewer() -> None:
    two = [Finding("paykit", "paykit/a.py:1", "x"), Finding("paykit", "paykit/a.py:2", "x")]
    assert structure.broken({"sql": two, "files": []}, {"sql": 2}) == {}
    assert structure.broken({"sql": two}, {"sql": 1}) == {"sql": two}
    assert structure.broken({"sql": two}, {"sql": 3}) == {"sql": two}


def test_a_broken_limit_is_named_and_fails_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measured(tmp_path, {"paykit/a.py": "pass\n" * 401}, "files")
    with pytest.raises(SystemExit, match="1"):
        structure.main(["--quiet", "--root", str(tmp_path)])
    assert "paykit/a.py: 401 lines" in capsys.readouterr().out
