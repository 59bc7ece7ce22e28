"""Write the generated pages: python docs/generate.py (or make docs).

They are docs/diagnostics.md, docs/training.md, docs/conformance.md, docs/rules/*.md, and the samples in README.md.
"""

import ast
import runpy
import textwrap
from pathlib import Path

from torch2jax import convert
from torch2jax.report import CODES, severity_of
from torch2jax.rules.cache import builtin_rules_dir, load_book
from torch2jax.rules.describe import pages

_ROOT = Path(__file__).resolve().parent.parent
conformance_page = runpy.run_path(str(_ROOT / "docs" / "operators_page.py"))["conformance_page"]
# What the README shows: sample and class.
_SHOWN = (("lenet_cifar10", "LeNet"), ("gpt", "CausalSelfAttention"))
_BEGIN, _END = "<!-- before-after: begin -->\n", "<!-- before-after: end -->\n"

_HEAD = """# Diagnostics

<!-- Written by docs/generate.py from src/torch2jax/codes.py. -->

Every finding has a stable code, a place and a sentence. The hundreds digit says what kind it is:

| codes | severity | meaning |
|---|---|---|
| T2J1xx | error | not translated; marked in the output with `# TODO(torch2jax)`, fails loudly when it is reached |
| T2J2xx | warning | translated under an assumption that the message names |
| T2J3xx | note | dropped or left on purpose; the result is the same |
| T2J4xx | warning | the source itself is wrong |

`torch2jax convert` exits with 1 if there is an error (with `--strict`: or a warning), and with 2 for T2J109.
"""


def diagnostics_page() -> str:
    """The whole page: one section a code, with severity, reason and remedy."""
    sections = [_HEAD]
    for code, info in CODES.items():
        why, remedy = (_filled(text) for text in (f"**Why.** {info.why}", f"**What to do.** {info.what_to_do}"))
        sections.append(f"## {code} {info.title}\n\n{severity_of(code).value.capitalize()}.\n\n{why}\n\n{remedy}\n")
    return "\n".join(sections)


def _filled(text: str) -> str:
    return textwrap.fill(text, 120, break_on_hyphens=False, break_long_words=False)


def readme() -> str:
    """README.md with the samples as they are now."""
    text = (_ROOT / "README.md").read_text(encoding="utf-8")
    before, rest = text.split(_BEGIN)
    _, after = rest.split(_END)
    return before + _BEGIN + "\n".join(_before_and_after(*shown) for shown in _SHOWN) + _END + after


def _before_and_after(sample: str, name: str) -> str:
    """A class of a sample, and of its committed translation."""
    source, translation = (_class(_ROOT / "samples" / sample / file, name) for file in ("model.py", "model_jax.py"))
    where = f"[samples/{sample}](samples/{sample})"
    return f"From {where}:\n\n```python\n{source}\n```\n\nbecomes\n\n```python\n{translation}\n```\n"


def _class(path: Path, name: str) -> str:
    """The source of a class at the top level of a file."""
    text = path.read_text(encoding="utf-8")
    node = next(node for node in ast.parse(text).body if isinstance(node, ast.ClassDef) and node.name == name)
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return "\n".join(text.split("\n")[first - 1 : node.end_lineno])


_PROGRAMS = (
    "plain_loop trainer phases settings clipped gradients_by_hand micro_batches two_losses one_forward_two_losses"
)
_PROGRAMS += " several_modules target_network spread_steps closures models_in_methods single_tensors mixed_precision"
_PROGRAMS += (
    " gradient_penalty input_gradients several_derivatives unrolled checkpoints picked_parameters clipped_policy"
)
_PROGRAMS += " contrastive meta_learning"
_TRAINING = """# Training code

<!-- Written by docs/generate.py from tests/regions/programs. -->

What becomes of training loops. Each of these programs is run by the tests in PyTorch and in its translation,
from the same weights and batches: all losses, and all parameters at the end, agree in float64 to 1e-9. Imports,
modules and helpers are left out here. How it is decided what goes where is told in
[decisions/training-steps.md](decisions/training-steps.md), data loading in
[decisions/data.md](decisions/data.md), optimizers and schedulers in
[decisions/optimizers.md](decisions/optimizers.md). `torch2jax verify --script train.py` does the same with a
script of yours ([verify.md](verify.md)).
"""


def training_page() -> str:
    """Programs that train, and their translations."""
    return "\n".join([_TRAINING, *(_program(name) for name in _PROGRAMS.split())])


def _program(name: str) -> str:
    path = _ROOT / "tests" / "regions" / "programs" / f"{name}.py"
    source = path.read_text(encoding="utf-8")
    translation = convert(source, filename=path.name).code.split("# Helpers without a Flax equivalent.")[0]
    intro = ast.get_docstring(ast.parse(source)) or ""
    title = name.replace("_", " ").capitalize()
    before, after = _functions(source), _functions(translation)
    return f"## {title}\n\n{intro}\n\n```python\n{before}\n```\n\nbecomes\n\n```python\n{after}\n```\n"


def _functions(text: str) -> str:
    """The functions at the top level of a program that train, and its classes that are no modules."""
    lines = text.split("\n")
    shown = []
    for node in ast.parse(text).body:
        is_module = isinstance(node, ast.ClassDef) and any("Module" in ast.unparse(base) for base in node.bases)
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or is_module or node.name == "build":
            continue
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        shown.append("\n".join(lines[first - 1 : node.end_lineno]))
    return "\n\n\n".join(shown)


def rule_pages() -> dict[str, str]:
    """The pages of the rule book, by file name in docs/rules."""
    return dict(pages(load_book(), builtin_rules_dir()))


def write_rule_pages() -> None:
    """Write them, and remove pages of rule files that are gone."""
    folder = _ROOT / "docs" / "rules"
    folder.mkdir(exist_ok=True)
    texts = rule_pages()
    for old in folder.glob("*.md"):
        if old.name not in texts:
            old.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_rule_pages()
    (_ROOT / "docs" / "training.md").write_text(training_page(), encoding="utf-8")
    (_ROOT / "docs" / "conformance.md").write_text(conformance_page(), encoding="utf-8")
    (_ROOT / "docs" / "diagnostics.md").write_text(diagnostics_page(), encoding="utf-8")
    (_ROOT / "README.md").write_text(readme(), encoding="utf-8")
