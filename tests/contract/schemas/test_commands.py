"""`paystream schemas`: the commands, from the shell's point of view."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from paykit.events import schema_files
from paykit.testing.hosts import new_prefix
from paytools.cli.commands import schemas as command
from paytools.contracts import generator
from paytools.localstack import Endpoints
from tests.contract.schemas.conftest import SUCCESS, Schemas, field

VERSIONS = len(list(schema_files.schema_root().rglob("*.avsc")))
OPTIONAL = {"name": "note", "type": ["null", "string"], "default": None, "doc": "A note."}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command.app, list(arguments))


def add_version_2(schemas: Schemas) -> None:
    schemas.add(2, lambda schema: schema["fields"].append(OPTIONAL))


def generate(schemas: Schemas, gen: Path) -> None:
    for name, text in generator.generate(schemas.root).items():
        (gen / name).parent.mkdir(parents=True, exist_ok=True)
        (gen / name).write_text(text)


def test_check_passes_on_this_build() -> None:
    outcome = run("check")
    assert outcome.exit_code == 0
    assert "schema versions keep the rules, 0 of them drafts" in outcome.stdout


def test_check_names_file_field_and_rule_and_fails(schemas: Schemas) -> None:
    schemas.add(2, lambda schema: schema["fields"].append({"name": "note", "type": "string"}))
    outcome = run("check", "--root", str(schemas.root))
    assert outcome.exit_code == 1
    assert f"{SUCCESS}/2.avsc: note: DOC_MISSING: the field has no doc" in outcome.stderr
    assert f"{SUCCESS}/2.avsc: note: INCOMPATIBLE: version 2 cannot read version 1" in outcome.stderr
    assert "error: 2 violations" in outcome.stderr


def test_check_tells_drafts_from_published_versions(schemas: Schemas) -> None:
    add_version_2(schemas)
    outcome = run("check", "--root", str(schemas.root))
    assert outcome.exit_code == 0
    assert f"draft: {SUCCESS}/2.avsc" in outcome.stdout


def test_publishing_proposes_a_golden_first_and_makes_the_version_immutable_then(
    schemas: Schemas, tmp_path: Path
) -> None:
    add_version_2(schemas)
    gen = tmp_path / "gen"
    generate(schemas, gen)
    arguments = ("publish", "--root", str(schemas.root), "--gen", str(gen))

    proposing = run(*arguments)
    golden = schemas.root / SUCCESS / "2.golden.json"
    assert (proposing.exit_code, "2.golden.json" in proposing.stderr) == (1, True)
    assert json.loads(golden.read_text())["note"] is None

    golden.write_text(json.dumps({**json.loads(golden.read_text()), "note": "with oat milk"}))
    publishing = run(*arguments)
    assert (publishing.exit_code, publishing.stdout) == (0, f"published {SUCCESS}/2.avsc\n")
    assert (schemas.root / SUCCESS / "2.golden.bin").read_bytes().endswith(b"\x02\x1awith oat milk")

    schemas.edit(f"{SUCCESS}/2", lambda schema: schema["fields"].pop())
    assert "PUBLISHED_EDITED" in run("check", "--root", str(schemas.root)).stderr


def test_publishing_asks_for_fresh_generated_code(schemas: Schemas, tmp_path: Path) -> None:
    generate(schemas, tmp_path / "gen")
    add_version_2(schemas)
    golden = schemas.root / SUCCESS / "1.golden.json"
    (schemas.root / SUCCESS / "2.golden.json").write_text(
        json.dumps({**json.loads(golden.read_text()), "note": "with oat milk"})
    )
    before = (schemas.root / "published.lock").read_text()
    outcome = run("publish", "--root", str(schemas.root), "--gen", str(tmp_path / "gen"))
    assert (outcome.exit_code, "GENERATED_STALE" in outcome.stderr) == (1, True)
    assert (schemas.root / "published.lock").read_text() == before


def test_a_golden_that_does_not_fit_is_one_line_and_publishes_nothing(schemas: Schemas) -> None:
    add_version_2(schemas)
    before = (schemas.root / "published.lock").read_text()
    run("publish", "--root", str(schemas.root))
    golden = schemas.root / SUCCESS / "2.golden.json"
    golden.write_text(golden.read_text().replace('"note": null', '"note": 7'))
    outcome = run("publish", "--root", str(schemas.root))
    assert outcome.exit_code == 1
    assert outcome.stderr.startswith(f"error: {SUCCESS}/2.avsc: 2.golden.json: ")
    assert (schemas.root / "published.lock").read_text() == before


def test_publishing_without_drafts_does_nothing(schemas: Schemas) -> None:
    before = (schemas.root / "published.lock").read_text()
    gen = schemas.root.parents[1] / "gen"
    generate(schemas, gen)
    outcome = run("publish", "--root", str(schemas.root), "--gen", str(gen))
    assert (outcome.exit_code, outcome.stdout) == (0, "no drafts: nothing to publish\n")
    assert (schemas.root / "published.lock").read_text() == before


def test_export_writes_the_newest_published_version_of_every_record_and_nothing_else(
    schemas: Schemas, tmp_path: Path
) -> None:
    add_version_2(schemas)  # A draft, which is nobody's contract yet.
    out = tmp_path / "newest"
    outcome = run("export", "--root", str(schemas.root), "--newest", str(out))
    assert outcome.exit_code == 0, outcome.stderr
    written = {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*") if path.is_file()}
    assert sorted(written) == sorted(f"{path.relative_to(schemas.root)}.avsc" for path in schemas.root.glob("*/*"))
    assert outcome.stdout == f"{len(written)} schemas in {out}\n"
    assert written[f"{SUCCESS}.avsc"] == (schemas.root / SUCCESS / "1.avsc").read_text()
    newest = (schemas.root / "accounting.events/TransactionCreated/2.avsc").read_text()
    assert written["accounting.events/TransactionCreated.avsc"] == newest


def test_export_again_replaces_and_refuses_a_directory_of_other_schemas(schemas: Schemas, tmp_path: Path) -> None:
    out = tmp_path / "newest"
    arguments = ("export", "--root", str(schemas.root), "--newest", str(out))
    run(*arguments)
    (out / f"{SUCCESS}.avsc").write_text("old")
    assert run(*arguments).exit_code == 0
    assert (out / f"{SUCCESS}.avsc").read_text() == (schemas.root / SUCCESS / "1.avsc").read_text()
    (out / "Stranger.avsc").write_text("{}")
    outcome = run(*arguments)
    assert outcome.exit_code == 1
    assert outcome.stderr == f"error: {out} has schemas that are not exported: Stranger.avsc\n"


def test_export_refuses_types_that_differ(schemas: Schemas, tmp_path: Path) -> None:
    schemas.edit(f"{SUCCESS}/1", lambda schema: field(schema, "method")["type"]["symbols"].append("SHELLS"))
    outcome = run("export", "--root", str(schemas.root), "--newest", str(tmp_path / "newest"))
    assert outcome.exit_code == 1
    assert f"{SUCCESS}/1.avsc: method: SHARED_TYPE_DIFFERS: paystream.payment.v1.PaymentMethod" in outcome.stderr
    assert not (tmp_path / "newest").exists()


def test_list_shows_every_version_and_its_state(schemas: Schemas) -> None:
    add_version_2(schemas)
    lines = run("list", "--root", str(schemas.root)).stdout.splitlines()
    assert len(lines) == 1 + len(list(schemas.root.rglob("*.avsc")))
    found = [line.split() for line in lines if "PaymentSuccess" in line]
    assert found == [
        ["payment.events", "paystream.payment.v1.PaymentSuccess", "1", "published"],
        ["payment.events", "paystream.payment.v1.PaymentSuccess", "2", "draft"],
    ]


def test_drafts_are_registered_only_when_asked_for(schemas: Schemas, stack: Endpoints) -> None:
    add_version_2(schemas)
    arguments = ("--root", str(schemas.root), "--registry", stack.registry, "--prefix", new_prefix())
    refused = run("register", *arguments)
    assert (refused.exit_code, f"not published: {SUCCESS}/2.avsc" in refused.stderr) == (1, True)
    accepted = run("register", "--drafts", *arguments)
    assert accepted.exit_code == 0, accepted.output
    versions = len(list(schemas.root.rglob("*.avsc")))
    assert accepted.stdout.count("registered ") == versions
    assert run("register", "--drafts", *arguments).stdout.count("unchanged ") == versions


def test_diff_fails_until_the_registry_has_everything(stack: Endpoints) -> None:
    arguments = ("--registry", stack.registry, "--prefix", new_prefix())
    before = run("diff", *arguments)
    assert (before.exit_code, f"{VERSIONS} of {VERSIONS} schemas differ" in before.stderr) == (1, True)
    assert run("register", *arguments).exit_code == 0
    after = run("diff", *arguments)
    assert after.exit_code == 0
    assert after.stdout.count(" FULL_TRANSITIVE  same") == VERSIONS


@pytest.mark.parametrize("name", ["register", "diff"])
def test_a_registry_that_does_not_answer_is_one_line_and_not_a_traceback(name: str, unused_tcp_port: int) -> None:
    outcome = run(name, "--registry", f"http://127.0.0.1:{unused_tcp_port}")
    assert outcome.exit_code == 1
    assert outcome.stderr.startswith(f"error: http://127.0.0.1:{unused_tcp_port}: ConnectError")


def test_without_address_and_local_stack_it_says_what_to_do(tmp_path: Path) -> None:
    outcome = run("diff", "--home", str(tmp_path))
    assert (outcome.exit_code, outcome.stderr) == (
        1,
        "error: no address of registry: start the local stack with `paystream up`, or give --registry\n",
    )


def test_check_asks_a_registry_too_when_told_to(schemas: Schemas, stack: Endpoints) -> None:
    """The registry knows a version 2 of another build that ours would contradict."""
    prefix = new_prefix()
    add_version_2(schemas)
    address = ("--prefix", prefix, "--root", str(schemas.root))
    assert run("register", "--drafts", "--registry", stack.registry, *address).exit_code == 0
    assert run("check", "--against", stack.registry, *address).exit_code == 0
    schemas.edit(f"{SUCCESS}/2", lambda schema: schema["fields"][-1].update(type=["null", "long"]))
    assert run("check", *address).exit_code == 0
    outcome = run("check", "--against", stack.registry, *address)
    assert outcome.exit_code == 1
    assert f"{SUCCESS}/2.avsc: INCOMPATIBLE: the registry says: " in outcome.stderr
