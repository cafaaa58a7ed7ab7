"""Rules about names, fields, enums, files and comments."""

import re
from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from scripts.aip.contracts import (
    TIMESTAMP,
    AipRule,
    Contracts,
    Departure,
    is_required,
    is_text,
    items_max,
    rules_of,
    type_name,
)

_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_CAMEL = re.compile(r"([A-Z][a-z0-9]+)+")
_MOMENT = re.compile(r"\w+_time(_min|_before)?")
_PACKAGE = re.compile(r"paystream\.[a-z]+\.v[1-9][0-9]*")
_FLOATS = (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE)
_AMOUNT = re.compile(r"_minor(_min|_max)?$")
_OPTIONS = ("go_package", "java_multiple_files", "java_outer_classname", "java_package")
_UNTYPED = ("google.protobuf.Any", "google.protobuf.Struct", "google.protobuf.Value")


def _zero(contracts: Contracts) -> Iterator[Departure]:
    for enum in contracts.enums():
        prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.name).upper()
        if enum.values_by_number[0].name != f"{prefix}_UNSPECIFIED" or enum.values[0].number != 0:
            yield Departure(enum.full_name, f"its first value is not {prefix}_UNSPECIFIED = 0")
        others = [value.name for value in enum.values if not value.name.startswith(f"{prefix}_")]
        if others:
            yield Departure(enum.full_name, f"values without the prefix {prefix}_: {', '.join(others)}")


def _state(contracts: Contracts) -> Iterator[Departure]:
    for field in contracts.fields():
        if re.fullmatch(r"(\w+_)?status", field.name):
            yield Departure(field.full_name, "is a status, and not a state")
        names_state = field.enum_type is not None and field.enum_type.name.endswith("State")
        if re.fullmatch(r"(\w+_)?state", field.name) and not names_state:
            yield Departure(field.full_name, "is no enum whose name ends in State")
    for enum in contracts.enums():
        if enum.name.endswith("Status"):
            yield Departure(enum.full_name, "is a status, and not a state")


def _moments(contracts: Contracts) -> Iterator[Departure]:
    for field in contracts.fields():
        if type_name(field) == TIMESTAMP and not _MOMENT.fullmatch(field.name):
            yield Departure(field.full_name, "is a moment whose name does not end in _time, _time_min or _time_before")
        if type_name(field) != TIMESTAMP and field.name.endswith("_time"):
            yield Departure(field.full_name, "ends in _time and is no moment")


def _ranges(contracts: Contracts) -> Iterator[Departure]:
    for method in contracts.methods():
        names = {field.name for field in method.input_type.fields if type_name(field) == TIMESTAMP}
        stems = {name.removesuffix("_min").removesuffix("_before") for name in names}
        listing = method.name.startswith("List")
        if listing and names != {f"{stem}{bound}" for stem in stems for bound in ("_min", "_before")}:
            yield Departure(
                method.full_name, f"filters by {', '.join(sorted(names))}, and not by pairs _min and _before"
            )


def _names(contracts: Contracts) -> Iterator[Departure]:
    for field in contracts.fields():
        if not _SNAKE.fullmatch(field.name):
            yield Departure(field.full_name, "is not in lower_snake_case")
    for kinds in (contracts.messages(), contracts.enums(), contracts.methods()):
        for each in kinds:
            if not _CAMEL.fullmatch(each.name):
                yield Departure(each.full_name, "is not in UpperCamelCase")


def _money(contracts: Contracts) -> Iterator[Departure]:
    for field in contracts.fields():
        if field.type in _FLOATS:
            yield Departure(field.full_name, "is a float: quantities are integers with their unit in the name")
        if _AMOUNT.search(field.name) and field.type not in (FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_STRING):
            yield Departure(field.full_name, "is an amount in minor units, and neither an int64 nor a text of digits")
    for message in contracts.requested():
        for field in message.fields:
            if _AMOUNT.search(field.name) and field.type == FieldDescriptor.TYPE_STRING:
                yield Departure(field.full_name, "is an amount that is asked for as a text: only sums are answered so")


def _codes(contracts: Contracts) -> Iterator[Departure]:
    for field in contracts.fields():
        if re.fullmatch(r"(\w+_)?(currency|country|language|region)", field.name) and field.message_type is None:
            yield Departure(field.full_name, "is a standard code whose name does not end in _code, or is not locale")
    for message in contracts.requested():
        code = message.fields_by_name.get("currency_code")
        if code is not None and is_required(code) and rules_of(code).string.pattern != "^[A-Z]{3}$":
            yield Departure(code.full_name, "takes what is no code of ISO 4217")


def _plurals(contracts: Contracts) -> Iterator[Departure]:
    for field in contracts.fields():
        if field.is_repeated and not _is_map(field) and not field.name.endswith("s"):
            yield Departure(field.full_name, "is repeated, and its name is no plural")


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _typed(contracts: Contracts) -> Iterator[Departure]:
    for field in contracts.fields():
        if type_name(field) in _UNTYPED:
            yield Departure(field.full_name, f"is a {type_name(field)}: what may be in it is not said")


def _ids(contracts: Contracts) -> Iterator[Departure]:
    for message in contracts.requested():
        for field in message.fields:
            if re.fullmatch(r"(\w+_)?ids?", field.name) and not _has_form(field) and not _only_answered(message, field):
                yield Departure(field.full_name, "is an id that anything would do for: it has no pattern")


def _has_form(field: FieldDescriptor) -> bool:
    rules = rules_of(field)
    text = rules.repeated.items.string if field.is_repeated else rules.string
    return field.type == FieldDescriptor.TYPE_STRING and bool(text.pattern or text.uuid)


def _only_answered(message: Descriptor, field: FieldDescriptor) -> bool:
    """Tell whether a resource in an update has a field beside its own id, which paystream sets and does not read."""
    own = next((each for each in message.fields if each.name.endswith("_id")), None)
    return not message.name.endswith("Request") and own is not None and field.name != own.name


def _bounds(contracts: Contracts) -> Iterator[Departure]:
    for message in contracts.requested():
        for field in message.fields:
            if field.is_repeated and not items_max(contracts, field) and not _only_answered(message, field):
                yield Departure(field.full_name, "may have any number of items: it has no max_items or max_pairs")


def _behaviour(contracts: Contracts) -> Iterator[Departure]:
    asked = {message.full_name for message in contracts.requested()}
    for message in contracts.messages():
        for field in message.fields:
            if rules_of(field).required and not is_required(field):
                yield Departure(field.full_name, "must be there by its rules, and is not said to be REQUIRED")
            if is_required(field) and message.full_name not in asked:
                yield Departure(field.full_name, "is said to be REQUIRED, and is in no request")


def _comments(contracts: Contracts) -> Iterator[Departure]:
    services = (service for file in contracts.files for service in file.services_by_name.values())
    for kinds in (services, contracts.methods(), contracts.messages(), contracts.fields(), contracts.enums()):
        for each in kinds:
            if not contracts.comment(each.full_name):
                yield Departure(each.full_name, "has no comment")
    for enum in contracts.enums():
        for value in enum.values:
            if not contracts.comment(f"{enum.full_name}.{value.name}"):
                yield Departure(f"{enum.full_name}.{value.name}", "has no comment")


def _errors(contracts: Contracts) -> Iterator[Departure]:
    for method in contracts.methods():
        said = contracts.comment(method.full_name)
        if is_text(next(iter(method.input_type.fields), None)) and not re.search(r"\bErrors?\b", said):
            yield Departure(method.full_name, "its comment does not say which errors it has")


def _files(contracts: Contracts) -> Iterator[Departure]:
    for file in contracts.files:
        if not _PACKAGE.fullmatch(file.package) or file.name.rpartition("/")[0] != file.package.replace(".", "/"):
            yield Departure(file.name, f"its package is {file.package}: not paystream.<service>.v<n> of its directory")
        given = {option.name for option, _ in file.GetOptions().ListFields()}
        missing = [option for option in _OPTIONS if option not in given]
        if missing:
            yield Departure(file.name, f"has no {', '.join(missing)}")


RULES = (
    AipRule(
        aip=126,
        name="enums",
        keeps="Values have the enum's name as a prefix, and the first is ..._UNSPECIFIED = 0.",
        departures=_zero,
    ),
    AipRule(aip=140, name="names", keeps="Fields are lower_snake_case, all else is UpperCamelCase.", departures=_names),
    AipRule(
        aip=141,
        name="quantities",
        keeps="No float; amounts are int64 of minor units, sums in answers texts of digits.",
        departures=_money,
    ),
    AipRule(aip=142, name="moments", keeps="A Timestamp, and nothing else, ends in _time.", departures=_moments),
    AipRule(
        aip=142, name="ranges", keeps="Lists are filtered by pairs ..._time_min, ..._time_before.", departures=_ranges
    ),
    AipRule(aip=143, name="codes", keeps="Standard codes are called so and have their form.", departures=_codes),
    AipRule(aip=144, name="plurals", keeps="What is repeated is a plural.", departures=_plurals),
    AipRule(aip=144, name="bounds", keeps="What is repeated in a request has a largest number.", departures=_bounds),
    AipRule(aip=146, name="typed", keeps="No field takes anything whatever.", departures=_typed),
    AipRule(aip=148, name="ids", keeps="An id in a request has a form.", departures=_ids),
    AipRule(
        aip=191,
        name="files",
        keeps="A file has its package's directory and the options of all languages.",
        departures=_files,
    ),
    AipRule(aip=192, name="comments", keeps="Everything has a comment.", departures=_comments),
    AipRule(aip=193, name="errors", keeps="A method that names something says its errors.", departures=_errors),
    AipRule(
        aip=203,
        name="required",
        keeps="What rules ask for is said to be REQUIRED, and only in requests.",
        departures=_behaviour,
    ),
    AipRule(
        aip=216, name="states", keeps="What a thing has come to is its state, an enum ...State.", departures=_state
    ),
)
