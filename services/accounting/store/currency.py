"""The SQL of currencies: brought up to the table of this build with every migration, as accounts refer to them."""

from sqlalchemy import text
from sqlalchemy.engine import Connection

from paykit.errors import InvariantError
from paykit.money import CURRENCIES

_UPSERT = text("""
INSERT INTO currency (currency_code, exponent, valid_from, valid_until)
VALUES (:currency_code, :exponent, :valid_from, :valid_until)
ON CONFLICT (currency_code) DO UPDATE SET valid_from = excluded.valid_from, valid_until = excluded.valid_until
WHERE (currency.valid_from, currency.valid_until) IS DISTINCT FROM (excluded.valid_from, excluded.valid_until)
""")

_SELECT = text("SELECT currency_code, exponent FROM currency")


def bring_currencies(connection: Connection) -> None:
    """Bring new currencies and changed dates; run by the owner of the schema. What is there is never taken away.

    Raises:
        InvariantError: Books are kept with other decimals than the table says.
    """
    for code, exponent in connection.execute(_SELECT):
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
    connection.execute(_UPSERT, rows)
