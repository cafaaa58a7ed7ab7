"""`paystream serve`: run services until told to stop."""

import asyncio
from typing import Annotated

import typer
import uvloop

from paykit.base import importing, logs
from paykit.process import host
from paykit.process.catalogue import load_service, service_names
from paytools.cli import addresses, local


def serve(
    services: Annotated[list[str] | None, typer.Argument(help="Names of services.", show_default=False)] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Run all services in this process.")] = False,
    address: Annotated[str | None, typer.Option(help="Where to answer: host:port or unix:/path.")] = None,
    role: Annotated[str | None, typer.Option(help="Only a part of the service: api, worker or relay.")] = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Run services until SIGTERM or Ctrl-C.

    Settings come from PAYSTREAM_* variables; options win over them. Where these name no database, they are those of the
    local stack.
    """
    names = service_names() if every else services or []
    if not names:
        raise typer.BadParameter(f"name a service ({', '.join(service_names())}) or say --all")
    chosen = {key: value for key, value in {"grpc_address": address, "role": role}.items() if value is not None}
    settings = local.service_settings(home, overrides=chosen)
    logs.configure(service=",".join(names), level=settings.log_level, output=settings.log_format)
    with importing.quickly():
        loaded = [load_service(name) for name in names]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(host.serve(loaded, settings))
