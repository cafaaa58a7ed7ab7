"""The demo as a person runs it, in a directory of its own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DEMO_S_MAX = 600.0


def processes_of(directory: Path) -> list[str]:
    """Name the processes whose command line mentions a directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # It ended meanwhile.
            continue
        if str(directory) in command:
            found.append(command)
    return found


@pytest.mark.timeout(900)
def test_the_demo_ends_well_shows_what_it_promises_and_leaves_nothing_running(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "paytools.cli.main", "demo"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=DEMO_S_MAX, check=False)
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-4_000:]
    shown = done.stdout
    assert shown.count("total, difference 0") == 3
    assert "417 movements are booked, each once" in shown
    [address] = re.findall(r"the gateway is at (http://127\.0\.0\.1:\d+) \(docs/http\.md\)", shown)
    assert re.search(
        rf"curl {address}/v1/payments/pay_[0-9a-f]{{32}}\n  PAYMENT_STATE_\w+, \d+ [A-Z]{{3}} in minor", shown
    )
    assert "settled by the threshold: 3 transactions, 11609.75 EUR, 1160.98 EUR of it held in reserve" in shown
    assert "settled by the cut-off, a day later: 10 transactions, 156.39 EUR" in shown
    assert "a withdrawal of 90.02 EUR fails at the bank: do_not_honor" in shown
    # 417 of the traffic; of the first shop 2 captures, a refund, a settlement, 2 of the withdrawal, a release; of the
    # second 7 captures, 2 refunds, 2 of the dispute, a settlement, 4 of the withdrawals; 6 settlements by hand; of the
    # third 8 captures and the correction of a fee. Two accounts of the third shop, and 8 of its items, are not settled.
    assert "The ledger is right: 29 accounts, 455 transactions" in shown
    assert "The settlements are right: 439 transactions." in shown
    assert "all that was planted, and nothing else" in shown
    assert "webhooks received and verified: 8 of payment.PaymentSuccess" in shown
    assert "a fee of 0.50 EUR too much is booked: proposed by the clerk, approved by the chief" in shown
    for part in ("Merchants", "Events on Kafka", "Trial balance", "The story of one order", "WithdrawalCompleted"):
        assert part in shown
    assert "\x1b" not in shown, "where there is no terminal the text must be plain"
    assert processes_of(tmp_path) == []
