"""Each proto service has one audience: its name says which, and docs/audiences.md lists it."""

import re
from collections import Counter
from pathlib import Path

from tests.contract.grpc.test_conventions import methods

DOCUMENT = Path(__file__).parents[3] / "docs/audiences.md"
ROW = re.compile(r"^\| (\w+) \| `/([\w.]+)/` \|$", re.MULTILINE)
ENDINGS = {
    "OperationsService": "operators",
    ".ChannelCallbackService": "channels",
    ".ChannelService": "paystream",
    ".SimulatorService": "tests",
    ".ClockService": "tests",
}


def audience(service: str) -> str:
    """Read the audience of a service from its full name."""
    return next((found for ending, found in ENDINGS.items() if service.endswith(ending)), "merchants")


def services() -> set[str]:
    return {method.containing_service.full_name for method in methods()}


def test_the_document_lists_every_service_with_the_audience_that_its_name_says() -> None:
    listed = [(service, name) for name, service in ROW.findall(DOCUMENT.read_text(encoding="utf-8"))]
    assert sorted(listed) == sorted((service, audience(service)) for service in services())
    assert {name for _, name in listed} == {"merchants", "operators", "channels", "paystream", "tests"}


def test_a_package_has_each_method_once() -> None:
    """A request_id is known by caller, method and id, without the service."""
    names = Counter((method.containing_service.file.package, method.name) for method in methods())
    assert [name for name, count in names.items() if count > 1] == []


def test_what_channels_say_is_taken_by_callback_services_and_nothing_else_is() -> None:
    said = {method.full_name for method in methods() if method.name.startswith("Report")}
    taken = {m.full_name for m in methods() if m.containing_service.name == "ChannelCallbackService"}
    assert said == taken
    assert len(said) == 3


def test_what_two_people_decide_and_what_goes_across_merchants_is_for_operators() -> None:
    decided = re.compile(r"(Approve|Reject|Propose|Verify|Activate|Suspend|Restrict)")
    chosen = [method for method in methods() if decided.match(method.name)]
    assert [m.full_name for m in chosen if audience(m.containing_service.full_name) != "operators"] == []
    assert len(chosen) >= 18
