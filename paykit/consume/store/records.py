"""The columns in which the tables of events that were not applied keep a record, byte for byte."""

from typing import Any

from paykit.consume.delivery import Record


def columns_of(record: Record) -> tuple[Any, ...]:
    """Values of topic, topic_id, partition, record_offset, key, value, header_names, header_values, in this order."""
    names = [name for name, _ in record.headers]
    contents = [content for _, content in record.headers]
    place = record.topic, record.topic_id, record.partition, record.offset
    return *place, record.key, record.value, names, contents


def record_of(row: Any) -> Record:
    """The record that a row keeps."""
    headers = list(zip(row["header_names"], row["header_values"], strict=True))
    place = row["topic"], row["partition"], row["record_offset"]
    return Record(*place, row["key"], row["value"], headers, row["topic_id"])
