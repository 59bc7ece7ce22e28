"""The command line. Each command is in a module of its own, imported when it is called, so that `--help` is quick."""

from importlib import import_module

import click

from torch2jax.version import __version__

# Name, module:function, and the line in `torch2jax --help`.
_COMMANDS = {
    "convert": ("torch2jax.cli.convert:convert", "Translate PyTorch source files to Flax NNX."),
    "verify": ("torch2jax.cli.verify:verify", "Prove that a translation computes what the original does."),
    "weights": ("torch2jax.cli.weights:weights", "Bring checkpoints to the translation, and back."),
    "check": ("torch2jax.cli.check:check", "Run the examples of the rules in both frameworks."),
    "rules": ("torch2jax.cli.rules:rules", "What is covered, and how."),
}


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and knows the help lines without."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which a user needs them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, function = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in the help, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="torch2jax")
def main() -> None:
    """Convert PyTorch code to JAX (Flax NNX), and prove that the numbers agree."""
