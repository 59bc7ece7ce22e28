"""What a gradient region is: statements, the losses in them, and what is updated."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import libcst as cst


class Role(enum.Enum):
    """What a statement does to gradients."""

    ZERO = "zero"
    BACKWARD = "backward"
    CLIP = "clip"
    SCALE = "scale"
    STEP = "step"


@dataclass(frozen=True, slots=True)
class Marked:
    """A statement with a role: the call in it, and the optimizer, model or loss that it is about.

    ``result``: the name that what the call gives is assigned to.
    """

    role: Role
    node: cst.Call
    subject: cst.BaseExpression
    result: str = ""


Structure: TypeAlias = "str | tuple[Structure, ...]"


@dataclass(frozen=True, slots=True)
class Trained:
    """An optimizer and what it trains, as they are spelled where the region stands.

    ``structure``: one module, or tuples of them, as the optimizer has been built for. ``models``: the objects that they
    are, or are parts of. ``is_part``: whether those have other parameters too, as far as anyone knows.
    """

    optimizer: str
    structure: Structure
    models: tuple[str, ...]
    is_part: bool = False

    @property
    def model(self) -> str:
        """The first of the models, which stands for all in names and messages."""
        return self.models[0]


@dataclass(frozen=True, slots=True)
class Region:
    """Statements of one block that become a training step.

    ``statements``: all of them, from the first of the step to the last update. ``prelude`` runs before what is
    differentiated, ``forward`` is differentiated, ``after`` follows the step; what is left has a role and goes.
    ``norms``: the names that get the norms of the gradients before they are clipped.
    ``losses``: what ``backward`` is called on, by the statements that do it, which stand in ``forward`` too.
    ``live``: names that are looked at afterwards. ``varying``: places that
    change from one step to the next; ``steady``: parameters of the function whose attributes change only where they are
    set. ``kinds``: what is known of the places that are read. ``outside``: what stops the
    step from being compiled, if anything does. ``gradients``: the variable that they are
    added to, where the update comes later; ``is_new``: there are none to add to. ``again``: those of the
    differentiated that have been run before, which are run once more on ``copy``, the model as it was then.
    ``ahead``: statements in it that run in front of the step.
    ``settings``: plain objects and dictionaries that are used as a whole and hold no arrays; ``arrays``: parts of
    objects of unknown kind that are used as arrays are.
    ``asks``: the program looks which parameters have gradients.
    ``versions``: names that a statement in ``after`` reads, and that get another value before it comes.
    ``name``: that of the function.
    """

    statements: tuple[Any, ...]
    prelude: tuple[Any, ...]
    forward: tuple[Any, ...]
    after: tuple[Any, ...]
    losses: dict[Any, cst.BaseExpression]
    clips: tuple[cst.Call, ...]
    norms: dict[cst.Call, str]
    trained: tuple[Trained, ...]
    live: frozenset[str]
    varying: frozenset[str]
    steady: frozenset[str]
    kinds: dict[str, Any]
    outside: str = ""
    gradients: str = ""
    is_new: bool = False
    again: tuple[Any, ...] = ()
    ahead: tuple[Any, ...] = ()
    versions: dict[Any, tuple[str, ...]] = field(default_factory=dict)
    settings: frozenset[str] = frozenset()
    arrays: frozenset[str] = frozenset()
    copy: str = ""
    asks: bool = False
    name: str = "train_step"

    @property
    def models(self) -> tuple[str, ...]:
        """All models that are trained, each once."""
        return tuple(dict.fromkeys(model for each in self.trained for model in each.models))


@dataclass(frozen=True, slots=True)
class Accumulation:
    """Gradients that are kept in a variable from one backward pass to the next, until a step uses them up.

    ``loop``: the statement in front of which there are none. ``zeros`` and ``steps``: the statements that forget them,
    and those that use them; ``clips`` change them, ``norms`` are the names that get what they give. ``name``: the
    function that updates the model. ``is_new``: there are none before a backward pass.
    """

    trained: Trained
    gradients: str
    loop: Any
    zeros: tuple[Any, ...]
    clips: dict[Any, cst.Call]
    norms: dict[Any, str]
    steps: tuple[Any, ...]
    name: str = "apply_gradients"
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Closure:
    """A function that an optimizer calls for the loss, and which gives the gradients beside it.

    ``returns``: its last statement. ``steps``: the statements that give it to the optimizer, with the calls in them.
    ``calls_itself``: the optimizer calls it in the translation too, as often as it likes. ``givers``: the functions
    that give it.
    """

    function: str
    added: Accumulation
    returns: Any
    steps: dict[Any, cst.Call]
    calls_itself: bool
    givers: tuple[Any, ...] = ()


class NoRegionError(Exception):
    """Why statements are no step: the cause in a sentence, the node that it is about, and what to do."""

    def __init__(self, message: str, node: cst.CSTNode, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.node, self.hint = message, node, hint
