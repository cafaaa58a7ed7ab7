"""The one Alembic environment of all services; `paykit.process.migrate` calls it with a connection."""

from alembic import context

options = context.config.attributes["options"]
context.configure(**options)
context.run_migrations()
