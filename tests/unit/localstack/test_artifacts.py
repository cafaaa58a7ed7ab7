"""The Java programs are used only when they are the locked ones."""

import hashlib
import io
import re
import ssl
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from paytools.localstack import artifacts
from paytools.localstack.artifacts import Artifact, ArtifactError
from tests import certificates

CONTENT = b"the locked bytes"


def locked(content: bytes = CONTENT, *, packaging: str = "jar") -> Artifact:
    return Artifact(
        part="kafka",
        group="org.example",
        name="thing",
        version="1.2",
        packaging=packaging,
        classifier="",
        sha256=hashlib.sha256(content).hexdigest(),
    )


class Repository:
    """Gives the same bytes for everything asked, and counts."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.fetched = 0

    def fetch(self, artifact: Artifact, directory: Path) -> Path:
        self.fetched += 1
        path = directory / artifact.file_name
        path.write_bytes(self.content)
        return path


def test_a_fetched_file_with_another_checksum_is_refused_by_name_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=re.escape("org.example:thing:jar:1.2 has SHA-256")):
        artifacts.provide([locked()], tmp_path, fetch=Repository(b"tampered").fetch)
    assert not (tmp_path / "thing-1.2.jar").exists()


def test_a_good_file_is_fetched_once(tmp_path: Path) -> None:
    repository = Repository(CONTENT)
    first = artifacts.provide([locked()], tmp_path, fetch=repository.fetch)
    second = artifacts.provide([locked()], tmp_path, fetch=repository.fetch)
    assert first == second == [tmp_path / "thing-1.2.jar"]
    assert first[0].read_bytes() == CONTENT
    assert repository.fetched == 1


class MavenRepository(BaseHTTPRequestHandler):
    """Has one file; the first of its answers are those that a test wants."""

    refusals: ClassVar[list[int]] = []
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(self.refusals.pop(0) if self.refusals else 200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[MavenRepository]]:
    """A repository behind a certificate that the machine alone trusts: no bundle that requests knows has it."""
    certificate = certificates.write_own(tmp_path / "server.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    handler = type("Handler", (MavenRepository,), {"refusals": [], "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        address = f"https://127.0.0.1:{server.server_port}/maven2/"
        monkeypatch.setattr(artifacts, "_repositories", lambda: {"central": address})
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield handler
        server.shutdown()


def test_a_file_comes_from_where_maven_repositories_keep_it_by_the_machines_certificates(
    repository: type[MavenRepository], tmp_path: Path
) -> None:
    [path] = artifacts.provide([locked()], tmp_path / "cache")
    assert path.read_bytes() == CONTENT
    assert repository.asked == ["/maven2/org/example/thing/1.2/thing-1.2.jar"]


def test_a_busy_repository_is_asked_again(repository: type[MavenRepository], tmp_path: Path) -> None:
    repository.refusals.extend([429, 503])
    [path] = artifacts.provide([locked()], tmp_path / "cache")
    assert path.read_bytes() == CONTENT
    assert len(repository.asked) == 3


def test_a_file_that_no_repository_has_is_named(repository: type[MavenRepository], tmp_path: Path) -> None:
    repository.refusals.extend([404] * 10)
    with pytest.raises(ArtifactError, match=re.escape("cannot fetch org.example:thing:jar:1.2: 404")):
        artifacts.provide([locked()], tmp_path / "cache")


def test_other_threads_make_clients_of_their_own_while_files_are_fetched(tmp_path: Path) -> None:
    before = ssl.SSLContext

    def fetch(artifact: Artifact, directory: Path) -> Path:
        assert ssl.SSLContext is before
        assert ssl.create_default_context().verify_mode is ssl.CERT_REQUIRED
        return Repository(CONTENT).fetch(artifact, directory)

    artifacts.provide([locked()], tmp_path, fetch=fetch)


def test_a_cached_file_that_was_damaged_is_fetched_anew(tmp_path: Path) -> None:
    (tmp_path / "thing-1.2.jar").write_bytes(b"damaged")
    [path] = artifacts.provide([locked()], tmp_path, fetch=Repository(CONTENT).fetch)
    assert path.read_bytes() == CONTENT


def test_two_at_once_fetch_only_once(tmp_path: Path) -> None:
    repository = Repository(CONTENT)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(artifacts.provide, [locked()], tmp_path, fetch=repository.fetch) for _ in range(2)]
        assert [future.result() for future in both] == [[tmp_path / "thing-1.2.jar"]] * 2
    assert repository.fetched == 1


def test_progress_counts_up_to_all_files(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    artifacts.provide(
        [locked(), locked()],
        tmp_path,
        report=lambda done, total: seen.append((done, total)),
        fetch=Repository(CONTENT).fetch,
    )
    assert seen == [(1, 2), (2, 2)]


def test_an_archive_is_unpacked_whole_or_not_at_all(tmp_path: Path) -> None:
    archive = tmp_path / "thing-1.2.tar.gz"
    archive.write_bytes(b"not an archive")
    with pytest.raises(tarfile.ReadError):
        artifacts.unpack(archive, locked(packaging="tar.gz"))
    assert {path.name for path in tmp_path.iterdir()} == {"thing-1.2.tar.gz", ".lock"}


def test_an_archive_is_unpacked_beside_itself(tmp_path: Path) -> None:
    archive = tmp_path / "thing-1.2.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        entry = tarfile.TarInfo("lib/inner.jar")
        entry.size = len(CONTENT)
        tar.addfile(entry, io.BytesIO(CONTENT))
    directory = artifacts.unpack(archive, locked(packaging="tar.gz"))
    assert directory.parent == tmp_path
    assert (directory / "lib" / "inner.jar").read_bytes() == CONTENT
    assert artifacts.unpack(archive, locked(packaging="tar.gz")) == directory


def test_the_lock_names_every_file_exactly_and_once() -> None:
    everything = artifacts.read_lock(artifacts.LOCK_FILE)
    names = [artifact.file_name for artifact in everything]
    assert len(names) == len(set(names)) == 46
    assert all(re.fullmatch("[0-9a-f]{64}", artifact.sha256) for artifact in everything)
    assert {artifact.version for artifact in everything if artifact.group == "org.apache.kafka"} == {"4.4.0"}


def test_the_lock_names_no_host() -> None:
    assert "://" not in artifacts.LOCK_FILE.read_text()


def test_the_registry_is_one_archive() -> None:
    assert [artifact.file_name for artifact in artifacts.locked("registry")] == [
        "apicurio-registry-app-3.3.3-all.tar.gz"
    ]
