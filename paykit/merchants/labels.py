"""What a merchant may attach to what it creates, and gets back with it. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

_quoted = json.encoder.encode_basestring_ascii


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The merchant's own words on something it created.

    Attributes:
        merchant_reference: Unique per merchant among things of one kind; None for none.
        metadata: JSON text of an object of strings: handed on, never looked into.
    """

    merchant_reference: str | None = None
    metadata: str = "{}"

    @classmethod
    def of(cls, merchant_reference: str, metadata: Mapping[str, str]) -> "Labels":
        """Make labels of what a request has, where an empty reference is none."""
        if not merchant_reference and not metadata:
            return NO_LABELS
        return cls(merchant_reference=merchant_reference or None, metadata=metadata_text(metadata))

    def metadata_map(self) -> dict[str, str]:
        """Read the metadata."""
        return json.loads(self.metadata) if self.metadata != "{}" else {}


def metadata_text(metadata: Mapping[str, str]) -> str:
    """Write metadata as rows keep it: as `json.dumps` writes it by its keys, but without an encoder for each text."""
    return "{" + ", ".join([f"{_quoted(key)}: {_quoted(metadata[key])}" for key in sorted(metadata)]) + "}"


NO_LABELS = Labels()
"""Of what nobody attached anything to."""
