"""What `torch2jax check` finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was checked: an example, a branch, or a header; ``problem`` is empty where it is in order."""

    rule: str
    file: str
    line: int
    what: str
    problem: str = ""

    @property
    def headline(self) -> str:
        """`file:line: rule: problem`, for people."""
        return f"{self.file}:{self.line}: {self.rule}: {self.problem}: {self.what}"
