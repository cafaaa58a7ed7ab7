"""Rule sets on the wire."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from paykit.base.four_eyes import SamePerson
from paykit.errors import FieldInvalid
from paykit.serve import listing
from paykit.serve.timestamps import from_optional, to_timestamp
from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from services.reconciliation.commands.rule_sets import ActivateRuleSet, CreateRuleSet, Trial
from services.reconciliation.domain.rule_set import RuleSet, RuleSetState
from services.reconciliation.store import RuleSetFilter

_STATES: Mapping[RuleSetState, pb.RuleSetState.ValueType] = MappingProxyType(
    {state: pb.RuleSetState.Value(f"RULE_SET_STATE_{state}") for state in RuleSetState}
)


def to_rule_set(rule_set: RuleSet) -> pb.RuleSet:
    """Make the resource."""
    return pb.RuleSet(
        rule_set_id=rule_set.rule_set_id,
        channel=rule_set.channel,
        version=rule_set.version,
        state=_STATES[rule_set.state],
        content=rule_set.content,
        proposer=rule_set.proposer,
        reason=rule_set.reason,
        activator=rule_set.activator or "",
        create_time=to_timestamp(rule_set.create_time),
        update_time=to_timestamp(rule_set.update_time),
    )


def from_create_rule_set(request: pb.CreateRuleSetRequest, *, proposer: str | None) -> CreateRuleSet:
    """Read rules to keep.

    Raises:
        SamePerson: The caller has no name, and so could be whoever activates them.
    """
    if proposer is None:
        raise SamePerson("Who proposes needs a name.", field="caller")
    return CreateRuleSet(channel=request.channel, content=request.content, proposer=proposer, reason=request.reason)


def from_activate_rule_set(request: pb.ActivateRuleSetRequest, *, activator: str | None) -> ActivateRuleSet:
    """Read which rule set is to count."""
    return ActivateRuleSet(rule_set_id=request.rule_set_id, activator=activator)


def from_list_rule_sets(request: pb.ListRuleSetsRequest) -> RuleSetFilter:
    """Read which rule sets are wanted."""
    states = {number: state for state, number in _STATES.items()}
    return RuleSetFilter(
        channel=request.channel or None,
        state=states.get(request.state),
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        oldest_first=listing.oldest_first(request),
    )


def to_trial(trial: Trial) -> pb.TryRuleSetResponse:
    """Make the reply."""
    return pb.TryRuleSetResponse(
        line_count=trial.line_count,
        changes=[
            pb.TryRuleSetResponse.Change(state=state, tried_state=tried, line_count=count)
            for (state, tried), count in sorted(trial.changes.items())
        ],
        truncated=trial.truncated,
    )


def read_day(text: str, field: str) -> date:
    """Read a day, YYYY-MM-DD.

    Raises:
        FieldInvalid: There is no such day.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise FieldInvalid(f"{field} is no day: {text}.", field=field) from error
