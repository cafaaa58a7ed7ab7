"""Disputes: reported by channels, answered for merchants, and the answers told."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from paykit.cause import Cause
from paykit.channels import attempts as channel_attempts
from paykit.channels.attempts import Evidence, EvidenceOutcome, RecordEvidence, Source
from paykit.contradictions.contradiction import Contradiction
from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.work import Rows, fold
from services.payment import domain, store
from services.payment.commands import work
from services.payment.commands.evidence import unmatched
from services.payment.commands.order import CapturedOrders, captured_orders
from services.payment.commands.work import PaymentWork
from services.payment.domain.attempt import PaymentAttempt
from services.payment.domain.capture import Capture
from services.payment.domain.dispute import Circumstances, Dispute, DisputeCase, Reported
from services.payment.domain.disputing.dispute_answer import DisputeFile
from services.payment.domain.later.late_capture import LateCapture
from services.payment.domain.movement import MovementState
from services.payment.store import DisputeReport, FileWithContent

ANSWERING_JOB = "respond_to_disputes"
"""The job that tells channels what merchants answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDispute:
    """A channel's word on a dispute."""

    reported: Reported
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptDispute:
    """A dispute to give up."""

    dispute_id: str
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestDispute:
    """A dispute to contest."""

    dispute_id: str
    evidence: str
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class AddDisputeFile:
    """A file to go with the answer to a dispute."""

    dispute_id: str
    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAnswer:
    """What a channel made of a merchant's answer: whether it took it, or never will."""

    dispute_id: str
    taken: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeWork(PaymentWork):
    """Locked payments with their captures and disputes, which change only under that lock, as steps leave them.

    Attributes:
        orders: Of the payments.
        fees_minor: What a dispute costs, by payment.
    """

    disputes: Rows[str, Dispute]
    contradictions: Rows[str, Contradiction]
    orders: CapturedOrders
    fees_minor: Mapping[str, int]

    def case(self, dispute: Dispute) -> DisputeCase:
        """Return a dispute with what it changes."""
        payment, capture = self.payments[dispute.payment_id], self.captures.get(dispute.capture_id)
        return DisputeCase(payment=payment, capture=capture, dispute=dispute)

    def circumstances(self, payment_id: str, *, accepted: bool = False) -> Circumstances:
        """Return what steps need beside the word."""
        fee_minor = self.fees_minor.get(payment_id, 0)
        return Circumstances(
            fee_minor=fee_minor,
            overturn_id=new_id("ovt", of=payment_id),
            contradiction_id=new_id("ctr", of=payment_id),
            now=self.tx.now,
            accepted=accepted,
        )

    def take(self, case: DisputeCase, cause: Cause) -> Dispute:
        """Take a dispute, new or not, with what it changed; emit what it told, and refund what it freed in vain."""
        payment = case.payment
        # What a dispute claims above what was left is kept for it, too, of what became free since.
        refundable_minor = domain.payment.refundable_minor
        freed_minor = refundable_minor(payment) - refundable_minor(self.payments[payment.payment_id])
        self.payments.put(payment)
        if case.capture is not None:
            self.captures.put(case.capture)
        if case.contradiction is not None:
            self.contradictions.add(case.contradiction)
        for event in case.told:
            self.tx.emit(event, cause=cause)
        known = case.dispute.dispute_id in self.disputes
        dispute = (self.disputes.put if known else self.disputes.add)(case.dispute)
        if freed_minor > 0:
            self.orders.refund_freed(self, payment, amount_minor=freed_minor, cause=cause)
        return dispute

    async def save(self) -> None:
        """Write every row that is new or changed."""
        await PaymentWork.save(self)
        await self.tx.save(self.disputes, self.contradictions)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedWork(DisputeWork):
    """What a transaction that applies reports works on.

    Attributes:
        ids: Of the disputes, by channel and dispute_reference.
        said: What was said before, by dispute.
        reports: What channels said, to be kept.
        late_captures: What came late for those payments.
    """

    ids: dict[tuple[str, str], str]
    said: set[tuple[str, str]]
    reports: list[DisputeReport]
    late_captures: Rows[str, LateCapture]


async def report_disputes(tx: Tx, items: Sequence[ReportDispute]) -> list[Dispute | DomainError]:
    """Apply what channels say of disputes, in order; what was told before changes nothing.

    What follows from each word is in `domain.dispute_words`. Emits DisputeInquiryOpened, DisputeOpened, DisputeWon,
    DisputeLost and DisputeOverturned; for what does not agree with the record, which is listed, DisputeContradicted.
    What becomes free for an order that was closed meanwhile is refunded. What is refused is kept as unmatched evidence,
    and told by EvidenceUnmatched.
    Refusals: AttemptNotFound, IllegalTransition, ChannelAmountMismatch.
    """
    rows = await _lock_reported(tx, items)
    results = fold(items, lambda item: _report(rows, item))
    await rows.save()
    await store.reports.insert_absent(tx, rows.reports)
    await store.unmatched_evidence.keep(tx, [_evidence(item) for item in items], results, tell=unmatched)
    return results


async def accept_disputes(tx: Tx, items: Sequence[AcceptDispute]) -> list[Dispute | DomainError]:
    """Give disputes up, and have their channels told; emits DisputeLost, or DisputeOverturned in pre-arbitration.

    Refusals: DisputeNotFound, IllegalTransition.
    """
    rows = await _lock(tx, [item.dispute_id for item in items])

    def accept(item: AcceptDispute) -> Dispute:
        dispute = rows.disputes.require(item.dispute_id, domain.dispute.not_found)
        circumstances = rows.circumstances(dispute.payment_id, accepted=True)
        return rows.take(domain.dispute_rulings.accept(rows.case(dispute), circumstances), item.cause)

    results = fold(items, accept)
    await rows.save()
    return results


async def contest_disputes(tx: Tx, items: Sequence[ContestDispute]) -> list[Dispute | DomainError]:
    """Contest disputes, and have their channels told; emits DisputeContested.

    Refusals: DisputeNotFound, IllegalTransition, DisputeResponseLate.
    """
    dispute_ids = [item.dispute_id for item in items]
    payments = await store.payments.lock_of_disputes(tx, dispute_ids)
    disputes = await store.disputes.guarded(tx, dispute_ids)

    def contest(item: ContestDispute) -> Dispute:
        dispute = disputes.require(item.dispute_id, domain.dispute.not_found)
        payment, contested, event = domain.dispute_answer.contest(
            payments[dispute.payment_id], dispute, evidence=item.evidence, now=tx.now
        )
        payments.put(payment)
        tx.emit(event, cause=item.cause)
        return disputes.put(contested)

    results = fold(items, contest)
    await tx.save(payments, disputes)
    return results


async def add_dispute_files(tx: Tx, items: Sequence[AddDisputeFile]) -> list[DisputeFile | DomainError]:
    """Keep files for the answers to disputes; one that a dispute has already, by its content, is not kept again.

    Refusals: DisputeNotFound, IllegalTransition, DisputeFilesExceeded.
    """
    disputes = await _lock_answered(tx, [item.dispute_id for item in items])
    present = await store.dispute_files.of_disputes(tx, list(disputes))
    by_content = {(file.dispute_id, file.content_hash): file for file in present}
    counts = Counter(file.dispute_id for file in present)
    files: list[FileWithContent] = []

    def add(item: AddDisputeFile) -> DisputeFile:
        dispute = disputes.require(item.dispute_id, domain.dispute.not_found)
        content_hash = hashlib.sha256(item.content).hexdigest()
        if (item.dispute_id, content_hash) in by_content:
            return by_content[item.dispute_id, content_hash]
        domain.dispute_answer.require_room(dispute, counts[item.dispute_id])
        counts[item.dispute_id] += 1
        file = DisputeFile(
            file_id=new_id("dsf", of=item.dispute_id),
            dispute_id=item.dispute_id,
            name=item.name,
            media_type=item.media_type,
            size_bytes=len(item.content),
            content_hash=content_hash,
            create_time=tx.now,
        )
        files.append(FileWithContent(file=file, content=item.content))
        by_content[item.dispute_id, content_hash] = file
        return file

    results = fold(items, add)
    await store.dispute_files.add(tx, files)
    return results


async def record_answers(tx: Tx, items: Sequence[RecordAnswer]) -> None:
    """Record which answers channels took, and which they never will; of disputes each at most once.

    An answer that another stage has overtaken meanwhile is nobody's any more.
    """
    disputes = await _lock_answered(tx, [item.dispute_id for item in items])
    for item in items:
        dispute = disputes[item.dispute_id]
        if dispute.response_state is not None:
            disputes.put(domain.dispute.answered(dispute, taken=item.taken, now=tx.now))
    await tx.save(disputes)


async def _lock_answered(tx: Tx, dispute_ids: Sequence[str]) -> Rows[str, Dispute]:
    """Lock payments, which do not change, and with them their disputes."""
    await store.payments.lock_of_disputes(tx, dispute_ids)
    return await store.disputes.guarded(tx, dispute_ids)


async def _lock(tx: Tx, dispute_ids: Sequence[str]) -> DisputeWork:
    payments = await store.payments.lock_of_disputes(tx, dispute_ids)
    return DisputeWork(
        tx=tx,
        payments=payments,
        captures=await work.captures_to_refund(tx, payments.values()),
        refunds=store.refunds.rows(tx),
        shares=store.refund_shares.rows(tx),
        attempts=store.attempts.rows(tx),
        disputes=await store.disputes.guarded(tx, dispute_ids),
        contradictions=store.contradictions.rows(tx),
        orders=await captured_orders(tx, [*payments.values()]),
        fees_minor={},
    )


async def _lock_reported(tx: Tx, items: Sequence[ReportDispute]) -> ReportedWork:
    """Lock payments before attempts, as everyone does."""
    reports = [(item.reported.attempt_id, item.reported.dispute_reference) for item in items]
    payments = await store.payments.lock_of_reports(tx, reports)
    attempts = await store.attempts.lock(tx, {attempt_id for attempt_id, _ in reports})
    references = {(attempts[attempt].channel, reference) for attempt, reference in reports if attempt in attempts}
    disputes = await store.disputes.by_reference(tx, references)
    contradicted = {attempt.payment_id for attempt in attempts.values() if attempt.contradicted}
    return ReportedWork(
        tx=tx,
        payments=payments,
        captures=await work.captures_to_refund(tx, payments.values()),
        refunds=store.refunds.rows(tx),
        shares=store.refund_shares.rows(tx),
        attempts=attempts,
        disputes=store.disputes.rows(tx, disputes),
        contradictions=store.contradictions.rows(tx),
        orders=await captured_orders(tx, [*payments.values()]),
        fees_minor=await store.dispute_fees(tx, list(payments.values())),
        ids={(dispute.channel, dispute.dispute_reference): dispute.dispute_id for dispute in disputes},
        said=await store.reports.said_of(tx, {dispute.dispute_id for dispute in disputes}),
        reports=[],
        late_captures=await store.late_captures.guarded_of(tx, contradicted),
    )


def _report(rows: ReportedWork, item: ReportDispute) -> Dispute:
    """Apply a word to its dispute as the words before it left that."""
    reported = item.reported
    attempt = rows.attempts.require(reported.attempt_id, channel_attempts.not_found)
    dispute_id = rows.ids.get((attempt.channel, reported.dispute_reference))
    if dispute_id is None:
        case = _open(rows, reported, attempt)
        rows.ids[attempt.channel, reported.dispute_reference] = case.dispute.dispute_id
        _keep(rows, case.dispute, reported, contradicts=False)
        return rows.take(case, item.cause)
    dispute = rows.disputes[dispute_id]
    if (dispute_id, _said(reported)) in rows.said:
        return dispute
    case = domain.dispute_rulings.hear(rows.case(dispute), reported, rows.circumstances(dispute.payment_id))
    _keep(rows, dispute, reported, contradicts=case.contradiction is not None)
    return dispute if case.dispute == dispute else rows.take(case, item.cause)


def _open(rows: ReportedWork, reported: Reported, attempt: PaymentAttempt) -> DisputeCase:
    return domain.dispute_rulings.open_case(
        rows.payments[attempt.payment_id],
        _captured(rows, attempt),
        attempt,
        reported,
        dispute_id=new_id("dsp", of=attempt.payment_id),
        circumstances=rows.circumstances(attempt.payment_id),
    )


def _captured(rows: ReportedWork, attempt: PaymentAttempt) -> Capture | None:
    """Return the capture that an attempt was for, or what was accepted late where that had failed; None of a charge."""
    capture = rows.captures.get(attempt.capture_id)
    if capture is None or capture.state is MovementState.SUCCEEDED:
        return capture
    accepted = domain.late_capture.accepted_for(attempt.attempt_id, rows.late_captures.values())
    capture_ids = [late.capture_id for late in accepted if late.channel_reference == attempt.channel_reference]
    return rows.captures[min(capture_ids)] if capture_ids else capture


def _keep(rows: ReportedWork, dispute: Dispute, reported: Reported, *, contradicts: bool) -> None:
    said = _said(reported)
    rows.said.add((dispute.dispute_id, said))
    rows.reports.append(
        DisputeReport(
            dispute_id=dispute.dispute_id,
            said=said,
            outcome=reported.outcome,
            attempt_id=reported.attempt_id,
            stage=reported.stage,
            amount_minor=reported.amount_minor,
            currency_code=reported.currency_code,
            contradicts=contradicts,
            occur_time=reported.occur_time,
            record_time=rows.tx.now,
        )
    )


def _evidence(item: ReportDispute) -> RecordEvidence:
    """Return a report as evidence that money is taken back, for keeping it where it is about nothing."""
    reported = item.reported
    evidence = Evidence(
        attempt_id=reported.attempt_id,
        source=Source.CALLBACK,
        outcome=EvidenceOutcome.RETURNED,
        channel_reference=reported.dispute_reference,
        failure_code=f"dispute_{reported.outcome.lower()}",
        amount_minor=reported.amount_minor,
        currency_code=reported.currency_code,
    )
    return RecordEvidence(evidence=evidence, cause=item.cause)


def _said(reported: Reported) -> str:
    """Return all that a report says as one text, so that the same word told again is known."""
    times = [time.isoformat() if time else "-" for time in (reported.respond_by, reported.occur_time)]
    stage, category = reported.stage or "-", reported.category or "-"
    amount = f"{reported.amount_minor} {reported.currency_code}"
    return " ".join((reported.outcome, stage, amount, reported.attempt_id, *times, reported.reason, category))
