"""The command line: parse, call, echo. No array work here.

Errors are one line on stderr and exit status 1, wrong usage is 2; ``vlnn --debug COMMAND`` shows where an error arose.
"""

import warnings
from typing import Any

import click

from vlnn import __version__
from vlnn.cli.compare import compare_command
from vlnn.cli.completion import completion_command
from vlnn.cli.convert import convert_command
from vlnn.cli.demo import demo_command
from vlnn.cli.doctor import doctor_command
from vlnn.cli.info import info_command
from vlnn.cli.run import run_command


class OneLineErrors(click.Group):
    """A group whose commands report what users can cause (bad input, files, a missing extra) in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", UserWarning)
                warnings.showwarning = _echo_warning
                return super().invoke(ctx)
        except BrokenPipeError:  # whoever read our output has left: click ends quietly
            raise
        except (ValueError, OSError, ImportError, MemoryError) as error:  # MatConvNetError is a ValueError
            if ctx.params["debug"]:
                raise
            raise click.ClickException(one_line(error)) from None


def _echo_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """A warning on one line, without the place in our sources."""
    click.echo(f"Warning: {' '.join(str(message).split())}", err=True)


def one_line(error: Exception) -> str:
    """An exception's message on one line; for files `NAME: what is wrong`."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        message = f"{error.filename}: {error.strerror}"
    else:
        message = str(error) or ("Not enough memory." if isinstance(error, MemoryError) else type(error).__name__)
    return " ".join(message.split())


@click.group(cls=OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="vlnn")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """MatConvNet for Python: the same functions, called the same way, giving the same numbers.

    \b
    vlnn info net.mat              what a network is
    vlnn run net.mat photo.jpg     what it makes of a picture
    vlnn convert net.mat net.onnx  the same network for other programs

    `vlnn COMMAND --help` tells more. Files may be -, stdin or stdout. The exit status is 0 if all was done, 1 after an
    error, 2 for wrong usage.
    """


main.add_command(compare_command)
main.add_command(completion_command)
main.add_command(convert_command)
main.add_command(demo_command)
main.add_command(doctor_command)
main.add_command(info_command)
main.add_command(run_command)
