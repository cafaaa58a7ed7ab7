"""What `paystream schemas check` says when it refuses something."""

from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """The rules of the contracts, by the names that the check and the documentation use."""

    AVRO_INVALID = "AVRO_INVALID"
    """The file is not a JSON document that Avro accepts as a record."""
    FILE_MISPLACED = "FILE_MISPLACED"
    """Topic directory, record directory, version number, record name or namespace do not fit together."""
    PUBLISHED_EDITED = "PUBLISHED_EDITED"
    """A published version is immutable: a change is a new version."""
    PUBLISHED_REMOVED = "PUBLISHED_REMOVED"
    """A published version is kept for ever, because its bytes are."""
    INCOMPATIBLE = "INCOMPATIBLE"
    """FULL_TRANSITIVE: every version reads every other."""
    LOGICAL_TYPE_CHANGED = "LOGICAL_TYPE_CHANGED"
    """The same bytes would mean something else."""
    ENVELOPE_MISSING = "ENVELOPE_MISSING"
    """Every record begins with the same eight fields."""
    KEY_MISSING = "KEY_MISSING"
    """The field declared as the Kafka key must be a string of the record."""
    DOC_MISSING = "DOC_MISSING"
    """Every record, field and enum says what it means, with units and ranges."""
    ENUM_WITHOUT_UNKNOWN = "ENUM_WITHOUT_UNKNOWN"
    """Readers that do not know a new symbol must have UNKNOWN to fall back on."""
    INTEGER_NOT_LONG = "INTEGER_NOT_LONG"
    """An int cannot become a long later in both directions."""
    FLOATING_POINT = "FLOATING_POINT"
    """No amount, rate or count is ever rounded by a representation."""
    UNION_NOT_OPTIONAL = "UNION_NOT_OPTIONAL"
    """The only unions are optional fields: null first, default null."""
    DEFAULT_INVALID = "DEFAULT_INVALID"
    """A default has the type of its field; Avro's own check takes any default for one."""
    LIST_UNBOUNDED = "LIST_UNBOUNDED"
    """A list's doc says `at most <n>`; maps have no bound that a reader can rely on."""
    TYPE_UNSUPPORTED = "TYPE_UNSUPPORTED"
    """A type that the event classes cannot express."""
    SHARED_TYPE_DIFFERS = "SHARED_TYPE_DIFFERS"
    """A type that several records repeat is the same in the newest version of each: generators make one class of it."""
    PERSONAL_DATA = "PERSONAL_DATA"
    """Events are kept for ever: nothing that names or reaches a person goes in."""
    GOLDEN_MISSING = "GOLDEN_MISSING"
    """Every published version has a worked example, as JSON and as bytes."""
    GOLDEN_STALE = "GOLDEN_STALE"
    """The worked example's bytes are not those of its JSON."""
    GENERATED_STALE = "GENERATED_STALE"
    """gen/ is not what the schemas generate."""


@dataclass(frozen=True, kw_only=True, order=True)
class Violation:
    """One rule broken at one place.

    Attributes:
        file: Relative to schemas/avro.
        field: Path of the field, as in `entries.side`; empty when it is the file as a whole.
    """

    file: str
    field: str
    rule: Rule
    message: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.field}" if self.field else self.file
        return f"{where}: {self.rule}: {self.message}"
