"""`paystream gateway config`: what it writes, and what it refuses."""

import json
from pathlib import Path

import pytest

from paytools.cli.main import main
from paytools.gateway.configuration import configuration


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["gateway", "config", *words])
    return int(ended.value.code or 0)


def test_it_writes_what_envoy_is_told(tmp_path: Path) -> None:
    out, origin = tmp_path / "envoy.json", r"https://shop\.example"
    words = ["--service=payment=pay.internal:50051", "--listen=0.0.0.0:80", "--audience=merchants"]
    assert run(*words, f"--allow-origin={origin}", f"--out={out}") == 0
    expected = configuration(
        {"payment": "pay.internal:50051"}, listen="0.0.0.0:80", audiences=["merchants"], origins=[origin]
    )
    assert json.loads(out.read_text()) == expected


def test_a_gateway_for_merchants_leads_to_nobody_elses_services() -> None:
    text = json.dumps(configuration({"payment": "p:1"}, listen="127.0.0.1:80", audiences=["merchants"]))
    assert "/paystream.payment.v1.PaymentService/" in text
    assert "/paystream.payment.v1.PaymentOperationsService/" not in text
    assert "/paystream.payment.v1.ChannelCallbackService/" not in text


def test_what_is_for_tests_is_left_out_unless_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--service=channel=c:1") == 0
    assert "SimulatorService" not in capsys.readouterr().out.replace("proto_descriptor_bin", "")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("--service=nobody=n:1", "no service is called nobody"),
        ("--service=payment=n", "an address is host:port"),
        ("--service=payment=n:70000", "an address is host:port"),
        ("--audience=everybody", "there are operators, channels, tests, merchants"),
        ("--allow-origin=(", "no regular expression"),
        ("--listen=8080", "an address is host:port"),
    ],
)
def test_what_cannot_be_is_refused_by_name(word: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--service=order=o:1", word) == 1
    assert said in capsys.readouterr().err
