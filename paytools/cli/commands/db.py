"""`paystream db`: make and migrate the services' schemas."""

import asyncio
from typing import Annotated

import typer

from paykit.process import migrate
from paykit.process.catalogue import schema_names
from paytools.cli import addresses, local

app = typer.Typer(help="Make and migrate the services' schemas in PostgreSQL.", no_args_is_help=True)

Services = Annotated[list[str] | None, typer.Argument(help="Names of services; all by default.", show_default=False)]


@app.command()
def init(services: Services = None, home: addresses.Home = addresses.DEFAULT_HOME) -> None:
    """Create the database, and each service's roles and schema; what exists stays as it is."""
    names = _chosen(services)
    settings = local.settings(home)
    password = settings.database_service_password
    secret = password.get_secret_value() if password else local.service_password(home)
    asyncio.run(migrate.init(settings.admin_url, names, password=secret))
    typer.echo(f"initialised {', '.join(names)}")


@app.command(name="migrate")
def migrate_(
    services: Services = None,
    to: Annotated[str | None, typer.Option(help="The revision to stop at, as in payment_0015, of one service.")] = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Bring each service's schema to its newest version, while services may work on it: docs/migrations.md."""
    names = _chosen(services)
    if to is not None and len(names) != 1:
        raise typer.BadParameter("name the one service whose revision it is", param_hint="--to")
    asyncio.run(migrate.migrate(local.settings(home).admin_url, names, target=to))
    typer.echo(f"migrated {', '.join(names)}{f' to {to}' if to else ''}")


def _chosen(services: list[str] | None) -> list[str]:
    kept = schema_names()
    if without := sorted(set(services or ()).difference(kept)):
        raise typer.BadParameter(f"{', '.join(without)}: no schema has this name; there are {', '.join(kept)}")
    return services or kept
