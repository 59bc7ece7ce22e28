"""The verifier end to end, on translations written by hand: what agrees, what differs, and how it says so."""

import json
from textwrap import dedent

import pytest
from click.testing import CliRunner

from torch2jax.cli.verify import verify as command
from torch2jax.conversion import Conversion, Interface
from torch2jax.options import Options
from torch2jax.verify import Case, CaseError, Rung, Verdict, verify
from torch2jax.verify.cases import read_cases
from torch2jax.verify.programs import Programs, translated
from torch2jax.verify.run import Plan, run_cases

ORIGINAL = dedent(
    """
    import torch
    from torch import nn
    from layers import scaled


    class Net(nn.Module):
        def __init__(self, width=4, p=0.5):
            super().__init__()
            self.first = nn.Linear(3, width)
            self.norm = nn.BatchNorm1d(width)
            self.drop = nn.Dropout(p)
            self.gain = nn.Parameter(torch.zeros(width))

        def forward(self, x, noise=None):
            x = self.drop(self.norm(self.first(x)))
            return {"out": scaled(x, self.gain) + torch.randn_like(x), "noise": noise}

        def embed(self, x):
            return self.first(x)


    def double(x):
        return 2 * x
    """
)
LAYERS = "def scaled(x, gain):\n    return x * (1 + gain)\n"
TRANSLATION = dedent(
    """
    import jax
    import jax.numpy as jnp
    from flax import nnx
    from layers import scaled


    def uniform(key, shape, dtype):
        return jax.random.uniform(key, shape, dtype, -(3**-0.5), 3**-0.5)


    class BatchNorm(nnx.BatchNorm):
        def __call__(self, x):
            y = super().__call__(x)
            if not self.use_running_average:
                n = x.shape[0]
                extra = (1 - self.momentum) * x.var(0) / (n - 1)
                self.var[...] = self.var[...] + extra
            return y


    class Net(nnx.Module):
        def __init__(self, width=4, p=0.5, *, rngs: nnx.Rngs):
            self.first = nnx.Linear(3, width, rngs=rngs, kernel_init=uniform, bias_init=uniform)
            self.norm = BatchNorm(width, momentum=0.9, rngs=rngs)
            self.drop = nnx.Dropout(p, rngs=rngs)
            self.gain = nnx.Param(jnp.zeros(width))
            self.rngs = rngs

        def __call__(self, x, noise=None):
            x = self.drop(self.norm(self.first(x)))
            return {"out": scaled(x, self.gain[...]) + self.rngs.normal(x.shape), "noise": noise}

        def embed(self, x):
            return self.first(x)


    def double(x):
        return 2 * x
    """
)
CASE = Case("Net", "width=5", ("f32[7,3]", "noise=bool[2]"))

_LAST = list(Rung).index(Rung.BFLOAT16)
OF_MODULES = [rung for rung in list(Rung)[: _LAST + 1] if rung is not Rung.CALL]
"""The rungs that a module climbs: those behind are of scripts."""


@pytest.fixture
def files(tmp_path):
    for folder, text in (("torch_side", ORIGINAL), ("jax_side", TRANSLATION)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.py").write_text(text)
        (tmp_path / folder / "layers.py").write_text(LAYERS)
    return tmp_path / "torch_side" / "net.py", tmp_path / "jax_side" / "net.py"


def _verdicts(report):
    return {str(o.rung): o.verdict for o in report.outcomes}


def _changed(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_faithful_translation_agrees_in_every_mode(files):
    report = verify(*files, cases=[CASE])
    assert report.ok
    assert _verdicts(report) == {str(rung): Verdict.AGREES for rung in OF_MODULES}
    assert all(o.max_rel <= 1e-12 for o in report.outcomes if o.dtype == "float64" and o.max_rel == o.max_rel)


@pytest.mark.parametrize(
    ("old", "new", "mode"),
    [
        ("BatchNorm(width, momentum=0.9, rngs", "BatchNorm(width, momentum=0.9, epsilon=1.01e-5, rngs", "eval"),
        ("extra = (1 - self.momentum) * x.var(0) / (n - 1)", "extra = 0", "buffers"),
        ('x.shape), "noise"', 'x.shape) * 1.0000001, "noise"', "eval"),
        ('"noise": noise}', '"noise": None}', "eval"),
        ("scaled(x, self.gain[...])", "x", "eval"),
    ],
)
def test_a_mistake_of_any_kind_is_found(files, old, new, mode):
    _changed(files[1], old, new)
    report = verify(*files, cases=[CASE], dtypes=["float64"])
    assert not report.ok
    assert _verdicts(report)[mode] is Verdict.DIFFERS


def test_a_translation_that_raises_is_reported_with_its_place(files):
    _changed(files[1], "return {", "raise ValueError('no')\n        return {")
    outcomes = {o.rung: o for o in verify(*files, cases=[CASE], dtypes=["float64"]).outcomes}
    assert outcomes[Rung.EVAL].verdict is Verdict.FAILS
    assert outcomes[Rung.EVAL].detail.startswith("ValueError: no (net.py:")
    assert outcomes[Rung.TRAIN].verdict is Verdict.NOT_REACHED


def test_an_original_that_raises_is_not_held_against_the_translation(files):
    report = verify(*files, cases=[Case("Net", "", ("f32[7,4]",))], last="eval")
    outcome = report.outcomes[-1]
    assert outcome.verdict is Verdict.ORIGINAL_FAILS
    assert outcome.detail.startswith("RuntimeError: mat1 and mat2")


def test_methods_and_plain_functions(files):
    cases = [Case("Net", "", ("f32[7,3]",), method="embed"), Case("double", inputs=("c64[2]",))]
    report = verify(*files, cases=cases, dtypes=["float64"])
    assert report.ok
    module, function = ([o.rung for o in report.outcomes if o.case == case.title] for case in cases)
    assert module == [rung for rung in OF_MODULES if rung not in (Rung.FLOAT32, Rung.BFLOAT16)]
    assert function == [*module[:3], Rung.CALL, Rung.GRADIENTS, Rung.JIT, Rung.SIZES]


def test_random_train_mode_can_be_left_out(files):
    report = verify(*files, cases=[Case("Net", "", ("f32[7,3]",), train=False, reason="random")], dtypes=["float64"])
    assert report.ok
    outcomes = {o.rung: o for o in report.outcomes}
    assert (outcomes[Rung.TRAIN].verdict, outcomes[Rung.TRAIN].detail) == (Verdict.INFORMATION, "left out: random")
    assert outcomes[Rung.GRADIENTS].verdict is Verdict.AGREES


def test_dropout_written_by_hand_is_switched_off_by_arguments(files):
    _changed(files[0], "self.drop = nn", "self.p = p\n        self.drop = nn")
    by_hand = "torch.nn.functional.dropout(self.drop(x), self.p, self.training)"
    _changed(files[0], "        return {", f"        x = {by_hand}\n        return {{")
    case = Case("Net", "5", ("f32[7,3]",), dropout_args="p=0.0")
    assert verify(*files, cases=[case], dtypes=["float64"]).ok
    unsilenced = Case("Net", "5", ("f32[7,3]",))
    train = _verdicts(verify(*files, cases=[unsilenced], last="train"))["train"]
    assert train is Verdict.UNMATCHED


def test_missing_names_are_a_usage_error(files):
    with pytest.raises(CaseError, match="there is no 'Nett' in the module"):
        verify(*files, cases=[Case("Nett")])


def test_settings_beside_the_file_are_used(files):
    (files[0].parent / "verify.toml").write_text(
        dedent(
            """
            [[case]]
            entry = "Net"
            args = "width=6"
            inputs = ["f32[7,3]"]

            [[case]]
            entry = "double"
            inputs = ["f32[2]"]
            """
        )
    )
    report = verify(*files, dtypes=["float64"])
    assert report.ok
    assert {o.case for o in report.outcomes} == {"Net(width=6)", "double()"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "not valid TOML"),
        ("", r"at least one \[\[case\]\]"),
        ('[[case]]\nargs = ""', "case 1: `entry` is missing"),
        ('[[case]]\nentry = "A"\nsize = 3', "case 1: 'size' is not a setting"),
        ("[[case]]\nentry = 3", "case 1: entry must be of type str"),
        ("case = [1]", r"at least one \[\[case\]\]"),
        ('[[case]]\nentry = "A"\ninputs = ["f33[2]"]', "case 1: can't read the input 'f33"),
        ('[[case]]\nentry = "A"\ntrain = false', "case 1: train = false needs a `reason`"),
    ],
)
def test_mistakes_in_the_settings_are_named(tmp_path, text, message):
    path = tmp_path / "verify.toml"
    path.write_text(text)
    with pytest.raises(CaseError, match=message):
        read_cases(path)


def test_a_file_can_offer_its_own_case(files):
    with files[0].open("a") as file:
        file.write("\n\ndef get_inputs():\n    return [torch.rand(7, 3), torch.ones(2, 3)]\n\n\n")
        file.write("def get_init_inputs():\n    return [5]\n")
    report = verify(*files, dtypes=["float64"])
    assert report.ok
    assert report.outcomes[0].case == "Net(5)"


def test_inputs_are_guessed_from_the_first_layer(files):
    report = verify(*files, dtypes=["float64"])
    assert report.ok
    assert report.outcomes[0].case == "Net()"


def test_a_channel_last_interface_gets_its_arrays_transposed(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "m.py").write_text(
        "from torch import nn\n\n\nclass Inner(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.conv = nn.Conv2d(3, 5, 1)\n\n    def forward(self, x, y):\n        return self.conv(x), y\n"
    )
    (tmp_path / "b" / "m.py").write_text(
        "from functools import partial\n\nimport jax\nfrom flax import nnx\n\n\n"
        "class Inner(nnx.Module):\n    def __init__(self, *, rngs):\n"
        "        uniform = partial(jax.random.uniform, minval=-(3**-0.5), maxval=3**-0.5)\n"
        "        self.conv = nnx.Conv(3, 5, (1, 1), kernel_init=uniform, bias_init=uniform, rngs=rngs)\n\n"
        "    def __call__(self, x, y):\n"
        "        return self.conv(x), y\n"
    )
    interface = Interface({"x": "N H W C"}, ("N H W C", None))
    with translated(tmp_path / "a" / "m.py", tmp_path / "b" / "m.py", Options()) as programs:
        conversions = {"m.py": Conversion("", interfaces={"Inner": interface})}
        programs = Programs(programs.original_root, programs.translation_root, programs.names, "m", conversions)
        plan = Plan(("float64",))
        outcomes = {
            o.rung: o.verdict for o in run_cases(programs, [Case("Inner", "", ("f32[2,3,4,6]", "f32[2,7]"))], plan)
        }
    assert outcomes.pop(Rung.BUFFERS) is Verdict.INFORMATION
    assert set(outcomes.values()) == {Verdict.AGREES}


def test_the_command_prints_a_table_and_exits_by_verdict(files, tmp_path):
    runner = CliRunner()
    report = tmp_path / "report.json"
    arguments = [*map(str, files), "--entry", "Net", "--input", "f32[7,3]", "--train-steps", "2"]
    result = runner.invoke(command, [*arguments, "--report", str(report)])
    assert result.exit_code == 0, result.output
    assert "agrees" in result.output
    found = json.loads(report.read_text(), parse_constant=pytest.fail)
    assert found["ok"] is True
    steps = next(outcome for outcome in found["outcomes"] if outcome["rung"] == "steps")
    assert [len(losses) for losses in steps["losses"]] == [2, 2]
    assert {array["path"] for array in steps["arrays"]} >= {"loss 1", "first.weight", "norm.running_var"}
    _changed(files[1], "x.shape)", "x.shape) + 1")
    assert runner.invoke(command, arguments).exit_code == 1
    assert runner.invoke(command, [*map(str, files), "--input", "f32[7,3]"]).exit_code == 2
    bad = runner.invoke(command, [*map(str, files), "--entry", "Net", "--input", "g32[7,3]"])
    assert bad.exit_code == 2
    assert "can't read the input 'g32[7,3]'" in bad.output
    assert runner.invoke(command, ["missing.py"]).exit_code == 2
