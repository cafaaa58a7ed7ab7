"""What the documents name is there: links with their headings, files and directories, tests."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from paytools.localstack.settings import PREFIX, StackSettings

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]

Mention = tuple[Path, str]

LINK = re.compile(r"\]\(([^)\s]+)\)")
QUOTED = re.compile(r"`([^`\s]+)`")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def links() -> Iterator[Mention]:
    for document in DOCUMENTS:
        for target in LINK.findall(FENCED.sub("", document.read_text())):
            if "://" not in target:
                yield document, target


def quoted(pattern: str) -> Iterator[Mention]:
    """What stands in backquotes and fits, from each document."""
    for document in DOCUMENTS:
        for text in QUOTED.findall(FENCED.sub("", document.read_text())):
            if re.fullmatch(pattern, text):
                yield document, text


def paths() -> Iterator[Mention]:
    """Only what begins with one of our directories, so that a topic or a method is not taken for a path."""
    ours = "paykit|services|protos|protos_vendor|schemas|gen|tests|docs|deploy|scripts|requirements"
    return quoted(rf"({ours})/[^:#]*")


def proofs() -> Iterator[Mention]:
    return quoted(r"tests/.+::.+")


def name(mention: object) -> str:
    return str(mention.relative_to(ROOT)) if isinstance(mention, Path) else str(mention)


def headings(document: Path) -> set[str]:
    """The anchors of a document: each heading in small letters, without punctuation, with dashes for spaces."""
    titles = re.findall(r"^#+ (.+)$", FENCED.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(("document", "target"), list(links()), ids=name)
def test_a_link_leads_somewhere(document: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    file = (document.parent / path).resolve() if path else document
    assert file.exists()
    assert not anchor or anchor in headings(file)


@pytest.mark.parametrize(("document", "path"), list(paths()), ids=name)
def test_a_path_that_is_named_exists(document: Path, path: str) -> None:
    pattern = re.sub(r"<[^>]+>|…", "*", path).rstrip("/")
    assert list(ROOT.glob(pattern)), f"{name(document)} names {path}"


@pytest.mark.parametrize(("document", "test"), list(proofs()), ids=name)
def test_a_test_that_is_named_exists(document: Path, test: str) -> None:
    path, _, function = test.partition("::")
    assert f"def {function}(" in (ROOT / path).read_text(), f"{name(document)} names {test}"


def test_each_kind_of_mention_is_found() -> None:
    assert (ROOT / "README.md", "docs/guarantees.md") in set(links())
    assert (ROOT / "README.md", "paykit/base/config.py") in set(paths())
    proof = "tests/integration/accounting/test_constraints.py::test_entries_that_do_not_balance_are_refused"
    assert (ROOT / "docs/guarantees.md", proof) in set(proofs())


def test_every_guarantee_of_the_readme_is_explained_and_proved() -> None:
    promised = re.search(r"## What you can rely on\n(.+?)\n## ", (ROOT / "README.md").read_text(), re.DOTALL)
    assert promised is not None
    sections = re.split(r"^## ", (ROOT / "docs/guarantees.md").read_text(), flags=re.MULTILINE)[1:]
    proved = [section for section in sections if "::test_" in section]
    assert len(proved) == len(re.findall(r"^- \*\*", promised[1], re.MULTILINE))


def test_every_setting_of_the_local_stack_is_documented() -> None:
    named = re.findall(r"^\| `(PAYSTREAM_\w+)` \|", (ROOT / "docs/localstack.md").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(PREFIX + name.upper() for name in StackSettings.model_fields)
