"""The mail sink keeps every mail as a file, and `paystream mail` shows them."""

import asyncio
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest
from aiosmtpd.smtp import SMTP
from typer.testing import CliRunner

from paytools.cli.commands.oversight import mail
from paytools.localstack.parts.mail_sink import Sink, kept


@pytest.fixture
async def taken(tmp_path: Path) -> AsyncIterator[Path]:
    """A stack's home whose sink has taken two mails, the second to two recipients."""
    directory = tmp_path / "mail"
    directory.mkdir()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Sink(directory)), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for template, to in (("order_paid", ["a@shop.example"]), ("dispute_opened", ["a@shop.example", "b@shop.example"])):
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "pay@paystream.example", ", ".join(to), f"É {template}"
        message["X-Paystream-Template"] = template
        message.set_content(f"about {template}\n.\nend\n")
        message.add_alternative(f"<p>{template}</p>", subtype="html")
        await aiosmtplib.send(message, hostname="127.0.0.1", port=port, start_tls=False)
    yield tmp_path
    server.close()


def run(home: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(mail.app, [*arguments, "--home", str(home)])
    return result.exit_code, result.output


async def test_each_recipient_of_a_mail_has_a_file_in_the_order_of_arrival(taken: Path) -> None:
    mails = kept(taken / "mail")
    assert [(each.number, each.header("X-Paystream-Template"), each.recipient) for each in mails] == [
        (1, "order_paid", "a@shop.example"),
        (2, "dispute_opened", "a@shop.example"),
        (3, "dispute_opened", "b@shop.example"),
    ]
    assert mails[0].body("plain").splitlines() == ["about order_paid", ".", "end"]
    assert sorted(path.name for path in (taken / "mail").iterdir()) == [f"0000000{i}.eml" for i in (1, 2, 3)]


async def test_a_sink_that_starts_again_goes_on_counting(taken: Path) -> None:
    Sink(taken / "mail")._keep("c@shop.example", b"Subject: x\r\n\r\ny\r\n")
    assert [each.number for each in kept(taken / "mail")] == [1, 2, 3, 4]


async def test_mails_are_listed_and_filtered(taken: Path) -> None:
    status, output = run(taken, "list")
    assert status == 0
    assert [line.split()[0] for line in output.splitlines()] == ["NUMBER", "1", "2", "3"]
    assert "É dispute_opened" in output
    assert len(run(taken, "list", "--template", "order_paid")[1].splitlines()) == 2
    assert len(run(taken, "list", "--to", "b@shop.example")[1].splitlines()) == 2


async def test_a_mail_is_shown_by_its_number_or_as_the_last(taken: Path) -> None:
    status, output = run(taken, "show", "1")
    assert status == 0
    assert "Subject: É order_paid" in output
    assert output.endswith("\nabout order_paid\n.\nend\n")
    assert "about dispute_opened" in run(taken, "show")[1]
    assert run(taken, "show", "2", "--html")[1].strip() == "<p>dispute_opened</p>"
    assert run(taken, "show", "9")[0] == 1


async def test_there_may_be_no_mail(tmp_path: Path) -> None:
    assert run(tmp_path, "list")[0] == 0
    assert run(tmp_path, "show")[0] == 1
