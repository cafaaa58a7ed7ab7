"""What a merchant answers to a dispute, and the files that go with it. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from paykit.aggregate import next_revision
from paykit.errors import DomainError, Kind
from paystream.payment.v1 import events
from services.payment.domain.dispute import Dispute, DisputeAction, ResponseState, facts, next_state, touched
from services.payment.domain.payment import Payment

FILES_MAX = 5
"""Files of one dispute; each has at most the 512 KiB that its call allows, so that one answer can carry them all."""


class DisputeFileNotFound(DomainError):
    """No file has this id."""

    kind = Kind.NOT_FOUND
    reason = "DISPUTE_FILE_NOT_FOUND"


class DisputeFilesExceeded(DomainError):
    """The dispute has as many files as it can; metadata says how many."""

    kind = Kind.FAILED_PRECONDITION
    reason = "DISPUTE_FILES_EXCEEDED"


class DisputeResponseLate(DomainError):
    """The dispute could be contested until respond_by, which is over."""

    kind = Kind.FAILED_PRECONDITION
    reason = "DISPUTE_RESPONSE_LATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeFile:
    """A file that speaks for the merchant; no event carries it.

    Attributes:
        media_type: As in application/pdf.
        content_hash: SHA-256 of the content, in hexadecimal digits.
    """

    file_id: str
    dispute_id: str
    name: str
    media_type: str
    size_bytes: int
    content_hash: str
    create_time: datetime


def contest(
    payment: Payment, dispute: Dispute, *, evidence: str, now: datetime
) -> tuple[Payment, Dispute, events.DisputeContested]:
    """Contest a dispute for the merchant, or answer an inquiry; the channel is still to be told.

    Of the payment nothing changes but its version.

    Raises:
        IllegalTransition: It is contested or decided already.
        DisputeResponseLate: respond_by is over.
    """
    state = next_state(dispute.state, DisputeAction.CONTEST)
    if dispute.respond_by is not None and now > dispute.respond_by:
        raise DisputeResponseLate("The time to contest the dispute is over.", respond_by=dispute.respond_by.isoformat())
    contested = replace(touched(dispute, now), state=state, evidence=evidence, response_state=ResponseState.PENDING)
    told = replace(payment, **next_revision(payment, now))
    event = events.DisputeContested(
        **facts(told, contested),
        stage=contested.stage,
        category=contested.category,
        respond_by=contested.respond_by,
    )
    return told, contested, event


def require_room(dispute: Dispute, files: int) -> None:
    """Check that a dispute with so many files can take another one, to go with the answer.

    Raises:
        IllegalTransition: It is answered or decided already.
        DisputeFilesExceeded: It has FILES_MAX.
    """
    next_state(dispute.state, DisputeAction.CONTEST)
    if files >= FILES_MAX:
        raise DisputeFilesExceeded(f"A dispute has {FILES_MAX} files at most.", files_max=str(FILES_MAX))
