"""Imported statements on the wire."""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import date, datetime
from typing import Any

from google.protobuf import json_format

from paykit.errors import FieldInvalid
from paykit.serve import listing
from paykit.serve.timestamps import from_optional, to_timestamp
from paykit.serve.validation import validator
from paystream.reconciliation.v1 import statement_pb2 as pb
from paystream.reconciliation.v1.events import StatementSource
from services.reconciliation.commands.importing import Imported
from services.reconciliation.domain.formats.mapping import (
    BANK_MAPPING,
    AmountSign,
    Columns,
    StatementFormat,
    StatementMapping,
)
from services.reconciliation.domain.formats.movements import AccountHolder
from services.reconciliation.domain.formats.refusals import mapping_invalid
from services.reconciliation.domain.statement import ReportedLine, ReportedStatement, StatementState
from services.reconciliation.domain.statement_file import StatementFile
from services.reconciliation.store import StatementFilter

_FORMATS = {format_: pb.StatementFormat.Value(f"STATEMENT_FORMAT_{format_}") for format_ in StatementFormat}
_FROM_FORMAT = {wire: format_ for format_, wire in _FORMATS.items()}
_SIGNS = {pb.AmountSign.Value(f"AMOUNT_SIGN_{sign}"): sign for sign in AmountSign}
_HOLDERS = {pb.AccountHolder.Value(f"ACCOUNT_HOLDER_{holder}"): holder for holder in AccountHolder}
_SOURCES: Mapping[StatementSource, pb.StatementSource.ValueType] = {
    StatementSource.CHANNEL: pb.STATEMENT_SOURCE_CHANNEL,
    StatementSource.FILE: pb.STATEMENT_SOURCE_FILE,
}
_STATES = {state: pb.StatementState.Value(f"STATEMENT_STATE_{state}") for state in StatementState}
_FROM_STATE = {wire: state for state, wire in _STATES.items()}
_AS_THEY_ARE = (
    *("delimiter", "quote", "rows_skipped", "encoding", "decimal_mark", "thousands_mark", "currency_code"),
    *("credit_operation", "debit_operation", "fee_negative", "date_pattern", "time_zone"),
)


def from_format(wire: pb.StatementFormat.ValueType) -> StatementFormat:
    """Read how a file is written."""
    return _FROM_FORMAT[wire]


def mapping_of(header: pb.StatementHeader) -> pb.StatementMapping:
    """Return a header's mapping, whichever way it is given.

    Raises:
        StatementMappingInvalid: What is given as JSON is none of a mapping.
        RequestInvalid: It breaks a rule of the proto.
    """
    if not header.mapping_json:
        return header.mapping
    try:
        mapping = json_format.Parse(header.mapping_json, pb.StatementMapping())
    except json_format.ParseError as error:
        raise mapping_invalid(f"is no JSON of a mapping: {error}", column="mapping_json") from error
    refusal = validator.validate_message(mapping)
    if refusal is not None:
        raise refusal
    return mapping


def from_mapping(message: pb.StatementMapping, format_: StatementFormat) -> StatementMapping:
    """Read how a channel writes its files: what is not set is as it is usual in the format.

    Raises:
        StatementMappingInvalid: It names what stands in no column.
    """
    usual = StatementMapping() if format_ is StatementFormat.CSV else BANK_MAPPING
    changes: dict[str, Any] = {name: value for name in _AS_THEY_ARE if (value := getattr(message, name))}
    if message.columns:
        changes["columns"] = _columns(message.columns)
        changes["columns_required"] = True
    if message.amount_sign in _SIGNS:
        changes["amount_sign"] = _SIGNS[message.amount_sign]
    if message.account_holder in _HOLDERS:
        changes["account_holder"] = _HOLDERS[message.account_holder]
    changes["header"] = not message.headless
    changes["operations"], changes["outcomes"] = dict(message.operations), dict(message.outcomes)
    return replace(usual, **changes)


def to_imported(imported: Imported) -> pb.ImportStatementResponse:
    """Make the reply."""
    return pb.ImportStatementResponse(
        file=to_file(imported.file), statements=[to_statement(each) for each in imported.statements]
    )


def to_file(file: StatementFile) -> pb.StatementFile:
    """Make the resource."""
    return pb.StatementFile(
        file_id=file.file_id,
        channel=file.channel,
        format=_FORMATS[file.format],
        file_name=file.file_name,
        content_sha256=file.content_sha256,
        size_bytes=file.size_bytes,
        line_count=file.line_count,
        known_line_count=file.known_line_count,
        actor=file.actor or "",
        create_time=to_timestamp(file.create_time),
    )


def to_statement(statement: ReportedStatement) -> pb.Statement:
    """Make the resource."""
    return pb.Statement(
        statement_id=statement.statement_id,
        file_id=statement.file_id or "",
        channel=statement.channel,
        currency_code=statement.currency_code,
        statement_date=statement.statement_date.isoformat(),
        reference=statement.reference or "",
        account_last_four=statement.account_last_four or "",
        line_count=statement.line_count or 0,
        opening_balance_minor=statement.opening_balance_minor,
        closing_balance_minor=statement.closing_balance_minor,
        create_time=to_timestamp(statement.create_time),
        source=_SOURCES[statement.source],
        state=_STATES[statement.state],
    )


def to_line(line: ReportedLine) -> pb.StatementLine:
    """Make the resource."""
    return pb.StatementLine(
        statement_id=line.statement_id,
        line_no=line.line_no,
        file_line_no=line.file_line_no or 0,
        line_id=line.line_id,
        operation=line.operation,
        outcome=line.outcome,
        amount_minor=line.amount_minor,
        currency_code=line.currency_code,
        channel_fee_minor=line.channel_fee_minor,
        line_date=line.line_date.isoformat(),
        value_date=_day(line.value_date),
        occurred_time=_moment(line.occurred_at),
        related_no=line.related_no or "",
        attempt_id=line.attempt_id or "",
        channel_reference=line.channel_reference or "",
        original_channel_reference=line.original_channel_reference or "",
        settlement_amount_minor=line.settlement_amount_minor,
        settlement_currency_code=line.settlement_currency_code or "",
        exchange_rate=line.exchange_rate or "",
        payout_reference=line.payout_reference or "",
        acquirer_reference=line.acquirer_reference or "",
        text=line.text or "",
    )


def from_list(request: pb.ListStatementsRequest) -> StatementFilter:
    """Read which statements to list.

    Raises:
        FieldInvalid: There is no such day.
    """
    try:
        day = date.fromisoformat(request.statement_date) if request.statement_date else None
    except ValueError:
        raise FieldInvalid("statement_date must be a day that exists.", field="statement_date") from None
    return StatementFilter(
        channel=request.channel or None,
        file_id=request.file_id or None,
        statement_date=day,
        state=_FROM_STATE.get(request.state),
        currency_code=request.currency_code or None,
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        update_time_min=from_optional(request, "update_time_min"),
        update_time_before=from_optional(request, "update_time_before"),
        oldest_first=listing.oldest_first(request),
    )


def _columns(named: Mapping[str, str]) -> Columns:
    known = {each.name for each in fields(Columns)}
    for name in named:
        if name not in known:
            raise mapping_invalid("is nothing that stands in a column", column=name)
    return Columns(**(dict.fromkeys(known, "") | dict(named)))


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _moment(moment: datetime | None) -> Any:
    return None if moment is None else to_timestamp(moment)
