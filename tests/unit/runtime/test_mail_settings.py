"""How a service is told where mails are handed to."""

import pytest

from paykit.base import config

URL = "postgresql://db/paystream"
SERVER = {"PAYSTREAM_MAIL_HOST": "smtp.example", "PAYSTREAM_MAIL_FROM_ADDRESS": "pay@shop.example"}


def load(monkeypatch: pytest.MonkeyPatch, **variables: str) -> config.Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return config.load(database_url=URL)


def test_a_mail_server_has_starttls_unless_it_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "hunter2")
    login = {"PAYSTREAM_MAIL_USER": "shop", "PAYSTREAM_MAIL_PASSWORD": "env:SMTP_PASSWORD"}
    settings = load(monkeypatch, **SERVER, **login)
    assert (settings.mail_host, settings.mail_port, settings.mail_security) == ("smtp.example", 587, "starttls")
    assert settings.mail_password is not None
    assert settings.mail_password.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    "variables",
    [
        {"PAYSTREAM_MAIL_HOST": "smtp.example"},
        SERVER | {"PAYSTREAM_MAIL_USER": "shop"},
        SERVER | {"PAYSTREAM_MAIL_PASSWORD": "env:SMTP_PASSWORD"},
        SERVER
        | {
            "PAYSTREAM_MAIL_USER": "shop",
            "PAYSTREAM_MAIL_PASSWORD": "env:SMTP_PASSWORD",
            "PAYSTREAM_MAIL_SECURITY": "none",
        },
        SERVER | {"PAYSTREAM_MAIL_SECURITY": "ssl"},
        SERVER | {"PAYSTREAM_MAIL_FROM_ADDRESS": "Shop <pay@shop.example>"},
        SERVER | {"PAYSTREAM_MAIL_FROM_ADDRESS": "pay@shop.example\nBcc: x@y.example"},
        SERVER | {"PAYSTREAM_MAIL_OPERATOR_ADDRESS": "a@b.example,c@d.example"},
        SERVER | {"PAYSTREAM_MAIL_PORT": "0"},
    ],
)
def test_what_could_not_be_used_or_would_show_a_password_is_refused(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "hunter2")
    with pytest.raises(config.ConfigurationError) as refused:
        load(monkeypatch, **variables)
    assert "hunter2" not in str(refused.value)
