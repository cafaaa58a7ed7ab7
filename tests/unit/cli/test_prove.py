"""`paystream ledger prove`: a chart is looked at before a ledger is kept by it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from paytools.cli.commands.ledger import app
from services.accounting.store import chart_names, load_chart


@pytest.mark.parametrize("name", chart_names())
def test_the_charts_that_ship_are_proved(name: str) -> None:
    result = CliRunner().invoke(app, ["prove", name])
    assert result.exit_code == 0
    assert f"{name} balances whatever the amounts" in result.stdout
    assert load_chart(name).content_hash in result.stdout


def test_a_wrong_file_exits_1_and_says_what_is_wrong(tmp_path: Path) -> None:
    text = load_chart("merchant_asset").text
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.replace('{ increase = "platform.income", amount = "amount" },', "", 1))
    result = CliRunner().invoke(app, ["prove", str(wrong)])
    assert result.exit_code == 1
    assert "PaymentSuccess does not balance" in result.stderr
    missing = CliRunner().invoke(app, ["prove", str(tmp_path / "none.toml")])
    assert missing.exit_code == 1
    assert "cannot be read" in missing.stderr
