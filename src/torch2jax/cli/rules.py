"""`torch2jax rules`: what the rule book covers, and how."""

from __future__ import annotations

import ast
import difflib
import fnmatch
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from torch2jax.cli.rules_dirs import rules_dirs_option

if TYPE_CHECKING:
    from torch2jax.rules.cache import RuleBook
    from torch2jax.rules.model import Rule


class _RulesGroup(click.Group):
    """Imports `mutate` when it is called, and nothing of it before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, as they are listed."""
        return [*super().list_commands(ctx), "mutate"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One command."""
        if cmd_name != "mutate":
            return super().get_command(ctx, cmd_name)
        from torch2jax.cli.mutate import mutate

        return mutate


@click.group(cls=_RulesGroup)
def rules() -> None:
    """What is covered, and how."""


@rules.command("list")
@click.argument("pattern", default="*")
@rules_dirs_option
def list_rules(pattern: str, rules_dirs: tuple[Path, ...]) -> None:
    """List the torch names that have a rule.

    PATTERN is a name with wildcards, 'torch.nn.*', or a part of a name.
    """
    from torch2jax.rules.describe import status

    book = _book(rules_dirs)
    wanted = pattern if any(char in pattern for char in "*?[") else f"*{pattern}*"
    names = [name for name in book.names() if fnmatch.fnmatchcase(name.lower(), wanted.lower())]
    if not names:
        raise click.ClickException(f"no rule has a name like {pattern}.")
    width = max(map(len, names))
    for name in names:
        found = book.lookup(name)
        click.echo(f"{name:{width}}  {status(found):13}  {_summary(found)}".rstrip())


@rules.command()
@click.argument("name")
@click.option("--source", is_flag=True, help="Print the rules as they are written.")
@rules_dirs_option
def show(name: str, source: bool, rules_dirs: tuple[Path, ...]) -> None:
    """Show what becomes of a torch name, such as torch.nn.Conv2d or torch.Tensor.view, with caveats and examples."""
    from torch2jax.infer.interpret import is_interpreted
    from torch2jax.rules.describe import describe

    book = _book(rules_dirs)
    found = book.lookup(name)
    if not found and is_interpreted(name):
        click.echo(f"{name} is handled by the converter itself, not by a rule.")
        return
    found = found or book.lookup(name.removesuffix("_")) or book.family(name)
    if not found:
        near = _near(name, book.names())
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise click.ClickException(f"{name} has no rule.{hint}")
    for number, rule in enumerate(found):
        if number:
            click.echo()
        click.secho(f"# {rule.file}:{rule.line}", dim=True)
        click.echo(_source(rule) if source else describe(rule, "#"), nl=source)


@rules.command()
@click.argument("name")
@click.option(
    "-o", "output", type=click.Path(dir_okay=False, path_type=Path), help="The file to write (default: stdout)."
)
def new(name: str, output: Path | None) -> None:
    """Write the beginning of a rule: its header from the signature that the installed package has.

    `torch2jax check` reports the rule until it is completed.
    """
    from torch2jax.rules.skeleton import SignatureError, skeleton

    try:
        text = skeleton(name)
    except SignatureError as error:
        raise click.ClickException(str(error)) from None
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.ClickException(f"{output} is there already; choose another file.") from None
    except OSError as error:
        raise click.ClickException(f"{output} can't be written: {error.strerror}.") from None


def _book(rules_dirs: tuple[Path, ...]) -> RuleBook:
    """The rule book; a mistake in a rule file is one sentence and exit status 2."""
    from torch2jax.rules.cache import load_book
    from torch2jax.rules.templates import RuleError

    try:
        return load_book(rules_dirs)
    except RuleError as error:
        raise click.UsageError(str(error)) from None


def _near(name: str, names: Sequence[str]) -> list[str]:
    """Names that are spelled alike, or that end in the same way (`nn.Conv2d`, `relu`)."""
    alike = difflib.get_close_matches(name, names, n=3)
    return alike or [known for known in names if known.endswith(f".{name}")][:3]


def _summary(rules_of_name: tuple[Rule, ...]) -> str:
    """The first line of the documentation."""
    lines = (line.strip() for rule in rules_of_name for line in rule.doc.splitlines())
    return next((line for line in lines if line), "")


def _source(rule: Rule) -> str:
    """The rule as it is written, with its `.state` and `.call`."""
    text = Path(rule.file).read_text(encoding="utf-8")
    lines = text.splitlines()
    parts = []
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    for node in functions:
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        is_rule = first <= rule.line <= (node.end_lineno or node.lineno)
        if is_rule or any(_belongs_to(decorator, rule) for decorator in node.decorator_list):
            parts.append("\n".join(lines[first - 1 : node.end_lineno]))
    return "\n\n\n".join(parts)


def _belongs_to(decorator: ast.expr, rule: Rule) -> bool:
    """Whether this is `@<rule>.state` or `@<rule>.call`."""
    is_member = isinstance(decorator, ast.Attribute) and isinstance(decorator.value, ast.Name)
    return is_member and ast.unparse(decorator).split(".")[0] == rule.function
