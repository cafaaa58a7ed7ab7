"""`paystream mail`: the mails that the local stack's sink has kept."""

from pathlib import Path
from typing import Annotated

import typer

from paytools.cli import addresses, table
from paytools.localstack.parts import mail_sink
from paytools.localstack.parts.mail_sink import KeptMail

EXIT_FAILED = 1
DIRECTORY = "mail"

app = typer.Typer(no_args_is_help=True)

_Template = Annotated[str | None, typer.Option("--template", help="Only mails of this template.")]
_Recipient = Annotated[str | None, typer.Option("--to", help="Only mails to this address.")]


@app.command("list")
def list_(
    *,
    template: _Template = None,
    recipient: _Recipient = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """List the mails, in the order in which they came."""
    mails = [
        mail
        for mail in _kept(home)
        if template in (None, mail.header("X-Paystream-Template")) and recipient in (None, mail.recipient)
    ]
    table.echo(("NUMBER", "TIME", "TEMPLATE", "TO", "SUBJECT"), map(_row, mails))


@app.command("show")
def show(
    number: Annotated[int, typer.Argument(help="Its number in the list; 0 for the last.")] = 0,
    *,
    html: Annotated[bool, typer.Option("--html", help="Print the HTML instead of the plain text.")] = False,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Print one mail: its headers and its plain text."""
    mails = {mail.number: mail for mail in _kept(home)}
    mail = mails.get(number or max(mails, default=0))
    if mail is None:
        typer.echo("error: there is no such mail", err=True)
        raise typer.Exit(EXIT_FAILED)
    if html:
        typer.echo(mail.body("html"))
        return
    for name in ("Date", "From", "To", "Reply-To", "Subject", "Message-ID", "X-Paystream-Template"):
        if mail.header(name):
            typer.echo(f"{name}: {mail.header(name)}")
    typer.echo(f"\n{mail.body('plain')}", nl=False)


def _kept(home: Path) -> list[KeptMail]:
    return mail_sink.kept(home / DIRECTORY)


def _row(mail: KeptMail) -> tuple[str, ...]:
    time = f"{mail.time:%Y-%m-%d %H:%M:%S}"
    return str(mail.number), time, mail.header("X-Paystream-Template"), mail.recipient, mail.header("Subject")
