"""Making databases as somebody who may not."""

import pytest
import sqlalchemy

from paykit.base.config import ConfigurationError
from paykit.process import migrate
from paykit.testing.databases import SERVICE_PASSWORD
from paytools.localstack import Endpoints


def url_of(address: str, user: str, password: str) -> str:
    url = sqlalchemy.make_url(address).set(username=user, password=password, database="not_there")
    return url.render_as_string(hide_password=False)


async def test_a_wrong_password_is_named_and_not_shown(stack: Endpoints) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await migrate.init(url_of(stack.postgres, "postgres", "guessed"), ["probe"])
    assert str(caught.value) == (
        'PAYSTREAM_DATABASE_ADMIN_URL: PostgreSQL refuses: password authentication failed for user "postgres"'
    )


async def test_a_services_role_cannot_make_databases(stack: Endpoints, probe_template: str) -> None:
    assert probe_template  # It made the role.
    with pytest.raises(ConfigurationError, match="refuses: permission denied to create database"):
        await migrate.init(url_of(stack.postgres, "paystream_probe", SERVICE_PASSWORD), ["probe"])
