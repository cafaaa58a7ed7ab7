"""What code generators of other languages are told in every proto: a function of its package and its file's name."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileOptions

import paystream

PROTOS = Path(__file__).parents[3] / "protos"


def files() -> Iterator[FileDescriptor]:
    for module in pkgutil.walk_packages(paystream.__path__, "paystream."):
        if module.name.endswith("_pb2"):
            yield importlib.import_module(module.name).DESCRIPTOR


def options(file: FileDescriptor) -> FileOptions:
    given: FileOptions = file.GetOptions()
    return given


def convention(package: str, stem: str) -> dict[str, object]:
    """Give the options of `<package as a path>/<stem>.proto`."""
    *_, service, version = package.split(".")
    return {
        "go_package": f"github.com/paystream/paystream/gen/go/{package.replace('.', '/')};{service}{version}",
        "java_multiple_files": True,
        "java_outer_classname": f"{stem.title().replace('_', '')}Proto",
        "java_package": f"com.{package}",
    }


def test_the_convention_is_what_the_payment_protos_say() -> None:
    assert convention("paystream.payment.v1", "payment_method") == {
        "go_package": "github.com/paystream/paystream/gen/go/paystream/payment/v1;paymentv1",
        "java_multiple_files": True,
        "java_outer_classname": "PaymentMethodProto",
        "java_package": "com.paystream.payment.v1",
    }


def test_every_proto_is_looked_at() -> None:
    assert {file.name for file in files()} == {path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto")}


@pytest.mark.parametrize("file", list(files()), ids=lambda file: file.name)
def test_every_proto_keeps_the_convention(file: FileDescriptor) -> None:
    expected = convention(file.package, Path(file.name).stem)
    assert {name: getattr(options(file), name) for name in expected} == expected


def test_no_java_class_of_a_file_is_named_as_one_of_its_types() -> None:
    for file in files():
        named = {*file.message_types_by_name, *file.enum_types_by_name, *file.services_by_name}
        assert options(file).java_outer_classname not in named, file.name
