"""Addresses of PostgreSQL are read as SQLAlchemy reads them, and written as the driver takes them."""

from dataclasses import replace

import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st

from paykit.base.config import ConfigurationError
from paykit.base.database_url import DatabaseUrl, parse

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
URLS = st.builds(
    sqlalchemy.URL.create,
    st.sampled_from(["postgresql", "postgresql+asyncpg"]),
    username=NAMES,
    password=st.none() | NAMES,
    host=st.none() | st.sampled_from(["db", "db.example", "10.0.0.7", "::1", "2001:db8::7"]),
    port=st.none() | st.integers(1, 65_535),
    database=st.none() | NAMES,
    query=st.dictionaries(NAMES, NAMES, max_size=3),
)


@given(URLS)
def test_what_sqlalchemy_writes_is_read_and_written_as_it_does(url: sqlalchemy.URL) -> None:
    read = parse(url.render_as_string(hide_password=False))
    again = sqlalchemy.make_url(url.render_as_string(hide_password=False))

    assert (read.username, read.password, read.host, read.port) == (url.username, url.password, url.host, url.port)
    assert (read.database, dict(read.query)) == (again.database, dict(again.query))
    assert str(read) == again.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("postgresql://", DatabaseUrl()),
        ("postgres:///paystream", DatabaseUrl(database="paystream")),
        ("postgresql+asyncpg://db:6432/paystream", DatabaseUrl(host="db", port=6432, database="paystream")),
        (
            "postgresql://ana:a%40b%2Fc:d@[::1]:5432/paystream",
            DatabaseUrl(username="ana", password="a@b/c:d", host="::1", port=5432, database="paystream"),
        ),
        ("postgresql://ana:1/2@db", DatabaseUrl(username="ana", password="1/2", host="db")),
        ("postgresql://db:/paystream?", DatabaseUrl(host="db", database="paystream")),
        (
            "postgresql:///paystream?host=/run/pg&application_name=a%26b&empty=",
            DatabaseUrl(database="paystream", query=(("application_name", "a&b"), ("host", "/run/pg"))),
        ),
    ],
)
def test_an_address_is_read(text: str, read: DatabaseUrl) -> None:
    assert parse(text) == read


def test_a_role_is_put_in_with_everything_escaped() -> None:
    url = replace(parse("postgresql://[::1]:5432/paystream?ssl=require"), username="a@b", password="c:d/e")

    assert str(url) == "postgresql://a%40b:c%3Ad%2Fe@[::1]:5432/paystream?ssl=require"


@pytest.mark.parametrize(
    "text", ["", "db:5432/paystream", "mysql://ana:secret@db/paystream", "postgresql://db:secret/x"]
)
def test_what_is_no_address_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse(text)

    assert str(refused.value).startswith("PAYSTREAM_DATABASE_URL or PAYSTREAM_DATABASE_ADMIN_URL: not an address of")
    assert "secret" not in str(refused.value)
