"""What evidence says of an attempt that waits for its payer, or begins or ceases to. Pure; the rest is in `judging`.

That the payer has to act is never an end and contradicts nothing. An inquiry tells how it is now; a callback or the
call's own answer may be late, so that one which says what was said before, or was overtaken, changes nothing.
"""

from paykit.channels.attempts import ENDED, Attempt, AttemptState, Evidence, EvidenceOutcome, Source, Verdict


def judge(attempt: Attempt, evidence: Evidence) -> Verdict | None:
    """Say what evidence changes, as far as it is about the payer; None where that is for the table of verdicts.

    PENDING, once asked, says that the payer has acted: then nobody has to act any more, and the attempt is UNKNOWN.
    """
    if evidence.outcome is EvidenceOutcome.ACTION_REQUIRED and attempt.state is not AttemptState.PENDING:
        return _required(attempt, evidence)
    if evidence.outcome is EvidenceOutcome.PENDING and attempt.state is AttemptState.ACTION_REQUIRED:
        return Verdict.LOSE_ANSWER if evidence.source is Source.INQUIRY else Verdict.CONFIRM
    return None


def _required(attempt: Attempt, evidence: Evidence) -> Verdict:
    if attempt.state in ENDED:
        return Verdict.CONFIRM
    if evidence.source is Source.RESPONSE and attempt.state is not AttemptState.STARTED:
        return Verdict.CONFIRM  # A callback came before the answer to the call, or an inquiry did.
    nothing_to_do = evidence.action is None and attempt.told_action is None
    if not attempt.takes_action or nothing_to_do:
        return Verdict.LOSE_ANSWER if attempt.state is AttemptState.STARTED else Verdict.WAIT
    told_before = evidence.action is None or evidence.action.digest == attempt.told_action
    return Verdict.CONFIRM if told_before and evidence.source is not Source.INQUIRY else Verdict.REQUIRE_ACTION
