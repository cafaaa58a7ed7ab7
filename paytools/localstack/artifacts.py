"""The Java programs of the local stack: exact files, fetched once, verified before use.

`artifacts.lock.toml` names each file by its Maven coordinates and SHA-256; `scripts/lock_artifacts.py` writes it.
Files are fetched one by one (no transitive resolution, which would pick other versions) into a cache that all stacks
of a user share.
"""

import contextlib
import dataclasses
import fcntl
import functools
import hashlib
import shutil
import ssl
import tarfile
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests
import truststore
from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

LOCK_FILE = Path(__file__).with_name("artifacts.lock.toml")
DOWNLOADS_AT_ONCE = 8
HTTP_TIMEOUT_S = 60
ATTEMPTS_MAX = 3
CHUNK_BYTES = 1 << 20
BUSY = (429, 502, 503, 504)
"""Answers of a repository that time heals; the wait that it asks for is kept."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Artifact:
    """One file of a Maven repository."""

    part: str
    """The part of the stack that runs it: `kafka` or `registry`."""
    group: str
    name: str
    version: str
    packaging: str
    classifier: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name it has in the cache."""
        suffix = f"-{self.classifier}" if self.classifier else ""
        return f"{self.name}-{self.version}{suffix}.{self.packaging}"

    @property
    def repository_path(self) -> str:
        """Where a Maven repository keeps it, below the repository's address."""
        return "/".join([*self.group.split("."), self.name, self.version, self.file_name])

    def __str__(self) -> str:
        return ":".join(filter(None, [self.group, self.name, self.packaging, self.classifier, self.version]))


Fetch = Callable[[Artifact, Path], Path]
"""Puts one file, unverified, into a directory, and returns its path."""


class ArtifactError(Exception):
    """A file could not be fetched, or is not the file that was locked; the text names it."""


def locked(part: str) -> list[Artifact]:
    """List the files of one part, in the order of the lock file."""
    return [artifact for artifact in read_lock(LOCK_FILE) if artifact.part == part]


def read_lock(path: Path) -> list[Artifact]:
    """Read every entry of a lock file."""
    entries = tomllib.loads(path.read_text())["artifact"]
    return [Artifact(**{"packaging": "jar", "classifier": "", **entry}) for entry in entries]


def provide(
    artifacts: Sequence[Artifact],
    cache: Path,
    *,
    report: Callable[[int, int], None] = lambda _done, _total: None,
    fetch: Fetch | None = None,
) -> list[Path]:
    """Return verified files, in the order asked for, fetching those that the cache lacks.

    Safe when several processes do it at once: one fetches, the others wait for it.

    Args:
        artifacts: What is needed.
        cache: Created if absent.
        report: Called with (files ready, files in all) as files arrive.
        fetch: Gets one file from elsewhere; `download` unless given.

    Raises:
        ArtifactError: A file cannot be fetched, or its SHA-256 differs from the lock.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with _exclusive(cache / ".lock"), ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        pending = [pool.submit(_provide_one, artifact, cache, fetch or download) for artifact in artifacts]
        paths = []
        for future in pending:
            paths.append(future.result())
            report(len(paths), len(pending))
        return paths


def unpack(archive: Path, artifact: Artifact) -> Path:
    """Unpack a verified tar archive beside itself, once, and return the directory."""
    target = archive.with_name(f"{artifact.name}-{artifact.version}-{artifact.sha256[:12]}")
    with _exclusive(archive.parent / ".lock"):
        if target.exists():
            return target
        scratch = Path(tempfile.mkdtemp(dir=archive.parent, prefix=".unpack-"))
        try:
            with tarfile.open(archive) as tar:
                # Python before 3.11.4 has no filters; the archive is the one that was locked, so none is needed there.
                tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, _path: member)
                tar.extractall(scratch)  # noqa: S202
            scratch.rename(target)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
    return target


def verify(path: Path, artifact: Artifact) -> None:
    """Check a file against the lock.

    Raises:
        ArtifactError: Its SHA-256 differs.
    """
    actual = sha256_of(path)
    if actual != artifact.sha256:
        raise ArtifactError(f"{artifact} has SHA-256 {actual}, but {LOCK_FILE.name} says {artifact.sha256} ({path})")


def sha256_of(path: Path) -> str:
    """Hash a file without reading it into memory at once."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(artifact: Artifact, directory: Path) -> Path:
    """Fetch one file, unverified, into a directory of the caller's.

    Follows the machine's configuration: proxies from the environment, certificates from there and from the operating
    system, repositories from jgo's settings file.

    Raises:
        ArtifactError: No repository has it, or none can be reached.
    """
    path = directory / artifact.file_name
    error: Exception | None = None
    with _session() as session:
        for _ in range(ATTEMPTS_MAX):
            for repository in _repositories().values():
                try:
                    return _get(session, f"{repository.rstrip('/')}/{artifact.repository_path}", path)
                except (OSError, requests.RequestException) as failure:
                    error = failure
    raise ArtifactError(f"cannot fetch {artifact}: {error}") from error


def _get(session: requests.Session, url: str, path: Path) -> Path:
    with session.get(url, stream=True, timeout=HTTP_TIMEOUT_S) as response, path.open("wb") as file:
        response.raise_for_status()
        for chunk in response.iter_content(CHUNK_BYTES):
            file.write(chunk)
    return path


def _provide_one(artifact: Artifact, cache: Path, fetch: Fetch) -> Path:
    path = cache / artifact.file_name
    if path.exists() and sha256_of(path) == artifact.sha256:
        return path
    with tempfile.TemporaryDirectory(dir=cache, prefix=".fetch-") as scratch:
        fetched = fetch(artifact, Path(scratch))
        verify(fetched, artifact)
        fetched.replace(path)
    return path


@functools.cache
def _repositories() -> dict[str, str]:
    return {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}


class _TrustingTheMachine(HTTPAdapter):
    """Believe the certificates that the operating system believes: requests alone knows only those of its own package.

    For this session's connections alone: `truststore.inject_into_ssl` changes the whole process, and whoever makes a
    context of its own meanwhile, such as a client of another part that comes up, gets one that cannot be used.
    """

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=_authorities(), **options)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=_authorities(), **options)


def _session() -> requests.Session:
    session = requests.Session()
    patience = Retry(ATTEMPTS_MAX, status_forcelist=BUSY, backoff_factor=1)
    session.mount("https://", _TrustingTheMachine(max_retries=patience))
    return session


def _authorities() -> ssl.SSLContext:
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@contextlib.contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
