"""What services declare is what their protos, topics and code have."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest

from paykit.process.catalogue import load_service, schema_names, service_names
from paykit.rebuild.rebuilding import rebuilding_subscriptions
from paykit.serve.server import Servicer
from paykit.testing import servicing


def services_in(name: str) -> list[str]:
    """Read the names of the proto services of a package, which has the name of what serves them."""
    package = importlib.import_module(f"paystream.{name}.v1")
    files = [each.name for each in pkgutil.iter_modules(package.__path__) if each.name.endswith("_pb2")]
    modules = [importlib.import_module(f"{package.__name__}.{file}") for file in files]
    return [each.full_name for module in modules for each in module.DESCRIPTOR.services_by_name.values()]


# Servicers only keep the runtime for later, so what they serve can be asked without one.
NO_RUNTIME: Any = None


def servicers() -> Iterator[tuple[str, Servicer]]:
    for name in service_names():
        for servicer in load_service(name).servicers(NO_RUNTIME):
            yield name, servicer


def test_each_service_serves_all_proto_services_of_its_package_and_no_other() -> None:
    served = [(name, servicer.full_name) for name, servicer in servicers()]
    own = [(name, found) for name in service_names() for found in services_in(name)]
    assert sorted(served) == sorted(own)


def test_every_rpc_is_answered_by_a_method_of_its_servicer_and_not_by_the_generated_one() -> None:
    for name, servicer in servicers():
        methods = servicing.describe(servicer.full_name).methods_by_name
        # Its own classes alone: a large servicer has a part for each aggregate.
        parts = [each for each in type(servicer.implementation).__mro__ if not each.__module__.startswith("paystream.")]
        own = {member for part in parts for member in vars(part) if not member.startswith("_")}
        assert own == set(methods), name


@pytest.mark.parametrize("name", service_names())
def test_every_handler_and_job_is_a_coroutine_function(name: str) -> None:
    service = load_service(name)
    handles = [handle for each in service.subscriptions for handle in each.handles.values()]
    handlers = [handler for each in handles for handler in (each.handler, each.rebuild) if handler is not None]
    assert all(inspect.iscoroutinefunction(work) for work in [*handlers, *(job.run for job in service.jobs)])


@pytest.mark.parametrize("name", service_names())
def test_whoever_keeps_projections_and_nobody_else_says_how_to_rebuild_them(name: str) -> None:
    service = load_service(name)
    assert bool(rebuilding_subscriptions(service)) == bool(service.projections)


CONCLUDING = re.compile(
    r"(Payment|Capture|Refund|Withdrawal)(Authorized|Success|Completed|Failed|Cancelled|Rejected|Returned)"
    r"|PaymentActionRequired"
)
"""Events after which a payment, capture, refund or withdrawal has a state that callers wait for.

That its payer has to do something is as good as an outcome, for it is the caller who has to say so.
"""


@pytest.mark.parametrize("name", service_names())
def test_events_that_conclude_what_calls_wait_for_are_declared(name: str) -> None:
    service = load_service(name)
    waits = any(
        "wait_for" in method.input_type.fields_by_name
        for own, servicer in servicers()
        if own == name
        for method in servicing.describe(servicer.full_name).methods
    )
    concluding = {event for event in service.emits if CONCLUDING.fullmatch(event.__name__)} if waits else set()
    assert set(service.concludes) == concluding
    assert bool(concluding) == (name in {"payment", "withdrawal"})


def test_whoever_keeps_tables_and_nobody_else_has_migrations() -> None:
    assert [name for name in service_names() if load_service(name).keeps_tables] == schema_names()


@pytest.mark.parametrize("name", service_names())
def test_no_record_is_both_handled_and_ignored_and_no_job_has_the_name_of_another(name: str) -> None:
    service = load_service(name)
    for subscription in service.subscriptions:
        assert {event.RECORD for event in subscription.handles}.isdisjoint(subscription.ignores)
    names = [job.name for job in service.jobs]
    assert len(names) == len(set(names))
    assert "outbox" not in names  # The signal of the relay.
