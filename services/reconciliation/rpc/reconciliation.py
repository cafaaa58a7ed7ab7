"""The ReconciliationService: messages to commands and back."""

import asyncio
from collections.abc import Sequence
from typing import Any

from paykit.process.runtime import Runtime
from paykit.serve import auth
from paykit.serve.idempotency import Creates
from paykit.serve.listing import newest_page
from paykit.serve.operations import Operation
from paykit.serve.server import Servicer
from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from paystream.reconciliation.v1 import reconciliation_pb2_grpc
from services.reconciliation import commands, domain, messages, store
from services.reconciliation.rpc.statement import IMPORTS_AT_ONCE, StatementMethods

_CREATE_RULE_SET = Operation(
    name="CreateRuleSet",
    command=commands.rule_sets.create_rule_sets,
    reply=lambda rule_set: pb.CreateRuleSetResponse(rule_set=messages.to_rule_set(rule_set)),
    reply_type=pb.CreateRuleSetResponse,
    creates=Creates(table=store.rule_sets, read=store.rule_sets.by_key),
)
_ACTIVATE_RULE_SET = Operation(
    name="ActivateRuleSet",
    command=commands.rule_sets.activate_rule_sets,
    reply=lambda rule_set: pb.ActivateRuleSetResponse(rule_set=messages.to_rule_set(rule_set)),
    reply_type=pb.ActivateRuleSetResponse,
)


class ReconciliationServicer(StatementMethods, reconciliation_pb2_grpc.ReconciliationServiceServicer):
    """Serves paystream.reconciliation.v1.ReconciliationService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._importing = asyncio.Semaphore(IMPORTS_AT_ONCE)

    async def GetDiscrepancy(self, request: pb.GetDiscrepancyRequest, _context: Any) -> pb.GetDiscrepancyResponse:
        """Read a discrepancy."""
        found = await self._runtime.read(lambda tx: store.discrepancies.get(tx, request.discrepancy_id))
        if found is None:
            raise domain.discrepancy.not_found(request.discrepancy_id)
        return pb.GetDiscrepancyResponse(discrepancy=messages.to_discrepancy(found))

    async def ListDiscrepancies(
        self, request: pb.ListDiscrepanciesRequest, _context: Any
    ) -> pb.ListDiscrepanciesResponse:
        """Read a page of discrepancies."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.discrepancies.list,
            wanted=messages.from_list_discrepancies(request),
            key=lambda discrepancy: (discrepancy.create_time, discrepancy.discrepancy_id),
            show=messages.to_discrepancy,
        )
        return pb.ListDiscrepanciesResponse(discrepancies=page, next_page_token=token)

    async def CreateRuleSet(self, request: pb.CreateRuleSetRequest, _context: Any) -> pb.CreateRuleSetResponse:
        """Keep rules as a draft, once per request_id."""
        item = messages.from_create_rule_set(request, proposer=auth.named_caller())
        return await self._runtime.call(_CREATE_RULE_SET, request, item)

    async def GetRuleSet(self, request: pb.GetRuleSetRequest, _context: Any) -> pb.GetRuleSetResponse:
        """Read a rule set."""
        found = await self._runtime.read(lambda tx: store.rule_sets.get(tx, request.rule_set_id))
        if found is None:
            raise domain.rule_set.not_found(request.rule_set_id)
        return pb.GetRuleSetResponse(rule_set=messages.to_rule_set(found))

    async def ListRuleSets(self, request: pb.ListRuleSetsRequest, _context: Any) -> pb.ListRuleSetsResponse:
        """Read a page of rule sets."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.rule_sets.list,
            wanted=messages.from_list_rule_sets(request),
            key=lambda rule_set: (rule_set.create_time, rule_set.rule_set_id),
            show=messages.to_rule_set,
        )
        return pb.ListRuleSetsResponse(rule_sets=page, next_page_token=token)

    async def ActivateRuleSet(self, request: pb.ActivateRuleSetRequest, _context: Any) -> pb.ActivateRuleSetResponse:
        """Have rules count, once per request_id."""
        item = messages.from_activate_rule_set(request, activator=auth.named_caller())
        return await self._runtime.call(_ACTIVATE_RULE_SET, request, item)

    async def TryRuleSet(self, request: pb.TryRuleSetRequest, _context: Any) -> pb.TryRuleSetResponse:
        """Try rules on history."""
        rules = domain.rule_set.parse(request.content)
        since = messages.read_day(request.since_date, "since_date")
        trial = await self._runtime.transaction(
            lambda tx: commands.rule_sets.try_rules(tx, request.channel, rules, since=since)
        )
        return messages.to_trial(trial)


def servicers(runtime: Runtime) -> Sequence[Servicer]:
    """Make the service's one servicer."""
    return [
        Servicer(
            full_name="paystream.reconciliation.v1.ReconciliationService",
            add=reconciliation_pb2_grpc.add_ReconciliationServiceServicer_to_server,
            implementation=ReconciliationServicer(runtime),
        )
    ]
