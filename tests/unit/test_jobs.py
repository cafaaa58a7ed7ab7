"""Every job of every service, and what keeps one bad row of it from holding up the others."""

import re
from pathlib import Path

import pytest

from paykit.process import catalogue, host
from paykit.process.runtime_jobs import housekeeping

ROWS, CALLS, REPORTS = "rows", "calls", "reports"
"""ROWS: a bad row is set aside (`Runtime.isolated`). CALLS: so is one that was taken and then cannot be asked about,
posted or recorded (`Runtime.set_aside`). REPORTS: it only reads. Any other text says why rows are not kept apart."""
BY_AGE = "deletes by age in one statement, and decides nothing row by row"
MONTHS = "makes tables of months to come, which hold no rows"
FORMER = "copies what was booked before, and decides nothing: where it stops there is a row that must not be left out"
ERASURE = (
    "erases what is over in the order of ids, and decides nothing: where it stops there is a row that keeps a secret"
)

JOBS = {
    "accounting": {"report_imbalance": REPORTS, "keep_months": MONTHS, "move_former": FORMER},
    "analytics": {"forget_changes": BY_AGE},
    "channel": {
        "resolve_open": ROWS,
        "bring_about_aftereffects": ROWS,
        "decide_disputes": ROWS,
        "deliver_callbacks": CALLS,
        "close_statements": "a simulation's: its days follow each other, and are closed in all currencies at once",
    },
    "notification": {
        "send_mails": CALLS,
        "report_mail": REPORTS,
        "deliver_webhooks": CALLS,
        "deliver_failing_webhooks": CALLS,
        "report_webhooks": REPORTS,
        "forget_webhooks": BY_AGE,
    },
    "order": {"expire_orders": ROWS},
    "payment": {
        "submit_attempts": CALLS,
        "submit_attempts_2": CALLS,
        "submit_attempts_3": CALLS,
        "inquire_attempts": CALLS,
        "expire_unsent": ROWS,
        "expire_actions": ROWS,
        "expire_authorizations": ROWS,
        "release_refunds": ROWS,
        "respond_to_disputes": CALLS,
        "report_overdue_attempts": REPORTS,
        "tell_overdue_attempts": ROWS,
        "remind_of_disputes": ROWS,
        "warn_of_expiries": ROWS,
        "retry_late_refunds": ROWS,
        "erase_returns": ERASURE,
        "report_contradictions": REPORTS,
    },
    "reconciliation": {
        "match_lines": ROWS,
        "end_discrepancies": ROWS,
        "reconcile_statements": ROWS,
        "list_evidence": ROWS,
        "list_one_sided": ROWS,
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


RUNTIME_JOBS = {
    "housekeeping": BY_AGE,
    "report_set_aside": REPORTS,
    "keep_partitions": "makes and drops tables, each in a transaction of its own; their rows are not looked at",
}
"""Of every service that keeps tables."""

BAD_ROWS = {
    "channel": {"resolve_open", "bring_about_aftereffects", "decide_disputes", "deliver_callbacks"},
    "notification": {"send_mails", "deliver_webhooks", "record_webhooks"},
    "order": {"expire_orders"},
    "payment": {
        *("submit_to_simulator", "inquire_at_simulator", "expire_unsent", "expire_authorizations", "release_refunds"),
        *("expire_actions", "respond_to_simulator", "tell_overdue_attempts", "remind_of_disputes", "warn_of_expiries"),
        "retry_late_refunds",
    },
    "reconciliation": {
        *("match_lines", "call_lines_missing", "call_movements_missing", "end_discrepancies", "reconcile_statements"),
        *("list_evidence", "end_evidence", "list_one_sided"),
    },
    "settlement": {"close_settlements", "release_reserves", "recover_balances"},
    "withdrawal": {"submit_to_simulator", "inquire_at_simulator", "tell_overdue_withdrawals"},
}
"""Whose rows are set aside, by the names under which they are counted: tests/integration/*/test_bad_rows.py plants a
bad one in each. A job that works in several steps, or for several channels, has several; those that share their work,
as lanes do, have one."""


def sources_of_jobs(service: str) -> str:
    folder = Path(__file__).parents[2] / "services" / service
    files = [folder / "jobs.py", *(folder / "jobs").rglob("*.py")]
    return "\n".join(file.read_text() for file in files if file.exists())


def test_every_job_says_how_its_rows_are_kept_apart() -> None:
    declared = {name: [job.name for job in catalogue.load_service(name).jobs] for name in catalogue.service_names()}
    assert {name: jobs for name, jobs in declared.items() if jobs} == {name: list(jobs) for name, jobs in JOBS.items()}
    runtime_jobs = [*host._RUNTIME_JOBS, housekeeping.PARTITIONING]
    assert [job.name for job in runtime_jobs] == list(RUNTIME_JOBS)


@pytest.mark.parametrize("service", JOBS)
def test_rows_are_counted_under_the_names_that_the_table_says(service: str) -> None:
    found = set(re.findall(r'(?:runtime\.isolated|_in_portions)\((?:runtime, )?"(\w+)",', sources_of_jobs(service)))
    assert found <= BAD_ROWS.get(service, set())
    isolated = {job for job, how in JOBS[service].items() if how is ROWS}
    assert isolated - {"release_refunds"} <= found  # That is counted by a constant's name.


@pytest.mark.parametrize("service", BAD_ROWS)
def test_a_bad_row_is_planted_for_every_name_under_which_rows_are_counted(service: str) -> None:
    folder = Path(__file__).parents[1] / "integration" / service
    tests = "\n".join(file.read_text() for file in folder.rglob("test_bad_rows.py"))
    assert {name for name in BAD_ROWS[service] if f'"{name}"' not in tests} == set()
