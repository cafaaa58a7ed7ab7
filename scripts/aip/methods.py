"""Rules about methods: their messages, what names a call, pages, updates and batches."""

import re
from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from scripts.aip.contracts import (
    FIELD_MASK,
    AipRule,
    Contracts,
    Departure,
    is_required,
    is_text,
    items_max,
    noun,
    reads,
    rules_of,
    snake,
    type_name,
)

PAGE_TOKEN_CHARACTERS_MAX = 1024
BATCH_ITEMS_MAX = 1000
ORDERS = ("", "create_time", "create_time desc")
"""What a list may be asked to be sorted by: what an index serves."""


def _own_messages(contracts: Contracts) -> Iterator[Departure]:
    for method in contracts.methods():
        for message, end in ((method.input_type, "Request"), (method.output_type, "Response")):
            if message.name != f"{method.name}{end}":
                yield Departure(method.full_name, f"has {message.full_name}, and not {method.name}{end}")


def _get(contracts: Contracts) -> Iterator[Departure]:
    for method in contracts.methods():
        name = noun(method, "Get")
        if not name:
            continue
        key = method.input_type.fields_by_name.get(f"{snake(name)}_id")
        if not reads(method):
            yield Departure(method.full_name, "is not said to have no side effects")
        if not _is_key(key) and not any(_is_key(field) for field in method.input_type.fields):
            yield Departure(method.full_name, f"its request has no required {snake(name)}_id")
        if not _answers(method.output_type, name):
            yield Departure(method.full_name, f"its response has no {snake(name)}")


def _is_key(field: FieldDescriptor | None) -> bool:
    if field is None or field.name == "request_id":
        return False
    return is_text(field) and field.name.endswith("id") and is_required(field)


def _answers(response: Descriptor, name: str) -> bool:
    """Tell whether a response has the resource: of its own name, or of the last words of it (`endpoint`)."""
    return any(
        field.message_type is not None
        and not field.is_repeated
        and (snake(name) == field.name or snake(name).endswith(f"_{field.name}"))
        for field in response.fields
    )


def _list(contracts: Contracts) -> Iterator[Departure]:
    for method in contracts.methods():
        if not noun(method, "List"):
            continue
        if not reads(method):
            yield Departure(method.full_name, "is not said to have no side effects")
        items = [field.name for field in method.output_type.fields if field.is_repeated]
        if len(items) != 1:
            yield Departure(method.full_name, f"its response has {len(items)} repeated fields, and not one")


def _create(contracts: Contracts) -> Iterator[Departure]:
    for method in contracts.methods():
        name = noun(method, "Create")
        if not name:
            continue
        if not _answers(method.output_type, name):
            yield Departure(method.full_name, f"its response has no {snake(name)}")
        if f"{snake(name)}_id" in method.input_type.fields_by_name:
            yield Departure(method.full_name, "lets its caller choose the id: paystream gives ids")


def _update(contracts: Contracts) -> Iterator[Departure]:
    for method in contracts.methods():
        if not noun(method, "Update"):
            continue
        resource, *others = method.input_type.fields
        if {field.name for field in others} != {"update_mask", "request_id"}:
            yield Departure(method.full_name, "its request is not the resource, update_mask and request_id")
        mask = method.input_type.fields_by_name.get("update_mask")
        if mask is not None and type_name(mask) != FIELD_MASK:
            yield Departure(method.full_name, f"update_mask is no {FIELD_MASK}")
        answered = method.output_type.fields_by_name.get(resource.name)
        if resource.message_type is None or answered is None or type_name(answered) != type_name(resource):
            yield Departure(method.full_name, f"its response has no {resource.name} of the request's type")


def _delete(contracts: Contracts) -> Iterator[Departure]:
    for method in contracts.methods():
        if noun(method, "Delete") and not any(_is_key(field) for field in method.input_type.fields):
            yield Departure(method.full_name, "its request names no resource by a required id")


def _etag(contracts: Contracts) -> Iterator[Departure]:
    for message in contracts.requested():
        etag = message.fields_by_name.get("etag")
        if etag is not None and not (is_text(etag) and rules_of(etag).string.max_len):
            yield Departure(etag.full_name, "is not a text with a largest length")
    for method in contracts.methods():
        if noun(method, "(Update|Delete)"):
            asked = [method.input_type, *[f.message_type for f in method.input_type.fields if f.message_type]]
            if not any("etag" in message.fields_by_name for message in asked):
                yield Departure(method.full_name, "takes no etag")


def _request_id(contracts: Contracts) -> Iterator[Departure]:
    for method in contracts.methods():
        message = _item(method.input_type)
        field = message.fields_by_name.get("request_id")
        if reads(method):
            if field is not None:
                yield Departure(method.full_name, "takes a request_id and changes nothing")
        elif field is None or not is_text(field) or not rules_of(field).string.uuid or not is_required(field):
            yield Departure(method.full_name, f"{message.name} has no required request_id that is a UUID")


def _item(request: Descriptor) -> Descriptor:
    """Return what is carried out: the request, or each item of a batch or of a stream."""
    for name in ("requests", "request"):
        items = request.fields_by_name.get(name)
        if items is not None and items.message_type is not None:
            return _item(items.message_type)
    return request


def _pages(contracts: Contracts) -> Iterator[Departure]:
    for method in contracts.methods():
        asked, answered = method.input_type.fields_by_name, method.output_type.fields_by_name
        paged = bool(noun(method, "List")) or {"page_size", "page_token"} & set(asked) or "next_page_token" in answered
        if paged:
            yield from _page_fields(method)


def _page_fields(method: MethodDescriptor) -> Iterator[Departure]:
    asked = method.input_type.fields_by_name
    token, size = asked.get("page_token"), asked.get("page_size")
    if token is None or not is_text(token) or rules_of(token).string.max_len != PAGE_TOKEN_CHARACTERS_MAX:
        yield Departure(method.full_name, f"has no page_token of at most {PAGE_TOKEN_CHARACTERS_MAX} characters")
    if size is None or size.type != FieldDescriptor.TYPE_INT32 or not _is_from_zero(size) or is_required(size):
        yield Departure(method.full_name, "has no page_size that is an int32 from 0 and not required")
    if not is_text(method.output_type.fields_by_name.get("next_page_token")):
        yield Departure(method.full_name, "answers no next_page_token")


def _is_from_zero(field: FieldDescriptor) -> bool:
    rules = rules_of(field).int32
    return bool(rules.HasField("gte")) and rules.gte == 0


def _order_by(contracts: Contracts) -> Iterator[Departure]:
    for field in contracts.fields():
        if field.name in ("sort", "sort_by", "filter"):
            yield Departure(field.full_name, "lists are sorted by order_by, and filtered by a field for each filter")
        if field.name == "order_by" and not (is_text(field) and _orders(field) == ORDERS):
            yield Departure(field.full_name, f"takes other orders than {', '.join(ORDERS[1:])}")


def _orders(field: FieldDescriptor) -> tuple[str, ...]:
    return tuple(getattr(rules_of(field).string, "in"))


def _reason(contracts: Contracts) -> Iterator[Departure]:
    for method in contracts.methods():
        stated = method.input_type.fields_by_name.get("reason")
        if re.match(r"(Reject|Suspend|Restrict|Disable|Cancel)[A-Z]", method.name) and not (
            stated is not None and is_text(stated) and is_required(stated)
        ):
            yield Departure(method.full_name, "stops something, and its request has no required reason")


def _batches(contracts: Contracts) -> Iterator[Departure]:
    for method in contracts.methods():
        if not noun(method, "Batch"):
            continue
        lists = [field for field in method.input_type.fields if field.is_repeated]
        if len(lists) != 1:
            yield Departure(method.full_name, "its request has not exactly one repeated field")
        elif not 0 < items_max(contracts, lists[0]) <= BATCH_ITEMS_MAX:
            yield Departure(method.full_name, f"{lists[0].name} may have more than {BATCH_ITEMS_MAX} items")


RULES = (
    AipRule(
        aip=130, name="messages", keeps="A method has messages of its own, named after it.", departures=_own_messages
    ),
    AipRule(aip=131, name="get", keeps="Get takes a required id and answers the resource.", departures=_get),
    AipRule(aip=132, name="list", keeps="List changes nothing and answers one repeated field.", departures=_list),
    AipRule(
        aip=132, name="order-by", keeps="order_by takes what an index serves; no filter language.", departures=_order_by
    ),
    AipRule(aip=133, name="create", keeps="Create answers the resource, whose id paystream gives.", departures=_create),
    AipRule(
        aip=134,
        name="update",
        keeps="Update takes the resource, update_mask and request_id, and answers the resource.",
        departures=_update,
    ),
    AipRule(aip=135, name="delete", keeps="Delete names a resource by a required id.", departures=_delete),
    AipRule(aip=136, name="reason", keeps="What rejects, suspends, disables or cancels says why.", departures=_reason),
    AipRule(aip=154, name="etag", keeps="An etag is a bounded text, and Update and Delete take one.", departures=_etag),
    AipRule(
        aip=155,
        name="request-id",
        keeps="What changes something takes a required request_id, a UUID; what reads takes none.",
        departures=_request_id,
    ),
    AipRule(
        aip=158,
        name="pages",
        keeps="A list has page_size, page_token of bounded length and next_page_token.",
        departures=_pages,
    ),
    AipRule(
        aip=231,
        name="batches",
        keeps="A batch is one repeated field with a largest number of items.",
        departures=_batches,
    ),
)
