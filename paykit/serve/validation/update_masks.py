"""Which fields an update names (AIP-134): a mask of paths into the resource that stands in the request beside it."""

from collections.abc import Collection
from typing import cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from paykit.errors import DomainError, Kind


class UpdateMaskInvalid(DomainError):
    """The mask names no field, one that there is not, or one that cannot be changed; metadata says which and which can.

    Source: https://google.aip.dev/134, https://google.aip.dev/161.
    """

    kind = Kind.INVALID_ARGUMENT
    reason = "UPDATE_MASK_INVALID"


def paths(mask: FieldMask, resource: Message, updatable: Collection[str]) -> frozenset[str]:
    """Return what is to change: each field as a whole, so that one that is named and empty is emptied.

    Args:
        mask: Of the request.
        resource: The resource in the request.
        updatable: Its fields that the call can change.

    Raises:
        UpdateMaskInvalid: The mask names nothing, or another field than these.
    """
    if not mask.paths:
        raise _invalid("The mask names no field.", "", updatable)
    for path in mask.paths:
        if path not in updatable:
            known = _exists(path, cast("Descriptor", resource.DESCRIPTOR))
            raise _invalid(f"{path!r} cannot be changed." if known else f"There is no {path!r}.", path, updatable)
    return frozenset(mask.paths)


def _invalid(fault: str, path: str, updatable: Collection[str]) -> UpdateMaskInvalid:
    return UpdateMaskInvalid(fault, field="update_mask", path=path, updatable=",".join(sorted(updatable)))


def _exists(path: str, resource: Descriptor) -> bool:
    """Return whether a path leads to a field of the resource, or into one."""
    message: Descriptor | None = resource
    for name in path.split("."):
        field = message.fields_by_name.get(name) if message is not None else None
        if field is None:
            return False
        message = field.message_type
    return True
