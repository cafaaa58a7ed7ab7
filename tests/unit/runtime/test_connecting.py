"""What a URL says reaches the driver, whoever connects."""

import pytest

from paykit.postgres.connecting import address_of


@pytest.mark.parametrize("word", ["ssl", "sslmode"])
def test_encryption_may_be_asked_for_by_either_word(word: str) -> None:
    address = address_of(f"postgresql://ana:secret@db:5432/paystream?{word}=require")

    assert address == {"dsn": "postgresql://ana:secret@db:5432/paystream", "ssl": "require"}


def test_nothing_is_said_of_encryption_where_the_url_says_nothing() -> None:
    assert address_of("postgresql+asyncpg://ana@db/paystream") == {"dsn": "postgresql://ana@db/paystream"}


def test_what_else_a_url_asks_for_stays_in_it() -> None:
    address = address_of("postgresql://db/paystream?sslmode=verify-full&application_name=reports")

    assert address == {"dsn": "postgresql://db/paystream?application_name=reports", "ssl": "verify-full"}
