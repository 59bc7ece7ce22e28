"""The option `--rules-dir`, which several commands have."""

from pathlib import Path

import click

rules_dirs_option = click.option(
    "--rules-dir",
    "rules_dirs",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Rules of your own, which add to the built-in ones and override them. Repeatable.",
)
