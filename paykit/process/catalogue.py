"""The services of this installation, found by name; the runtime imports none of them before it is asked to."""

import importlib
import pkgutil

import services
from paykit.process.revisions import migrations_of
from paykit.process.service import Service


class ServiceUnknownError(Exception):
    """No service has this name."""


def service_names() -> list[str]:
    """Names of all services, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(services.__path__) if module.ispkg)


def schema_names() -> list[str]:
    """Names of the services that keep tables, which are those with migrations, in alphabetical order."""
    return [name for name in service_names() if migrations_of(name).is_dir()]


def load_service(name: str) -> Service:
    """Import a service: its declaration.

    Raises:
        ServiceUnknownError: There is none of this name.
    """
    if name not in service_names():
        raise ServiceUnknownError(f"there is no service {name!r}; there are {', '.join(service_names())}")
    service: Service = importlib.import_module(f"services.{name}.service").SERVICE
    return service
