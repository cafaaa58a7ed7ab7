import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from paykit.base import config
from paykit.base.channel_routes import ChannelAccess, ChannelRoute

URL = "postgresql://payment:hunter2@localhost/paystream"


@pytest.fixture(autouse=True)
def _no_inherited_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("PAYSTREAM_"):
            monkeypatch.delenv(name)


def test_the_environment_wins_over_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYSTREAM_KAFKA_BOOTSTRAP", "broker:1")
    settings = config.load(database_url=URL, kafka_bootstrap="elsewhere:2", topic_prefix="t1.")
    assert (settings.kafka_bootstrap, settings.topic_prefix) == ("broker:1", "t1.")


def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYSTREAM_KAFKA_BOOTSTRAP", "broker:1")
    assert config.Settings(database_url=SecretStr(URL), kafka_bootstrap="here:2").kafka_bootstrap == "here:2"


def test_an_unknown_variable_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYSTREAM_DATABSE_URL", URL)
    with pytest.raises(config.ConfigurationError) as caught:
        config.load(database_url=URL)
    assert str(caught.value) == "PAYSTREAM_DATABSE_URL is not a setting of paystream"


def test_a_missing_secret_is_named() -> None:
    with pytest.raises(config.ConfigurationError) as caught:
        config.load()
    assert str(caught.value) == "PAYSTREAM_DATABASE_URL is not set"


def test_a_value_out_of_range_is_named_but_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYSTREAM_GRPC_CALLS_MAX", "0")
    with pytest.raises(config.ConfigurationError) as caught:
        config.load(database_url=URL)
    assert str(caught.value) == "PAYSTREAM_GRPC_CALLS_MAX: Input should be greater than or equal to 1"


def test_secrets_do_not_print() -> None:
    assert "hunter2" not in repr(
        config.Settings(
            database_url=SecretStr(URL), database_admin_url=SecretStr("postgresql://admin:hunter2@localhost/paystream")
        )
    )


def test_a_service_may_not_own_its_tables() -> None:
    with pytest.raises(config.ConfigurationError, match="must name another role"):
        config.load(database_url=URL, database_admin_url=URL)


def test_what_belongs_to_the_local_stack_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYSTREAM_HOME", "/somewhere")
    monkeypatch.setenv("PAYSTREAM_STACK_KAFKA_PORT", "19092")
    assert config.load(database_url=URL).kafka_bootstrap == "localhost:9092"


def test_overrides_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYSTREAM_ROLE", "worker")
    assert config.load(overrides={"role": "api"}, database_url=URL).role == "api"


ROUTE = '[{"name": "cards", "address": "cards:1", "currencies": ["USD"], "methods": ["CARD"]}]'
ROUTE_AS_TOML = '[[channel]]\nname = "cards"\naddress = "cards:1"\ncurrencies = ["USD"]\nmethods = ["CARD"]\n'


def test_channels_are_read_from_json_and_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    expected = ChannelRoute(name="cards", address="cards:1", currencies=("USD",), methods=("CARD",))
    file = tmp_path / "channels.toml"
    file.write_text(ROUTE_AS_TOML)

    for told in (ROUTE, str(file)):
        monkeypatch.setenv("PAYSTREAM_CHANNEL_ROUTES", told)
        assert config.load(database_url=URL).channel_routes == (expected,)


def test_a_bank_is_read_from_json_and_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    expected = ChannelAccess(adapter="acme_bank:ADAPTER", address="https://bank.example", settings={"api_key": "env:K"})
    file = tmp_path / "channels.toml"
    file.write_text(f"""{ROUTE_AS_TOML}
[bank]
adapter = "acme_bank:ADAPTER"
address = "https://bank.example"
settings.api_key = "env:K"
""")

    for told in (expected.model_dump_json(), str(file)):
        monkeypatch.setenv("PAYSTREAM_BANK_CHANNEL", told)
        assert config.load(database_url=URL).payout_channel == expected


def test_without_routes_and_bank_all_channels_are_at_the_channel_address() -> None:
    settings = config.load(database_url=URL, channel_address="channel:1")
    assert [(r.name, r.adapter, r.address) for r in settings.payment_channels] == [
        ("simulator", "simulator", "channel:1")
    ]
    assert settings.payout_channel == ChannelAccess(address="channel:1")


@pytest.mark.parametrize("address", ["https://user:s3cret@cards.example", "https://u:s3cret@cards:443", "cards", ""])
def test_an_address_that_is_none_or_holds_credentials_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("PAYSTREAM_CHANNEL_ROUTES", f'[{{"name": "cards", "address": "{address}"}}]')
    with pytest.raises(config.ConfigurationError) as caught:
        config.load(database_url=URL)
    assert "CHANNEL_ROUTES_0_ADDRESS" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ("not JSON", "Expecting value"),
        ("/nowhere/channels.toml", "cannot be read as TOML: FileNotFoundError"),
        ('[{"name": "a", "address": "a:1"}, {"name": "a", "address": "b:1"}]', "two routes have one name"),
        ('[{"name": "a", "address": "a:1", "currency": "USD"}]', "CHANNEL_ROUTES_0_CURRENCY is not a setting"),
    ],
)
def test_channels_that_cannot_be_read_are_refused(monkeypatch: pytest.MonkeyPatch, told: str, problem: str) -> None:
    monkeypatch.setenv("PAYSTREAM_CHANNEL_ROUTES", told)
    with pytest.raises(config.ConfigurationError) as caught:
        config.load(database_url=URL)
    assert problem in str(caught.value)


def test_limits_are_read_by_currency_with_one_for_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYSTREAM_WITHDRAWAL_DAILY_LIMITS", '{"*": 5, "JPY": 0}')
    assert config.load(database_url=URL).withdrawal_daily_limits == {"*": 5, "JPY": 0}


@pytest.mark.parametrize("text", ['{"JPY": 1}', '{"*": -1}', '{"*": 1.5}', '{"*": 1, "yen": 1}', "5", "nonsense"])
def test_limits_that_leave_a_currency_open_or_cannot_be_are_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PAYSTREAM_WITHDRAWAL_APPROVAL_LIMITS", text)
    with pytest.raises(config.ConfigurationError, match=r"^PAYSTREAM_WITHDRAWAL_APPROVAL_LIMITS"):
        config.load(database_url=URL)


def test_a_reply_is_never_larger_than_a_message_may_be() -> None:
    settings = config.Settings(database_url=SecretStr(URL), grpc_message_bytes_max=64 * 1024)
    assert (settings.grpc_reply_bytes_max, settings.reply_bytes_max) == (4 * 1024 * 1024, 64 * 1024)
    settings = config.Settings(database_url=SecretStr(URL), grpc_message_bytes_max=16 * 1024 * 1024)
    assert settings.reply_bytes_max == 4 * 1024 * 1024
