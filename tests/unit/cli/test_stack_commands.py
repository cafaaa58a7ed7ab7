"""What `paystream up` prints."""

import json
import re
import shlex

from paystream.merchant.v1 import merchant_pb2
from paytools.cli.stack_runs import lines_to_try
from paytools.localstack import Endpoints

SERVICES = {"payment": "127.0.0.1:1", "merchant": "127.0.0.1:2", "accounting": "127.0.0.1:3", "channel": "127.0.0.1:4"}


def endpoints(services: dict[str, str]) -> Endpoints:
    return Endpoints(
        kafka="127.0.0.1:9092", registry="http://127.0.0.1:8081", postgres="postgresql://", services=services
    )


def test_the_lines_to_try_are_commands_for_a_shell() -> None:
    text = "\n".join(line for line in lines_to_try(endpoints(SERVICES)) if line.startswith("  "))
    calls = [shlex.split(line) for line in re.sub(r" \\\n +", " ", text).splitlines()]
    assert [call[-2:] for call in calls] == [
        ["127.0.0.1:1", "list"],
        ["127.0.0.1:2", "paystream.merchant.v1.MerchantOperationsService/CreateMerchant"],
        ["127.0.0.1:3", "paystream.accounting.v1.AccountingOperationsService/ListAllTransactions"],
    ]
    request = merchant_pb2.CreateMerchantRequest(**json.loads(calls[1][3]))
    assert request.display_name == "Corner Shop"
    assert request.request_id not in "\n".join(lines_to_try(endpoints(SERVICES)))


def test_without_services_there_is_nothing_to_try() -> None:
    assert lines_to_try(endpoints({})) == []
