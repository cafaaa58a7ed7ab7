"""Server reflection under both of its names: v1, which today's clients ask first, and v1alpha, which older ones know.

The messages of the two are the same on the wire, so one handler answers for both. grpcio-reflection has v1alpha alone.
"""

from collections.abc import Sequence
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection, reflection_pb2

ALPHA_NAME: str = reflection.SERVICE_NAME
NAME = "grpc.reflection.v1.ServerReflection"
NAMES = (NAME, ALPHA_NAME)

_FILE = "grpc/reflection/v1/reflection.proto"
_METHOD = "ServerReflectionInfo"


def enable(names: Sequence[str], server: Any) -> None:
    """Have a server describe services, itself among them.

    Args:
        names: Full names of the services besides reflection.
        server: An asynchronous server that has not started.
    """
    _register_v1()
    described = [*names, *NAMES]
    reflection.enable_server_reflection(described, server)
    handler = grpc.stream_stream_rpc_method_handler(
        reflection.aio.ReflectionServicer(described).ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, {_METHOD: handler}),))


def _register_v1() -> None:
    """Register the descriptors of v1, which differ from those of v1alpha in their package alone."""
    pool = descriptor_pool.Default()
    try:
        pool.FindFileByName(_FILE)
    except KeyError:
        file = FileDescriptorProto()
        reflection_pb2.DESCRIPTOR.CopyToProto(file)
        before = file.package
        file.name, file.package = _FILE, NAME.rpartition(".")[0]
        for message in file.message_type:
            for field in filter(lambda each: each.type_name, message.field):
                field.type_name = field.type_name.replace(f".{before}.", f".{file.package}.")
        for method in file.service[0].method:
            method.input_type = method.input_type.replace(f".{before}.", f".{file.package}.")
            method.output_type = method.output_type.replace(f".{before}.", f".{file.package}.")
        pool.AddSerializedFile(file.SerializeToString())
