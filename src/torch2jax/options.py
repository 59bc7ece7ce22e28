"""The choices a user has, in one immutable value."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

InterfaceOrder: TypeAlias = Literal["nchw", "nhwc"]
Init: TypeAlias = Literal["torch", "flax"]
Data: TypeAlias = Literal["torch", "grain"]


@dataclass(frozen=True, slots=True)
class Options:
    """How to convert.

    interface: axis order of images at the entrance and exit of public modules: "nchw" as in torch, or "nhwc".
    strict: count warnings (assumptions) as failures as well as errors.
    rules_dirs: folders of rule files that add to the built-in rule book and override it, later ones first.
    init: "torch" keeps torch's default initial distributions; "flax" leaves the initialisers of Flax.
    defer_item: leave metrics of a training loop on the device until they are looked at: `total += loss.item()` adds an
        array, without waiting for the step.
    data: "torch" leaves data loading to PyTorch; "grain" makes it NumPy and grain, for an output without PyTorch.
    """

    interface: InterfaceOrder = "nchw"
    strict: bool = False
    rules_dirs: tuple[Path, ...] = ()
    init: Init = "torch"
    defer_item: bool = False
    data: Data = "torch"

    def __post_init__(self) -> None:
        """Raise ValueError, with the values there are, for one that does not exist."""
        for name, kind in (("interface", InterfaceOrder), ("init", Init), ("data", Data)):
            allowed = get_args(kind)
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {getattr(self, name)!r}")
        object.__setattr__(self, "rules_dirs", tuple(Path(folder) for folder in self.rules_dirs))
