"""The SQL of what comes with a build: currencies and the numbers of types, brought up with every migration."""

from typing import TYPE_CHECKING

from paykit.errors import InvariantError
from paykit.money import CURRENCIES
from services.accounting.domain.transaction_key import BY_NUMBER, TRANSACTION_TYPES

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_UPSERT_CURRENCY = """
INSERT INTO currency (currency_code, exponent, valid_from, valid_until)
VALUES ($1, $2, $3, $4)
ON CONFLICT (currency_code) DO UPDATE SET valid_from = excluded.valid_from, valid_until = excluded.valid_until
WHERE (currency.valid_from, currency.valid_until) IS DISTINCT FROM (excluded.valid_from, excluded.valid_until)
"""

_SELECT_CURRENCIES = "SELECT currency_code, exponent FROM currency"

_SELECT_TYPES = "SELECT type_no, transaction_type, related_prefix, root_prefix FROM transaction_type"

_INSERT_TYPE = """
INSERT INTO transaction_type (type_no, transaction_type, related_prefix, root_prefix)
VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""


def bring_tables(connection: "Connection") -> None:
    """Bring what is new, and changed dates; run by the owner of the schema. What is there is never taken away.

    Raises:
        InvariantError: Books are kept with other decimals or other numbers than the build says.
    """
    _bring_currencies(connection)
    _bring_types(connection)


def _bring_currencies(connection: "Connection") -> None:
    for code, exponent in connection.exec_driver_sql(_SELECT_CURRENCIES):
        if code in CURRENCIES and CURRENCIES[code].exponent != exponent:
            raise InvariantError(f"{code} is kept with {exponent} decimals, not {CURRENCIES[code].exponent}")
    rows = [(row.code, row.exponent, row.valid_from, row.valid_until) for row in CURRENCIES.values()]
    connection.exec_driver_sql(_UPSERT_CURRENCY, rows)


def _bring_types(connection: "Connection") -> None:
    for number, *names in connection.exec_driver_sql(_SELECT_TYPES):
        known = BY_NUMBER.get(number)
        if known is None or [known.transaction_type, known.related_prefix, known.root_prefix] != names:
            raise InvariantError(f"transactions are kept with the number {number} for {' '.join(names)}")
    rows = [(each.number, each.transaction_type, each.related_prefix, each.root_prefix) for each in TRANSACTION_TYPES]
    connection.exec_driver_sql(_INSERT_TYPE, rows)
