"""What every generated record can do. Copied into gen/, so it needs the standard library and `quick_init` only."""

import dataclasses
import enum
import types
import typing
from collections.abc import Callable
from typing import Any, Self

from paystream.quick_init import quick_init, unfrozen_twin


class AvroRecord:
    """An Avro record; its subclasses are frozen dataclasses with slots."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        # A dataclass with slots is made twice: the second time with its fields.
        if "__dataclass_fields__" in vars(cls):
            quick_init(cls)

    def as_record(self) -> dict[str, Any]:
        """Return the field values by name, nested records as dictionaries and arrays as lists."""
        return {field.name: _plain(getattr(self, field.name)) for field in _fields(type(self))}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """Make it of a complete record of this schema version; symbols newer than its enums become UNKNOWN."""
        make: Any = _compile_maker(cls)
        cls.from_record = make  # type: ignore[method-assign]  # The next calls find the compiled function.
        instance: Self = make(record)
        return instance


def _fields(cls: Any) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(cls)


def _plain(value: Any) -> Any:
    if isinstance(value, AvroRecord):
        return value.as_record()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _compile_maker(cls: Any) -> Callable[[dict[str, Any]], Any]:
    """Write a function that fills an unfrozen twin with the same slots and changes its class.

    It takes a quarter of the time of a frozen `__init__`, which assigns each field through `object.__setattr__`.
    """
    names: dict[str, Any] = {"final": cls, "twin": unfrozen_twin(cls)}
    lines = ["def make(record):", "instance = twin()"]
    for field in _fields(cls):
        value = _conversion(field.type, f"record[{field.name!r}]", names)
        lines.append(f"instance.{field.name} = {value}")
    lines += ["instance.__class__ = final", "return instance"]
    exec("\n    ".join(lines), names)  # noqa: S102 - put together from the fields of our own classes, as dataclasses do.
    make: Callable[[dict[str, Any]], Any] = names["make"]
    return make


def _conversion(kind: Any, value: str, names: dict[str, Any]) -> str:
    """Write the expression that makes a field's value of a record's; add what it uses to the names."""
    if isinstance(kind, types.UnionType):
        optional = _conversion(typing.get_args(kind)[0], "value", names)
        return value if optional == "value" else f"None if (value := {value}) is None else {optional}"
    if typing.get_origin(kind) is tuple:
        return f"tuple([{_conversion(typing.get_args(kind)[0], 'item', names)} for item in {value}])"
    names[kind.__name__] = kind
    if issubclass(kind, enum.Enum):
        names[f"members_of_{kind.__name__}"] = dict(kind.__members__)
        return f"members_of_{kind.__name__}.get({value}, {kind.__name__}.UNKNOWN)"
    return f"{kind.__name__}.from_record({value})" if issubclass(kind, AvroRecord) else value
