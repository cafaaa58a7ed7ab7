"""The SQL of what comes with a build: currencies and the numbers of types, brought up with every migration."""

from sqlalchemy import text
from sqlalchemy.engine import Connection

from paykit.errors import InvariantError
from paykit.money import CURRENCIES
from services.accounting.domain.transaction_key import BY_NUMBER, TRANSACTION_TYPES

_UPSERT_CURRENCY = text("""
INSERT INTO currency (currency_code, exponent, valid_from, valid_until)
VALUES (:currency_code, :exponent, :valid_from, :valid_until)
ON CONFLICT (currency_code) DO UPDATE SET valid_from = excluded.valid_from, valid_until = excluded.valid_until
WHERE (currency.valid_from, currency.valid_until) IS DISTINCT FROM (excluded.valid_from, excluded.valid_until)
""")

_SELECT_CURRENCIES = text("SELECT currency_code, exponent FROM currency")

_SELECT_TYPES = text("SELECT type_no, transaction_type, related_prefix, root_prefix FROM transaction_type")

_INSERT_TYPE = text("""
INSERT INTO transaction_type (type_no, transaction_type, related_prefix, root_prefix)
VALUES (:number, :transaction_type, :related_prefix, :root_prefix) ON CONFLICT DO NOTHING
""")


def bring_tables(connection: Connection) -> None:
    """Bring what is new, and changed dates; run by the owner of the schema. What is there is never taken away.

    Raises:
        InvariantError: Books are kept with other decimals or other numbers than the build says.
    """
    _bring_currencies(connection)
    _bring_types(connection)


def _bring_currencies(connection: Connection) -> None:
    for code, exponent in connection.execute(_SELECT_CURRENCIES):
        if code in CURRENCIES and CURRENCIES[code].exponent != exponent:
            raise InvariantError(f"{code} is kept with {exponent} decimals, not {CURRENCIES[code].exponent}")
    rows = [
        {
            "currency_code": row.code,
            "exponent": row.exponent,
            "valid_from": row.valid_from,
            "valid_until": row.valid_until,
        }
        for row in CURRENCIES.values()
    ]
    connection.execute(_UPSERT_CURRENCY, rows)


def _bring_types(connection: Connection) -> None:
    for number, *names in connection.execute(_SELECT_TYPES):
        known = BY_NUMBER.get(number)
        if known is None or [known.transaction_type, known.related_prefix, known.root_prefix] != names:
            raise InvariantError(f"transactions are kept with the number {number} for {' '.join(names)}")
    rows = [
        {
            "number": each.number,
            "transaction_type": each.transaction_type,
            "related_prefix": each.related_prefix,
            "root_prefix": each.root_prefix,
        }
        for each in TRANSACTION_TYPES
    ]
    connection.execute(_INSERT_TYPE, rows)
