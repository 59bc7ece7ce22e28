"""The results of a conversion: of one file, and of a project."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from torch2jax.report import Diagnostic, Severity

Axes: TypeAlias = str | None
"""Physical axis order of an array, such as "N H W C"; None where it is torch's own or not an image."""


@dataclass(frozen=True, slots=True)
class Interface:
    """What a translated class takes and returns: an axis order for each parameter and each result."""

    params: Mapping[str, Axes] = field(default_factory=dict)
    result: Axes | tuple[Axes, ...] = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many uses of torch there were, by what became of them."""

    translated: int = 0
    flagged: int = 0
    dropped: int = 0

    @property
    def total(self) -> int:
        """All uses."""
        return self.translated + self.flagged + self.dropped

    @property
    def percent(self) -> float:
        """The share that needs no attention, 100 where there was nothing to do."""
        return 100.0 * (self.total - self.flagged) / self.total if self.total else 100.0

    def __add__(self, other: "Coverage") -> "Coverage":
        """The sum, for totals over files."""
        return Coverage(self.translated + other.translated, self.flagged + other.flagged, self.dropped + other.dropped)


@dataclass(frozen=True, slots=True)
class Conversion:
    """One file's translation.

    code: the output; equal to the source where it uses no torch.
    transposes: how many transposes the output has at meetings of channel-first and channel-last data.
    interfaces: by the name of the class, for classes whose axis order differs from torch's.
    trace: the rules that were applied, as (name, file, line, branch).
    """

    code: str
    diagnostics: tuple[Diagnostic, ...] = ()
    transposes: int = 0
    coverage: Coverage = Coverage()
    interfaces: Mapping[str, Interface] = field(default_factory=dict)
    trace: tuple[Any, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything was translated: no errors (warnings are assumptions, not failures)."""
        return not any(d.severity is Severity.ERROR for d in self.diagnostics)


@dataclass(frozen=True, slots=True)
class ProjectReport:
    """What became of a tree of files.

    files: by path relative to the output, posix style, in sorted order; helper modules are among them.
    copied: other files, copied as they were.
    notes: findings that concern no Python file, such as notebooks and unreadable folders.
    """

    files: Mapping[str, Conversion]
    copied: tuple[str, ...] = ()
    notes: tuple[Diagnostic, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every file was read and translated without an error."""
        return not any(d.severity is Severity.ERROR for d in self.diagnostics)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Those of all files and the notes, in order of place."""
        found = (d for conversion in self.files.values() for d in conversion.diagnostics)
        return tuple(sorted([*found, *self.notes], key=lambda d: d.sort_key))

    @property
    def coverage(self) -> Coverage:
        """The sum over files."""
        return total_coverage(self.files.values())


def total_coverage(conversions: Iterable[Conversion]) -> Coverage:
    """The sum of the coverage of several files."""
    return sum((conversion.coverage for conversion in conversions), Coverage())
