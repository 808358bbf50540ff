"""vlnn completion: what a shell needs to complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> None:
    """Print what a shell needs to complete commands.

    Commands, options and their values are completed after the lines are evaluated.

    \b
    For a session, and for good:
      eval "$(vlnn completion bash)"
      vlnn completion bash >> ~/.bashrc
      vlnn completion zsh >> ~/.zshrc
      vlnn completion fish > ~/.config/fish/completions/vlnn.fish
    """
    found = get_completion_class(shell)
    assert found is not None
    completion = found(ctx.find_root().command, {}, "vlnn", "_VLNN_COMPLETE")
    click.echo(completion.source_template % completion.source_vars())
