"""The rules in the protos: all can be compiled, and only a batch's items are left to the servicer."""

import importlib
import pkgutil

from google.protobuf.descriptor import MethodDescriptor

import paystream
from paykit.serve.validation import contents
from paykit.serve.validation import validator as validation


def _methods() -> list[MethodDescriptor]:
    found: list[MethodDescriptor] = []
    for module in pkgutil.walk_packages(paystream.__path__, "paystream."):
        if module.name.endswith("_pb2"):
            services = importlib.import_module(module.name).DESCRIPTOR.services_by_name
            for name in services:
                found += list(services[name].methods)
    return found


def test_there_are_methods_to_look_at() -> None:
    assert {"CreateMerchant", "CreatePayment", "CreateTransaction", "Authorize"} <= {m.name for m in _methods()}


def test_the_rules_of_every_request_can_be_compiled() -> None:
    for method in _methods():
        validation.prepare(method.input_type)


def test_only_the_items_of_batches_are_left_to_the_servicer() -> None:
    left_out = {
        (method.name, field.name, field.is_repeated)
        for method in _methods()
        for field in method.input_type.fields
        if field.number in contents.items_of(method.input_type)
    }
    streamed = {each for each in left_out if each[0].startswith("Stream") and each[1:] == ("request", False)}
    batched = {each for each in left_out if each[0].startswith("Batch") and each[1:] == ("requests", True)}
    assert left_out == streamed | batched
    assert {"BatchCreatePayments", "BatchCreateTransactions"} <= {name for name, _, _ in left_out}
