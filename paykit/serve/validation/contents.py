"""What a message holds, value by value, each with its path as protovalidate writes paths."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message


def walk(message: Message, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Return everything that is set: texts, numbers and messages, a message before what is in it; no items of batches.

    The key of a map's entry comes under the path of the map, since a path with the key in it would repeat it.
    """
    skipped = items_of(message.DESCRIPTOR)
    for field, value in message.ListFields():
        if field.number not in skipped:
            yield from _field(field, value, prefix + field.name)


@cache
def items_of(descriptor: Descriptor) -> frozenset[int]:
    """Return the numbers of the fields marked `IGNORE_ALWAYS`: the items of a batch, which the servicer checks."""
    ignored = validate_pb2.IGNORE_ALWAYS
    return frozenset(
        f.number for f in descriptor.fields if f.GetOptions().Extensions[validate_pb2.field].ignore == ignored
    )


def _field(field: FieldDescriptor, value: Any, path: str) -> Iterator[tuple[str, object]]:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        yield from _map(value, path)
    elif field.is_repeated:
        for index, item in enumerate(value):
            yield from _value(item, f"{path}[{index}]")
    else:
        yield from _value(value, path)


def _map(entries: Mapping[Any, Any], path: str) -> Iterator[tuple[str, object]]:
    for key, value in entries.items():
        yield path, key
        yield from _value(value, f'{path}["{key}"]' if isinstance(key, str) else f"{path}[{key}]")


def _value(value: object, path: str) -> Iterator[tuple[str, object]]:
    yield path, value
    if isinstance(value, Message):
        yield from walk(value, path + ".")
