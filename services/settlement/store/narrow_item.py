"""The table `narrow_item`: items whose ids are of the usual forms, nearly all of them, in a third of the bytes.

Of an id its 32 digits are kept, as a uuid; its letters follow from the form of the row. What has no form, as journals
of people, stands in the table `item`. Which table an item goes to follows from its transaction alone, so that one that
comes again meets itself; that it stands in one of them only, the database sees to.
"""

import struct
from collections.abc import Iterable
from datetime import UTC, datetime

from paykit.clock import micros_since_epoch
from services.settlement.domain.item_form import FORMS, LETTERS, TRANSACTION, NarrowItem

COLUMNS = (
    *("transaction_id", "settlement_id", "related_id", "root_id"),
    *("effective_at", "amount_minor", "fee_minor", "form"),
)

_ID_BYTES = 16
_LENGTH = struct.pack("!i", _ID_BYTES)
_BEGIN = struct.pack("!h", len(COLUMNS)) + _LENGTH
"""Of a row as PostgreSQL takes it: how many columns, and each behind its length."""
_ROW = struct.Struct(f"!{len(_BEGIN)}s16s24s16s i16s iq iq iq ih")
"""The second id stands between its length and that of the third: so much a settlement's rows have in common."""
_SINCE_US = micros_since_epoch(datetime(2000, 1, 1, tzinfo=UTC))
"""PostgreSQL counts from the year 2000."""


def text_of(column: str, letters: str) -> str:
    """Return the SQL of an id as text, of the column of its digits and its letters, a text or an expression."""
    return f"{letters} || encode(uuid_send({column}), 'hex')"


def _of_form(name: str) -> str:
    cases = " ".join(f"WHEN {number} THEN '{getattr(form, name)}'" for number, form in FORMS.items())
    return f"CASE narrow_item.form {cases} END"


TRANSACTION_ID = text_of("narrow_item.transaction_id", f"'{TRANSACTION}'")
SETTLEMENT_ID = text_of("narrow_item.settlement_id", "'stl_'")
KIND = _of_form("kind")
AS_ITEM = f"""
{TRANSACTION_ID} AS transaction_id, {KIND} AS kind, {_of_form("transaction_type")} AS transaction_type,
    {text_of("narrow_item.related_id", _of_form("related"))} AS related_no,
    {text_of("narrow_item.root_id", _of_form("root"))} AS root_reference,
    narrow_item.effective_at, narrow_item.amount_minor, narrow_item.fee_minor
"""
"""SQL of what a row of `item` has, but for its merchant and settlement."""


def settlement_digits(settlement_id: str) -> bytes:
    """Return the id of a settlement as rows have it."""
    return bytes.fromhex(settlement_id[LETTERS:])


def narrow_rows(items: Iterable[NarrowItem], settlement: bytes) -> list[bytes]:
    """Return the rows of items as COPY takes them; they sort by transaction.

    Args:
        items: What they are of.
        settlement: That they come into, by `settlement_digits`.
    """
    pack, begin, into = _ROW.pack, _BEGIN, _LENGTH + settlement + _LENGTH
    return [
        pack(
            *(begin, ids[:16], into, ids[16:32], 16, ids[32:]),
            *(8, effective_us - _SINCE_US, 8, amount_minor, 8, fee_minor, 2, form),
        )
        for _, _, _, _, effective_us, amount_minor, fee_minor, form, ids in items
    ]
