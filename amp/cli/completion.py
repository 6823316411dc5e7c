"""`amp completion`: the script that completes commands in a shell."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes `amp` commands in a SHELL.

    \b
    bash:  echo 'eval "$(amp completion bash)"' >> ~/.bashrc
    zsh:   echo 'eval "$(amp completion zsh)"' >> ~/.zshrc
    fish:  amp completion fish > ~/.config/fish/completions/amp.fish
    """
    made = get_completion_class(shell)
    assert made is not None, "click knows the shells offered above"
    click.echo(made(ctx.find_root().command, {}, "amp", "_AMP_COMPLETE").source())
