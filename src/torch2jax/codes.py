"""The registry of diagnostic codes: what each means, why it happens and what to do about it.

The hundreds digit is the class: 1xx not translated (error), 2xx translated under an assumption (warning),
3xx dropped on purpose (note), 4xx the source itself is wrong (warning). ``docs/diagnostics.md`` has one section a code.
"""

import enum
from dataclasses import dataclass


class Severity(enum.StrEnum):
    """How much a diagnostic matters to someone who is going to run the output."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """The documentation of one code, in three sentences or so."""

    title: str
    why: str
    what_to_do: str


_SEVERITY_BY_CLASS = {"1": Severity.ERROR, "2": Severity.WARNING, "3": Severity.NOTE, "4": Severity.WARNING}

CODES: dict[str, CodeInfo] = {
    "T2J101": CodeInfo(
        "no rule for this API",
        "The rule book has no translation for this torch function, method, module or constant.",
        "Translate it by hand where the output marks it, or add a rule and pass its folder with --rules-dir.",
    ),
    "T2J102": CodeInfo(
        "an argument has no translation",
        "The rule for this call translates it, but not with this argument set to anything other than its default.",
        "Leave the argument at its default if you do not need it, or translate the call by hand.",
    ),
    "T2J103": CodeInfo(
        "a rule does not support this use",
        "The rule knows these arguments and knows that they have no equivalent in JAX; the message says why.",
        "Follow the hint, which names what to use instead.",
    ),
    "T2J104": CodeInfo(
        "the kind of the receiver is unknown",
        "A method such as `.sum()` or `.size()` exists on tensors and on other objects, and nothing in the source says "
        "which of them this value is.",
        "Annotate the variable or the parameter (`x: torch.Tensor`), or move the call to where the kind is known.",
    ),
    "T2J105": CodeInfo(
        "an alias of a changed tensor can't be followed",
        "JAX arrays never change in place. The write becomes a new value, but another name may share the memory of the "
        "old one and would no longer see the write.",
        "Write through one name only, or return the changed tensor and assign it where it is used.",
    ),
    "T2J106": CodeInfo(
        "the memory layout can't be decided",
        "Flax layers are channel-last, torch's are channel-first. Here values of both layouts meet in a way that no "
        "transpose can settle without knowing the rank of the tensor.",
        "Annotate or reshape so that the rank is visible, or transpose by hand.",
    ),
    "T2J107": CodeInfo(
        "a dynamic construct hides what the code does",
        "`setattr`, `getattr`, `exec`, `eval` or `globals()` with a name that is only known at run time can reach "
        "anything, so that nothing can be said about the result.",
        "Write the names out, or use a dict, nn.ModuleDict or nn.ModuleList in their place.",
    ),
    "T2J108": CodeInfo(
        "no translation yet for this training-side API",
        "Optimizers, schedulers, backward passes and data loading follow another model in JAX.",
        "Keep the loop in torch for the data, and write the step with nnx.value_and_grad and nnx.Optimizer.",
    ),
    "T2J109": CodeInfo(
        "the file can't be read as Python",
        "A syntax error, an unknown encoding or bytes that do not decode. The file is copied to the output as it is.",
        "Mend the file at the position given; files in Python 2 need `2to3` first.",
    ),
    "T2J110": CodeInfo(
        "torch2jax failed on this file",
        "A mistake in torch2jax itself, not in your code. The file is copied to the output as it is; the others are "
        "translated.",
        "Please report it with the smallest file that shows it; TORCH2JAX_DEBUG=1 prints the traceback.",
    ),
    "T2J111": CodeInfo(
        "data crosses between PyTorch and JAX in a way that can't be followed",
        "Data loading stays PyTorch, or becomes NumPy with --data grain: data sets, samplers, transforms and what they "
        "call. Here something of one side is used on the other where no conversion of arrays can help, such as a Flax "
        "module inside a data set.",
        "Move that work to the other side: to the batches in the loop, or into the data set.",
    ),
    "T2J201": CodeInfo(
        "assumed the value of an argument",
        "The right translation depends on a value that is only known when the program runs. The output holds for the "
        "usual case, named in the message.",
        "Check that the assumption holds, or pass a literal.",
    ),
    "T2J202": CodeInfo(
        "assumed that this is a tensor",
        "Nothing in the source says what this value is; its use fits a tensor, and the output treats it as one.",
        "Annotate it (`x: torch.Tensor`) to confirm.",
    ),
    "T2J203": CodeInfo(
        "control flow depends on the data",
        "A branch, loop or shape depends on the values in a tensor. JAX can run this as it is, but not compile it.",
        "Run the function outside jit, or rewrite it with jnp.where, jax.lax.cond or jax.lax.while_loop.",
    ),
    "T2J204": CodeInfo(
        "isinstance matches more classes than before",
        "Several torch classes become the same Flax class (nn.Conv1d and nn.Conv2d both become nnx.Conv), so that the "
        "test is true for all of them.",
        "Compare something else as well, such as the length of `kernel_size`.",
    ),
    "T2J205": CodeInfo(
        "the translation has a caveat",
        "The rule is right for the common case and says in which case the results differ.",
        "Read the caveat and decide whether it concerns this code.",
    ),
    "T2J206": CodeInfo(
        "random numbers differ",
        "torch and JAX draw from different generators: the distribution is the same, the numbers are not.",
        "Nothing, unless the code relies on particular draws; then save them from torch and load them.",
    ),
    "T2J207": CodeInfo(
        "a training step runs without jit",
        "Something in the step needs the values of arrays while it runs, or has effects besides its result. "
        "The result is the same, but it is slow.",
        "Move what the message names out of the forward pass, and put `@nnx.jit` above the step.",
    ),
    "T2J301": CodeInfo(
        "dropped on purpose",
        "This call or argument has no meaning in JAX (`.cuda()`, `pin_memory`, `contiguous()`): leaving it out changes "
        "no result.",
        "Nothing.",
    ),
    "T2J302": CodeInfo(
        "this module takes channel-last arrays",
        "The module is only used inside the project: its arrays stay channel-last, and no transposes are needed.",
        "Nothing, unless you call it from elsewhere: pass channel-last arrays then.",
    ),
    "T2J303": CodeInfo(
        "not translated, copied as it is",
        "A notebook holds code that is not translated; it is copied with the other files. Sockets, pipes and devices "
        "are left out.",
        "Run `jupyter nbconvert --to script` on the notebook first if you want it translated.",
    ),
    "T2J304": CodeInfo(
        "a name for a layer without weights is a function now",
        "A layer such as `nn.ReLU` is the function `nnx.relu` in Flax, so that `Act = nn.ReLU` names a function: what "
        "the project does with it is translated, but code elsewhere that still writes `Act()` would fail.",
        "Nothing, unless you use the name from elsewhere: call it on arrays, or pass it on, instead of building it.",
    ),
    "T2J401": CodeInfo(
        "the source itself is wrong",
        "The torch program would fail here or not do what it says, whatever the translation does.",
        "Mend the source.",
    ),
}


def severity_of(code: str) -> Severity:
    """The severity of a code, from its hundreds digit. Raises KeyError for a code that is not in CODES."""
    if code not in CODES:
        raise KeyError(code)
    return _SEVERITY_BY_CLASS[code[3]]
