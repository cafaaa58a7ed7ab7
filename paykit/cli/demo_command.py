"""What `paystream demo` does; `paykit.cli.demo` declares the command itself."""

import typer

from paykit.cli.demo import EXIT_FAILED
from paykit.cli.stack_commands import reported_errors, terminate_as_interrupt
from paykit.demo import report
from paykit.demo.clients import DemoFailedError
from paykit.demo.run import HOME, run


def demo() -> None:
    """Run the demo; a failure is told in words.

    Raises:
        typer.Exit: With status 1 when anything is not as it must be.
    """
    try:
        with reported_errors(), terminate_as_interrupt():
            run(report.console())
    except DemoFailedError as error:
        typer.echo(f"error: the demo failed: {error}", err=True)
        typer.echo(f"the logs of the services are in {HOME / 'logs'}", err=True)
        raise typer.Exit(EXIT_FAILED) from error
