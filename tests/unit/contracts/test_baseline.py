"""The protos of the last release, and what may be changed since: on a copy of the protos, by the scripts themselves."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
RUN_S_MAX = 120.0
MERCHANT = Path("protos/paystream/merchant/v1/merchant.proto")
NAME = "  string display_name = 2 [(buf.validate.field).string.max_len = 200];\n"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what the scripts work on."""
    for name in ("protos", "protos_vendor"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "scripts").mkdir()
    for name in ("buf.yaml", "pyproject.toml", "scripts/breaking.sh", "scripts/baseline.sh"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return tmp_path


def run(copy: Path, script: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(copy / "scripts" / script)], cwd="/", capture_output=True, text=True, timeout=RUN_S_MAX, check=False
    )


def change(copy: Path, good: str, bad: str) -> None:
    text = (copy / MERCHANT).read_text(encoding="utf-8")
    assert good in text
    (copy / MERCHANT).write_text(text.replace(good, bad, 1), encoding="utf-8")


def released(copy: Path) -> list[str]:
    return [path.name for path in (copy / "protos" / "released").iterdir()]


def test_what_is_added_breaks_nobody(copy: Path) -> None:
    change(copy, NAME, f"{NAME}  // A new field.\n  string motto = 99;\n")
    done = run(copy, "breaking.sh")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (NAME.replace("display_name", "trade_name"), 'changed name from "display_name" to "trade_name"'),
        (NAME.replace("string display_name", "bytes display_name"), "changed type"),
        (NAME.replace("= 2", "= 99"), 'field "2" with name "display_name" on message "Merchant" was deleted'),
    ],
)
def test_what_clients_have_is_neither_renamed_nor_changed_nor_removed(copy: Path, bad: str, said: str) -> None:
    text = (copy / MERCHANT).read_text(encoding="utf-8")
    before, after = text.split("message Merchant {", 1)
    assert NAME in after
    (copy / MERCHANT).write_text(f"{before}message Merchant {{{after.replace(NAME, bad, 1)}", encoding="utf-8")
    done = run(copy, "breaking.sh")
    assert done.returncode != 0
    assert said.lower() in done.stdout.lower()


def test_there_is_a_release_to_compare_with(copy: Path) -> None:
    shutil.rmtree(copy / "protos" / "released")
    done = run(copy, "breaking.sh")
    assert (done.returncode, "must hold the protos of one release" in done.stderr) == (1, True)


def test_a_release_takes_the_place_of_the_one_before(copy: Path) -> None:
    change(copy, NAME, "")
    project = copy / "pyproject.toml"
    project.write_text(project.read_text().replace('version = "', 'version = "9.', 1))
    assert run(copy, "breaking.sh").returncode != 0
    made = run(copy, "baseline.sh")
    assert made.returncode == 0, made.stderr
    [name] = released(copy)
    assert name.startswith("9.")
    assert run(copy, "breaking.sh").returncode == 0


def test_what_a_tagged_version_was_stays(copy: Path) -> None:
    before = released(copy)
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com"]
    version = before[0].removesuffix(".binpb.gz")
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "Begin"], ["tag", f"v{version}"]):
        subprocess.run([*git, *words], cwd=copy, check=True, timeout=RUN_S_MAX)
    done = run(copy, "baseline.sh")
    assert (done.returncode, "is tagged" in done.stderr) == (1, True)
    assert released(copy) == before
