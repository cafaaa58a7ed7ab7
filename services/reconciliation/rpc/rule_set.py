"""The methods of the ReconciliationOperationsService about rule sets."""

from typing import Any

from paykit.process.runtime import Runtime
from paykit.serve import auth
from paykit.serve.idempotency import Creates
from paykit.serve.listing import newest_page
from paykit.serve.operations import Operation
from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from services.reconciliation import commands, domain, messages, store

_CREATE_RULE_SET = Operation(
    name="CreateRuleSet",
    command=commands.rule_sets.create_rule_sets,
    reply=lambda rule_set: pb.CreateRuleSetResponse(rule_set=messages.rule_set.to_rule_set(rule_set)),
    reply_type=pb.CreateRuleSetResponse,
    creates=Creates(table=store.rule_sets, read=store.rule_sets.by_key),
)
_ACTIVATE_RULE_SET = Operation(
    name="ActivateRuleSet",
    command=commands.rule_sets.activate_rule_sets,
    reply=lambda rule_set: pb.ActivateRuleSetResponse(rule_set=messages.rule_set.to_rule_set(rule_set)),
    reply_type=pb.ActivateRuleSetResponse,
)


class RuleSetMethods:
    """A part of the servicer; the contract stands in the proto."""

    _runtime: Runtime

    async def CreateRuleSet(self, request: pb.CreateRuleSetRequest, _context: Any) -> pb.CreateRuleSetResponse:
        """Keep rules as a draft, once per request_id."""
        item = messages.rule_set.from_create_rule_set(request, proposer=auth.named_caller())
        return await self._runtime.call(_CREATE_RULE_SET, request, item)

    async def GetRuleSet(self, request: pb.GetRuleSetRequest, _context: Any) -> pb.GetRuleSetResponse:
        """Read a rule set."""
        found = await self._runtime.read(lambda tx: store.rule_sets.get(tx, request.rule_set_id))
        if found is None:
            raise domain.rule_set.not_found(request.rule_set_id)
        return pb.GetRuleSetResponse(rule_set=messages.rule_set.to_rule_set(found))

    async def ListRuleSets(self, request: pb.ListRuleSetsRequest, _context: Any) -> pb.ListRuleSetsResponse:
        """Read a page of rule sets."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.rule_sets.list,
            wanted=messages.rule_set.from_list_rule_sets(request),
            key=lambda rule_set: (rule_set.create_time, rule_set.rule_set_id),
            show=messages.rule_set.to_rule_set,
        )
        return pb.ListRuleSetsResponse(rule_sets=page, next_page_token=token)

    async def ActivateRuleSet(self, request: pb.ActivateRuleSetRequest, _context: Any) -> pb.ActivateRuleSetResponse:
        """Have rules count, once per request_id."""
        item = messages.rule_set.from_activate_rule_set(request, activator=auth.named_caller())
        return await self._runtime.call(_ACTIVATE_RULE_SET, request, item)

    async def TryRuleSet(self, request: pb.TryRuleSetRequest, _context: Any) -> pb.TryRuleSetResponse:
        """Try rules on history."""
        rules = domain.rule_set.parse(request.content)
        since = messages.rule_set.read_day(request.since_date, "since_date")
        trial = await self._runtime.transaction(
            lambda tx: commands.rule_sets.try_rules(tx, request.channel, rules, since=since)
        )
        return messages.rule_set.to_trial(trial)
