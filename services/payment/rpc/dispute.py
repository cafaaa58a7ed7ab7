"""The methods of PaymentService that are about disputes."""

from typing import Any

from paykit.base.call import current_call
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve.listing import newest_page
from paykit.serve.operations import Operation
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import commands, domain, messages, store
from services.payment.commands.dispute import AcceptDispute, AddDisputeFile, ContestDispute
from services.payment.domain.disputing.dispute_answer import DisputeFileNotFound

_ACCEPT = Operation(
    name="AcceptDispute",
    command=commands.dispute.accept_disputes,
    reply=lambda dispute: pb.AcceptDisputeResponse(dispute=messages.dispute.to_dispute(dispute)),
    reply_type=pb.AcceptDisputeResponse,
    wakes=(commands.dispute.ANSWERING_JOB,),
)
_CONTEST = Operation(
    name="ContestDispute",
    command=commands.dispute.contest_disputes,
    reply=lambda dispute: pb.ContestDisputeResponse(dispute=messages.dispute.to_dispute(dispute)),
    reply_type=pb.ContestDisputeResponse,
    wakes=(commands.dispute.ANSWERING_JOB,),
)

_ADD_FILE = Operation(
    name="AddDisputeFile",
    command=commands.dispute.add_dispute_files,
    reply=lambda file: pb.AddDisputeFileResponse(file=messages.dispute.to_file(file)),
    reply_type=pb.AddDisputeFileResponse,
)


class DisputeMethods:
    """A part of the servicer; the contract stands in the proto."""

    _runtime: Runtime

    async def GetDispute(self, request: pb.GetDisputeRequest, _context: Any) -> pb.GetDisputeResponse:
        """Read a dispute."""
        return await self._runtime.read(lambda tx: _dispute_in_full(tx, request.dispute_id))

    async def AddDisputeFile(self, request: pb.AddDisputeFileRequest, _context: Any) -> pb.AddDisputeFileResponse:
        """Keep a file for the answer, once per request_id."""
        item = AddDisputeFile(
            dispute_id=request.dispute_id, name=request.name, media_type=request.media_type, content=request.content
        )
        return await self._runtime.call(_ADD_FILE, request, item)

    async def GetDisputeFile(self, request: pb.GetDisputeFileRequest, _context: Any) -> pb.GetDisputeFileResponse:
        """Read a file with its content."""
        return await self._runtime.read(lambda tx: _file(tx, request.file_id))

    async def ListDisputes(self, request: pb.ListDisputesRequest, _context: Any) -> pb.ListDisputesResponse:
        """Read a page of disputes."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.disputes.list,
            wanted=messages.dispute.from_list_disputes(request),
            key=lambda dispute: (dispute.create_time, dispute.dispute_id),
            show=messages.dispute.to_dispute,
        )
        return pb.ListDisputesResponse(disputes=page, next_page_token=token)

    async def AcceptDispute(self, request: pb.AcceptDisputeRequest, _context: Any) -> pb.AcceptDisputeResponse:
        """Return a dispute up, once per request_id."""
        item = AcceptDispute(dispute_id=request.dispute_id, cause=current_call().cause)
        return await self._runtime.call(_ACCEPT, request, item)

    async def ContestDispute(self, request: pb.ContestDisputeRequest, _context: Any) -> pb.ContestDisputeResponse:
        """Contest a dispute, once per request_id."""
        item = ContestDispute(dispute_id=request.dispute_id, evidence=request.evidence, cause=current_call().cause)
        return await self._runtime.call(_CONTEST, request, item)


async def _dispute_in_full(tx: Tx, dispute_id: str) -> pb.GetDisputeResponse:
    dispute = await store.disputes.get(tx, dispute_id)
    if dispute is None:
        raise domain.dispute.not_found(dispute_id)
    files = await store.dispute_files.of(tx, dispute_id)
    return pb.GetDisputeResponse(
        dispute=messages.dispute.to_dispute(dispute), files=map(messages.dispute.to_file, files)
    )


async def _file(tx: Tx, file_id: str) -> pb.GetDisputeFileResponse:
    files = await store.dispute_files.with_contents(tx, file_ids=[file_id])
    if not files:
        raise DisputeFileNotFound("No file has this id.", field="file_id", file_id=file_id)
    return pb.GetDisputeFileResponse(file=messages.dispute.to_file(files[0].file), content=files[0].content)
