"""The methods of the PaymentService about where payers get receipts."""

from typing import Any

from paykit.base.call import current_call
from paykit.contacts import erasing
from paykit.contacts.contact_messages import to_contact
from paykit.contacts.erasing import EraseContact
from paykit.process.runtime import Runtime
from paykit.serve.operations import Operation
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import commands, store

_ERASE = Operation(
    name="EraseContact",
    command=commands.payment.erase_contacts,
    reply=lambda contact: pb.EraseContactResponse(contact=to_contact(contact)),
    reply_type=pb.EraseContactResponse,
)


class ContactMethods:
    """A part of the servicer; the contract stands in the proto."""

    _runtime: Runtime

    async def GetContact(self, request: pb.GetContactRequest, _context: Any) -> pb.GetContactResponse:
        """Read where the payer of a payment gets receipts."""
        found = await erasing.read(self._runtime, store.contacts, request.payment_id)
        return pb.GetContactResponse(contact=to_contact(found))

    async def EraseContact(self, request: pb.EraseContactRequest, _context: Any) -> pb.EraseContactResponse:
        """Erase that, once per request_id."""
        actor = current_call().cause.actor
        item = EraseContact(subject_id=request.payment_id, reason=request.reason, eraser=actor)
        return await self._runtime.call(_ERASE, request, item)
