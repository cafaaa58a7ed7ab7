"""Requests spoiled in one place: each field at and beyond its limits, one at a time, and bytes that are no request."""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from buf.validate import validate_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from tests.line.wellformed import DEPTH_MAX, Described, Forms, checked_singly, is_map, rules_of

Spoil: TypeAlias = Callable[[Message], None]
ITEMS_MAX = 1_000
"""Of one call, where no rule says less."""
STRAY_BYTES = (1, 2, 7, 64, 1_000, 20_000)
CUTS = (0.3, 0.6, 0.9)
FLIPS = 6
_QUANTIFIERS = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: ("int32", -(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: ("int64", -(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: ("uint32", 0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: ("uint64", 0, 2**64 - 1),
}
_TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\x1b[0m",
    "line\nline",
    "'; DROP TABLE payment; --",
    "%s %n {0} \\",
    "\u202eright to left",
    "\ufffd\U0001f4b8\u0301",
    "4111 1111 1111 1111",
    "-1",
    "9" * 40,
    "NaN",
    "null",
    "xyz_" + "0" * 32,
)
_BY_NAME = {
    "currency_code": ("EUR", "JPY", "BHD", "ZZZ", "XAU", "XXX", "usd", "US", "USDT"),
    "page_token": ("?", "bm90IGpzb24", "W10", "AAAA", "W1tdXQ", "é"),
    "etag": ("0", "1", "-1", "9223372036854775808", "x" * 64),
    "paths": ("*", "no_such_field", "merchant_id", "display_name.more", "a" * 1_000),
    "time_zone": ("Mars/Olympus", "../etc/passwd", "Europe", "UTC+1"),
}


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A request to be refused, or to be taken without harm.

    Attributes:
        what: Where and how, for a person.
        message: None where there are only bytes.
        serialized: As it is sent.
    """

    what: str
    message: Message | None
    serialized: bytes


def spoiled(described: Described, forms: Forms, chance: random.Random) -> Iterator[Spoiled]:
    """Give requests of a type: an empty one, two whole ones, and each way to spoil one field of a whole one."""
    yield _as_sent("empty", message_factory.GetMessageClass(described)())
    whole = forms.complete(described)
    for name, base in (("whole", whole), ("least", forms.least(described))):
        yield _changed(name, base, forms, lambda _message: None)
    for what, spoil in ways(described, forms):
        yield _changed(what, whole, forms, spoil)
    for field in described.fields:
        if checked_singly(field):
            yield from _batches(whole, field, forms)
    forms.freshen(whole)
    yield from stray(whole.SerializeToString(), chance)


def ways(described: Described, forms: Forms, path: str = "", depth: int = 0) -> Iterator[tuple[str, Spoil]]:
    """Give every way to spoil one field of a message, those of messages in it included."""
    for field in described.fields:
        where = f"{path}{field.name}"
        yield f"{where} absent", _clear(field)
        for what, spoil in _of_field(field, forms):
            yield f"{where} {what}", spoil
        within = field.message_type is not None and not is_map(field) and not checked_singly(field)
        if within and depth < DEPTH_MAX:
            for what, spoil in ways(field.message_type, forms, f"{where}.", depth + 1):
                yield what, _inside(field, spoil)


def stray(serialized: bytes, chance: random.Random) -> Iterator[Spoiled]:
    """Give bytes that are no request, or hardly one: of chance, a request cut short, a request with bits turned."""
    for count in STRAY_BYTES:
        yield Spoiled(f"{count} bytes of chance", None, chance.randbytes(count))
    for share in CUTS:
        yield Spoiled(f"cut at {share}", None, serialized[: int(len(serialized) * share)])
    for _ in range(FLIPS if serialized else 0):
        turned = bytearray(serialized)
        position = chance.randrange(len(turned))
        turned[position] ^= 1 << chance.randrange(8)
        yield Spoiled(f"a bit of byte {position} turned", None, bytes(turned))
    yield Spoiled("text that is no UTF-8", None, re.sub(rb"[a-z]{3}", b"\xff\xfe\xfd", serialized))
    yield Spoiled("an unknown field", None, serialized + b"\xfa\xff\x0f\x03abc")


def _as_sent(what: str, message: Message) -> Spoiled:
    return Spoiled(what, message, message.SerializeToString())


def _changed(what: str, base: Message, forms: Forms, spoil: Spoil) -> Spoiled:
    message = type(base)()
    message.CopyFrom(base)
    forms.freshen(message)
    spoil(message)
    return _as_sent(what, message)


def _batches(whole: Message, field: Described, forms: Forms) -> Iterator[Spoiled]:
    """Give batches that hold every spoiled item there is, good ones among them."""
    base = forms.complete(field.message_type)
    items = [_changed(what, base, forms, spoil).message for what, spoil in ways(field.message_type, forms)]
    for start in range(0, len(items), ITEMS_MAX - 1):
        message = type(whole)()
        message.CopyFrom(whole)
        getattr(message, field.name).extend(items[start : start + ITEMS_MAX - 1])
        forms.freshen(getattr(message, field.name)[0])
        yield _as_sent(f"{field.name} spoiled each in its way, from {start}", message)


def _of_field(field: Described, forms: Forms) -> Iterator[tuple[str, Spoil]]:
    if is_map(field):
        yield from _of_map(field)
        return
    if field.is_repeated:
        yield from _of_count(field)
    if field.message_type is not None:
        if field.message_type.full_name in {"google.protobuf.Timestamp", "google.protobuf.Duration"}:
            yield from _of_time(field)
        yield "empty", _emptied(field)
        return
    for value in dict.fromkeys(_values(field)):
        yield _shown(value), _set(field, value)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        yield "of nobody", _estranged(field, forms)


def _values(field: Described) -> Iterator[Any]:
    if field.cpp_type in _INTEGERS:
        yield from _integers(field)
    elif field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        yield from (*(value.number for value in field.enum_type.values), 9_999, -1, 2**31 - 1)
    elif field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        yield from (True, False)
    elif field.type == FieldDescriptor.TYPE_BYTES:
        yield from (b"", b"\x00", bytes(10_000))
    elif field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        yield from (*_TEXTS, *_BY_NAME.get(field.name, ()), *_lengths(rules_of(field).string), "x" * 10_000)
    else:
        yield from (0.0, -1.0, 1e308, float("inf"), float("nan"))


def _integers(field: Described) -> Iterator[int]:
    name, least, most = _INTEGERS[field.cpp_type]
    rules = getattr(rules_of(field), name)
    limits = [getattr(rules, each) for each in ("gt", "gte", "lt", "lte") if rules.HasField(each)]
    for value in (0, 1, -1, 2**31 - 1, 2**31, 2**53 - 1, 2**53, *limits):
        yield from (each for each in (value - 1, value, value + 1) if least <= each <= most)
    yield from (least, most)


def _lengths(rules: Any) -> Iterator[str]:
    """Give texts as long as the rules allow and one longer, in characters of one byte and of more."""
    limits = {getattr(rules, each) for each in ("max_len", "max_bytes", "min_len", "len") if rules.HasField(each)}
    for least, most in _QUANTIFIERS.findall(rules.pattern):
        limits |= {int(least), int(most or least)}
    for limit in sorted(limits):
        for letter in "aA0é":
            yield from (letter * length for length in (limit, limit + 1) if length > 0)


def _of_map(field: Described) -> Iterator[tuple[str, Spoil]]:
    rules = rules_of(field).map
    text = field.message_type.fields_by_name["value"].cpp_type == FieldDescriptor.CPPTYPE_STRING
    value: Any = "x" if text else 1
    for count in {rules.max_pairs or ITEMS_MAX, (rules.max_pairs or ITEMS_MAX) + 1}:
        yield f"{count} entries", _mapped(field, {f"k{n}": value for n in range(count)})
    keys = [*_TEXTS, *_lengths(rules.keys.string)]
    values = [*_TEXTS, *_lengths(rules.values.string), "x" * 100_000] if text else []
    for key in dict.fromkeys(keys):
        yield f"key {_shown(key)}", _mapped(field, {key: value})
    for each in dict.fromkeys(values):
        yield f"value {_shown(each)}", _mapped(field, {"k": each})


def _of_count(field: Described) -> Iterator[tuple[str, Spoil]]:
    most = field.GetOptions().Extensions[validate_pb2.field].repeated.max_items
    for count in {2, most, most + 1} if most else {2, ITEMS_MAX + 1}:
        yield f"{count} times", _repeated(field, count)


def _of_time(field: Described) -> Iterator[tuple[str, Spoil]]:
    seconds = (0, -1, -62_135_596_800, -62_135_596_801, 253_402_300_799, 253_402_300_800, -(2**63), 2**63 - 1)
    for value in seconds:
        yield f"{value} s", _moved(field, value, 0)
    for nanos in (-1, 1, 999_999_999, 1_000_000_000, -(2**31), 2**31 - 1):
        yield f"{nanos} ns", _moved(field, 1_772_366_400, nanos)


def _clear(field: Described) -> Spoil:
    return lambda message: message.ClearField(field.name)


def _set(field: Described, value: Any) -> Spoil:
    def spoil(message: Message) -> None:
        if field.is_repeated:
            message.ClearField(field.name)
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)

    return spoil


def _mapped(field: Described, entries: dict[str, Any]) -> Spoil:
    def spoil(message: Message) -> None:
        message.ClearField(field.name)
        getattr(message, field.name).update(entries)

    return spoil


def _repeated(field: Described, count: int) -> Spoil:
    def spoil(message: Message) -> None:
        values = getattr(message, field.name)
        if len(values):
            values.extend([values[0]] * (count - 1))

    return spoil


def _emptied(field: Described) -> Spoil:
    def spoil(message: Message) -> None:
        message.ClearField(field.name)
        if field.is_repeated:
            getattr(message, field.name).add()
        else:
            getattr(message, field.name).SetInParent()

    return spoil


def _moved(field: Described, seconds: int, nanos: int) -> Spoil:
    def spoil(message: Message) -> None:
        time = getattr(message, field.name)
        time.seconds, time.nanos = seconds, nanos

    return spoil


def _estranged(field: Described, forms: Forms) -> Spoil:
    def spoil(message: Message) -> None:
        value = getattr(message, field.name)
        stranger = forms.stranger(value) if isinstance(value, str) else None
        if stranger is not None:
            setattr(message, field.name, stranger)

    return spoil


def _inside(field: Described, spoil: Spoil) -> Spoil:
    def descend(message: Message) -> None:
        value = getattr(message, field.name)
        if not field.is_repeated:
            spoil(value)
        elif len(value):
            spoil(value[0])

    return descend


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:20]}... of {len(value)}"
