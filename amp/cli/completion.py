"""`amp completion`: shell completion."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for a SHELL.

    \b
    bash:  echo 'eval "$(amp completion bash)"' >> ~/.bashrc
    zsh:   echo 'eval "$(amp completion zsh)"' >> ~/.zshrc
    fish:  amp completion fish > ~/.config/fish/completions/amp.fish
    """
    completion_class = get_completion_class(shell)
    assert completion_class is not None, "click supports the shells listed above"
    click.echo(completion_class(ctx.find_root().command, {}, "amp", "_AMP_COMPLETE").source())
