"""Rules of matching in `paystream recon`: tried on what was reported, proposed, and activated by another person."""

import uuid
from pathlib import Path
from typing import Annotated

import typer

from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from paytools.cli import addresses, table
from paytools.cli.commands.recon import resolving
from paytools.cli.commands.recon.resolving import Caller, Limit, Reason, Where
from services.reconciliation.store import default_rules

RuleFile = Annotated[Path, typer.Argument(help="The rules, a TOML file.", exists=True, dir_okay=False)]
Channel = Annotated[str, typer.Option(help="The channel, by its name in routes.")]

_CHANGES = ("is", "would be", "lines")
_RULE_SETS = ("rule set", "channel", "version", "state", "proposer", "activator", "reason")

app = resolving.app


@app.command(name="try")
def try_rules(
    rules: RuleFile,
    *,
    since: Annotated[str, typer.Option(help="Lines from this day on, YYYY-MM-DD.")],
    channel: Channel,
    address: Where = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Show what rules would have made of lines; nothing is written."""
    request = pb.TryRuleSetRequest(channel=channel, content=_content(rules), since_date=since)
    tried: pb.TryRuleSetResponse = resolving.ask("TryRuleSet", request, "", address, home)
    table.echo(_CHANGES, [(each.state, each.tried_state, str(each.line_count)) for each in tried.changes])
    typer.echo(f"{tried.line_count} lines were tried{', and there are more' if tried.truncated else ''}.")


@app.command()
def propose(
    rules: RuleFile,
    *,
    channel: Channel,
    reason: Reason,
    caller: Caller,
    address: Where = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Keep rules as a draft, which another person may `activate`."""
    request = pb.CreateRuleSetRequest(
        request_id=str(uuid.uuid4()), channel=channel, content=_content(rules), reason=reason
    )
    response: pb.CreateRuleSetResponse = resolving.ask("CreateRuleSet", request, caller, address, home)
    table.echo(_RULE_SETS, [_rule_set(response.rule_set)])


@app.command()
def activate(
    rule_set_id: Annotated[str, typer.Argument(help="rul_ and 32 hexadecimal digits.")],
    *,
    caller: Caller,
    address: Where = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Have lines matched by rules that another person proposed."""
    request = pb.ActivateRuleSetRequest(request_id=str(uuid.uuid4()), rule_set_id=rule_set_id)
    response: pb.ActivateRuleSetResponse = resolving.ask("ActivateRuleSet", request, caller, address, home)
    table.echo(_RULE_SETS, [_rule_set(response.rule_set)])


@app.command(name="rules")
def list_rules(
    *,
    channel: Annotated[str, typer.Option(help="Of this channel only.")] = "",
    default: Annotated[
        bool, typer.Option("--default", help="Print the rules of channels that have none of their own, to copy.")
    ] = False,
    address: Where = None,
    limit: Limit = 100,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Show rule sets, the newest first."""
    if default:
        typer.echo(default_rules(), nl=False)
        return
    request = pb.ListRuleSetsRequest(channel=channel)
    found = resolving.pages("ListRuleSets", request, "rule_sets", limit=limit, address=address, home=home)
    table.echo(_RULE_SETS, [_rule_set(each) for each in found])


def _content(rules: Path) -> str:
    try:
        return rules.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{rules} is no UTF-8: {error}") from None


def _rule_set(found: pb.RuleSet) -> tuple[str, ...]:
    return (
        found.rule_set_id,
        found.channel,
        str(found.version),
        pb.RuleSetState.Name(found.state).removeprefix("RULE_SET_STATE_"),
        found.proposer,
        found.activator,
        found.reason,
    )
