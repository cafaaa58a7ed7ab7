"""The files of an archive: for each month one of its transactions, and a manifest that says what is in it.

Transactions are records of a compressed Avro container, in the order of ids; the schema stands in the file. The
manifest is JSON and is written last: what has none is not whole. Source: docs/adr/0051.
"""

import hashlib
import json
import os
import re
from collections.abc import Generator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fastavro import parse_schema
from fastavro.read import reader
from fastavro.write import Writer

from paystream.accounting.v1.events import Direction, Entry, Side
from services.accounting.domain.archive import ArchiveRefusedError, CarriedSum, month_name, read_month
from services.accounting.domain.transaction import Transaction

FORMAT = "paystream.ledger.archive/1"
CODEC = "deflate"
"""The one that every reader of Avro has."""
HASH_CHUNK_BYTES = 1 << 20
"""Read at once where a file is hashed."""
MANIFEST_BYTES_MAX = 1 << 30
"""Of a manifest that is read: a sum for each account and type is about 300 bytes."""

_UNFINISHED = ".unfinished"
_MANIFEST = re.compile(r"journal-(\d{4}-\d{2})\.json")

_TIME = {"type": "long", "logicalType": "timestamp-micros"}
_SCHEMA = parse_schema(
    {
        "type": "record",
        "name": "paystream.accounting.archive.ArchivedTransaction",
        "doc": "A transaction of the ledger with its entries, as it was booked.",
        "fields": [
            *({"name": name, "type": "string"} for name in ("transaction_id", "transaction_type", "related_no")),
            {"name": "root_reference", "type": "string"},
            *({"name": name, "type": ["null", "string"]} for name in ("merchant_id", "direction")),
            {"name": "amount_minor", "type": "long"},
            {"name": "currency_code", "type": "string"},
            {"name": "effective_at", "type": _TIME},
            {"name": "create_time", "type": _TIME},
            {"name": "occurred_at", "type": ["null", _TIME]},
            *({"name": name, "type": ["null", "string"]} for name in ("actor", "reason")),
            {
                "name": "entries",
                "type": {
                    "type": "array",
                    "items": {
                        "type": "record",
                        "name": "ArchivedEntry",
                        "fields": [
                            *({"name": name, "type": "string"} for name in ("account_id", "account_kind")),
                            {"name": "merchant_id", "type": ["null", "string"]},
                            {"name": "side", "type": "string"},
                            {"name": "effect", "type": "int"},
                            {"name": "amount_minor", "type": "long"},
                        ],
                    },
                },
            },
        ],
    }
)
_PLAIN = ("transaction_id", "transaction_type", "related_no", "root_reference", "merchant_id", "amount_minor")
_MORE = ("currency_code", "effective_at", "create_time", "occurred_at", "actor", "reason")
_OF_ENTRY = ("account_id", "account_kind", "merchant_id", "effect", "amount_minor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is in the file of a month.

    Attributes:
        file_hash: SHA-256 of the file, in hexadecimal digits.
        sums: By account and type, in order; they are what is carried forward.
    """

    month: int
    file_hash: str
    transactions: int
    entries: int
    sums: tuple[CarriedSum, ...]

    def content(self) -> bytes:
        """Return the bytes of the manifest's file, which are the same for the same archive."""
        said = {
            "format": FORMAT,
            "month": month_name(self.month),
            "file": file_name(self.month),
            "sha256": self.file_hash,
            "transactions": self.transactions,
            "entries": self.entries,
            "sums": [
                asdict(each) | {"first_at": each.first_at.isoformat(), "last_at": each.last_at.isoformat()}
                for each in self.sums
            ],
        }
        return (json.dumps(said, indent=1) + "\n").encode()

    @property
    def hash(self) -> str:
        """SHA-256 of the manifest's file, in hexadecimal digits."""
        return hashlib.sha256(self.content()).hexdigest()


def file_name(month: int) -> str:
    """Return the name of the file of a month's transactions."""
    return f"journal-{month_name(month)}.avro"


class MonthWriter:
    """Writes the transactions of a month to a file that gets its name by `finish`.

    Raises:
        OSError: The directory cannot be written to.
    """

    def __init__(self, directory: Path, month: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / file_name(month)
        self._file = self._path.with_name(self._path.name + _UNFINISHED).open("wb")
        self._writer = Writer(self._file, _SCHEMA, codec=CODEC)

    def add(self, transaction: Transaction) -> None:
        """Write a transaction behind the others."""
        self._writer.write(_record(transaction))

    def finish(self) -> None:
        """Have the disk hold all of the file before it gets its name."""
        self._writer.flush()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        Path(self._file.name).replace(self._path)
        _sync_directory(self._path.parent)

    def close(self) -> None:
        """Close the file; what was not finished is overwritten by the next one."""
        self._file.close()


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write the manifest of a month whose file is there."""
    path = _manifest_path(directory, manifest.month)
    unfinished = path.with_name(path.name + _UNFINISHED)
    with unfinished.open("wb") as file:
        file.write(manifest.content())
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    _sync_directory(directory)


def read_manifest(directory: Path, month: int) -> Manifest | None:
    """Read the manifest of a month; None where there is none.

    Raises:
        ArchiveRefusedError: It cannot be read, or is not as it was written.
    """
    path = _manifest_path(directory, month)
    try:
        if path.stat().st_size > MANIFEST_BYTES_MAX:
            raise ArchiveRefusedError(f"{path} is larger than {MANIFEST_BYTES_MAX} bytes")
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ArchiveRefusedError(f"{path}: {error.strerror}") from error
    try:
        manifest = _manifest(json.loads(content))
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveRefusedError(f"{path} is no manifest of an archive: {error!r}") from error
    if manifest.content() != content or manifest.month != month:
        raise ArchiveRefusedError(f"{path} is not as it was written")
    return manifest


def manifests(directory: Path) -> list[int]:
    """Return the months that a directory has manifests of, in order.

    Raises:
        ArchiveRefusedError: There is no such directory.
    """
    if not directory.is_dir():
        raise ArchiveRefusedError(f"{directory} is no directory")
    return sorted(read_month(found[1]) for path in directory.iterdir() if (found := _MANIFEST.fullmatch(path.name)))


def file_hash(directory: Path, month: int) -> str:
    """Return the SHA-256 of the file of a month.

    Raises:
        ArchiveRefusedError: It cannot be read.
    """
    path, digest = directory / file_name(month), hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(HASH_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise ArchiveRefusedError(f"{path}: {error.strerror}") from error
    return digest.hexdigest()


def read_transactions(directory: Path, month: int) -> Generator[Transaction, None, None]:
    """Read the transactions of the file of a month, one after another.

    Raises:
        ArchiveRefusedError: It cannot be read.
    """
    path = directory / file_name(month)
    try:
        with path.open("rb") as file:
            yield from map(_transaction, reader(file))
    except ArchiveRefusedError:
        raise
    except Exception as error:  # fastavro raises whatever the wrong bytes led to.
        raise ArchiveRefusedError(f"{path} cannot be read: {error!r}") from error


def _manifest_path(directory: Path, month: int) -> Path:
    return directory / f"journal-{month_name(month)}.json"


def _manifest(said: dict[str, Any]) -> Manifest:
    sums = tuple(
        CarriedSum(**each | {name: datetime.fromisoformat(each[name]) for name in ("first_at", "last_at")})
        for each in said["sums"]
    )
    return Manifest(
        month=read_month(said["month"]),
        file_hash=said["sha256"],
        transactions=said["transactions"],
        entries=said["entries"],
        sums=sums,
    )


def _record(transaction: Transaction) -> dict[str, Any]:
    record = {name: getattr(transaction, name) for name in (*_PLAIN, *_MORE)}
    record["direction"] = None if transaction.direction is None else transaction.direction.value
    record["entries"] = [
        {name: getattr(entry, name) for name in _OF_ENTRY} | {"side": entry.side.value} for entry in transaction.entries
    ]
    return record


def _transaction(record: Any) -> Transaction:
    entries = tuple(
        Entry(
            account_id=entry["account_id"],
            account_kind=entry["account_kind"],
            merchant_id=entry["merchant_id"],
            side=Side(entry["side"]),
            effect=entry["effect"],
            amount_minor=entry["amount_minor"],
            currency_code=record["currency_code"],
        )
        for entry in record["entries"]
    )
    direction = None if record["direction"] is None else Direction(record["direction"])
    return Transaction(**record | {"direction": direction, "entries": entries})


def _sync_directory(directory: Path) -> None:
    """Have the disk hold the names of a directory's files."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
