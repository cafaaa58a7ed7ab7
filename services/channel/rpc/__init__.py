"""The calls of the channel: messages to commands and back."""

from collections.abc import Sequence

from paykit.process.runtime import Runtime
from paykit.serve.server import Servicer
from paystream.channel.v1 import channel_pb2_grpc
from services.channel.rpc.channel import ChannelServicer
from services.channel.rpc.latency import Latency
from services.channel.rpc.simulator import SimulatorServicer


def servicers(runtime: Runtime) -> Sequence[Servicer]:
    """Return what the channel service serves."""
    latency = Latency(runtime)
    return [
        Servicer(
            full_name="paystream.channel.v1.ChannelService",
            add=channel_pb2_grpc.add_ChannelServiceServicer_to_server,
            implementation=ChannelServicer(runtime, latency),
        ),
        Servicer(
            full_name="paystream.channel.v1.SimulatorService",
            add=channel_pb2_grpc.add_SimulatorServiceServicer_to_server,
            implementation=SimulatorServicer(runtime, latency),
        ),
    ]
