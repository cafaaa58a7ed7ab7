"""Every job of every service, and what keeps one bad row of it from holding up the others."""

from pathlib import Path

import pytest

from paykit.process import catalogue

ROWS, EACH, CALLS, WHOLE, REPORTS = "rows", "each", "calls", "whole", "reports"
"""ROWS: a bad row is set aside (`Runtime.isolated`). EACH: so is one channel or merchant of several (`Runtime.each`).
CALLS: each row is claimed under a lease, and its call and outcome are its own. WHOLE: one statement, which decides
nothing row by row. REPORTS: it only reads."""

JOBS = {
    "accounting": {"report_imbalance": REPORTS, "keep_months": WHOLE, "move_former": WHOLE},
    "analytics": {"forget_changes": WHOLE},
    "channel": {
        "resolve_open": ROWS,
        "bring_about_aftereffects": ROWS,
        "decide_disputes": ROWS,
        "deliver_callbacks": CALLS,
        "close_statements": WHOLE,
    },
    "notification": {
        "send_mails": ROWS,
        "report_mail": REPORTS,
        "deliver_webhooks": CALLS,
        "deliver_failing_webhooks": CALLS,
        "report_webhooks": REPORTS,
        "forget_webhooks": WHOLE,
    },
    "order": {"expire_orders": ROWS},
    "payment": {
        "submit_attempts": CALLS,
        "submit_attempts_2": CALLS,
        "submit_attempts_3": CALLS,
        "inquire_attempts": CALLS,
        "expire_unsent": ROWS,
        "expire_authorizations": ROWS,
        "release_refunds": EACH,
        "respond_to_disputes": EACH,
        "report_overdue_attempts": REPORTS,
        "tell_overdue_attempts": ROWS,
        "remind_of_disputes": ROWS,
        "warn_of_expiries": ROWS,
        "retry_late_refunds": ROWS,
        "report_contradictions": REPORTS,
    },
    "reconciliation": {
        "match_lines": EACH,
        "reconcile_statements": ROWS,
        "list_evidence": WHOLE,
        "list_one_sided": WHOLE,
        "report_discrepancies": REPORTS,
        "report_statements": REPORTS,
        "report_uncleared": REPORTS,
    },
    "settlement": {
        "close_settlements": ROWS,
        "release_reserves": ROWS,
        "recover_balances": ROWS,
        "report_due": REPORTS,
        "report_balances": REPORTS,
    },
    "withdrawal": {
        "submit_withdrawals": CALLS,
        "submit_withdrawals_2": CALLS,
        "inquire_withdrawals": CALLS,
        "report_contradictions": REPORTS,
        "report_blocked_withdrawals": REPORTS,
        "report_overdue_withdrawals": REPORTS,
        "tell_overdue_withdrawals": ROWS,
    },
}


def sources_of_jobs(service: str) -> str:
    folder = Path(__file__).parents[2] / "services" / service
    files = [folder / "jobs.py", *(folder / "jobs").rglob("*.py")]
    return "\n".join(file.read_text() for file in files if file.exists())


def test_every_job_says_how_its_rows_are_kept_apart() -> None:
    declared = {name: [job.name for job in catalogue.load_service(name).jobs] for name in catalogue.service_names()}
    assert {name: jobs for name, jobs in declared.items() if jobs} == {name: list(jobs) for name, jobs in JOBS.items()}


@pytest.mark.parametrize(
    ("service", "job"), [(service, job) for service, jobs in JOBS.items() for job, how in jobs.items() if how is ROWS]
)
def test_a_job_whose_rows_fail_alone_runs_its_transaction_so(service: str, job: str) -> None:
    assert f'runtime.isolated("{job}",' in sources_of_jobs(service)
