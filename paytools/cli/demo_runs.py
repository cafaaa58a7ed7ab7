"""What `paystream demo` does; `paytools.cli.commands.demo` declares the command itself."""

import typer

from paytools.cli.commands.demo import EXIT_FAILED
from paytools.cli.stack_runs import reported_errors, terminate_as_interrupt
from paytools.demo import report
from paytools.demo.clients import DemoFailedError
from paytools.demo.run import HOME, run


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
