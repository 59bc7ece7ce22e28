"""Functions that modules are made to call see arrays in PyTorch's axis order, or are flagged."""

from typing import Any

import numpy as np
import pytest

from torch2jax import convert, load_state_dict

MODEL = """\
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self.conv(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 2)
        self.layers = nn.Sequential(Block(4), nn.MaxPool2d(2), Block(4))
        self.norm = nn.BatchNorm2d(4)
        self.attend = nn.Softmax(dim=-1)
        self.fc = nn.Linear(4, 5)

    def forward(self, x):
        x = self.norm(self.layers(self.stem(x)))
        return self.attend(self.fc(x.mean((2, 3))))


"""

RECORDED = (
    MODEL
    + """\
class Recorder:
    def __init__(self, layer):
        self.given, self.found = [], []
        self.handle = layer.register_forward_hook(self.hook)

    def hook(self, module, inputs, output):
        self.given.append(inputs[0])
        self.found.append(output)


def build():
    return Net().eval()


def run(model: Net, x: torch.Tensor):
    recorders = [Recorder(model.layers)]
    seen = {}

    def keep(name):
        def hook(module, args, output):
            seen[name] = (args[0], output.mean(dim=(2, 3)))

        return hook

    model.stem.register_forward_hook(keep("stem"))
    model.layers[1].register_forward_hook(keep("pool"))
    last = model.layers[2].register_forward_hook(keep("block"))
    model.layers[0].act.register_forward_hook(lambda m, args, out: out * torch.arange(4.0)[:, None, None])
    model.norm.register_forward_pre_hook(lambda m, args: args[0].flip(1))
    attention = []
    model.attend.register_forward_hook(lambda module, args, output: attention.append((args[0], output)))
    first = model(x)
    last.remove()
    recorders[0].handle.remove()
    second = model(x + 1)
    return [first, second, *recorders[0].given, *recorders[0].found, *seen["stem"], *seen["pool"], *seen["block"],
            *attention[0], *attention[1]]
"""
)


def test_hooks_see_the_same_and_change_the_same() -> None:
    torch = pytest.importorskip("torch")
    jnp = pytest.importorskip("jax.numpy")
    nnx = pytest.importorskip("flax.nnx")
    from torch2jax.verify.precision import float64, widen

    conversion = convert(RECORDED)
    assert {d.severity for d in conversion.diagnostics} == {"note"}
    spaces: list[dict[str, Any]] = [{"__name__": "program"}, {"__name__": "program"}]
    for code, space in zip((RECORDED, conversion.code), spaces, strict=True):
        exec(compile(code, "program", "exec"), space)
    x = np.random.default_rng(0).normal(size=(2, 3, 9, 8))
    with float64():
        model, twin = spaces[0]["build"]().double(), spaces[1]["build"](rngs=nnx.Rngs(0))
        widen(twin)
        load_state_dict(twin, model.state_dict())
        expected, found = spaces[0]["run"](model, torch.tensor(x)), spaces[1]["run"](twin, jnp.asarray(x))
        assert len(found) == len(expected) == 14
        for have, want in zip(found, expected, strict=True):
            np.testing.assert_allclose(np.asarray(have), want.detach().numpy(), rtol=1e-9, atol=1e-12)


FLAGGED = {
    "several orders": ("for layer in (model.stem, model.fc):\n        layer.register_forward_hook(hook)", {"T2J106"}),
    "any module": ("for layer in model.modules():\n        layer.register_forward_hook(hook)", {"T2J106"}),
    "keywords": ("model.fc.register_forward_hook(hook, with_kwargs=True)", {"T2J102"}),
    "prepended": ("model.fc.register_forward_hook(hook, prepend=True)", {"T2J102"}),
    "in place": ("model.fc.register_forward_hook(doubled)", {"T2J105"}),
    "backward": ("model.fc.register_full_backward_hook(hook)", {"T2J108"}),
    "random": ("model.fc.register_forward_hook(noisy)", {"T2J108"}),
}


@pytest.mark.parametrize(("line", "codes"), FLAGGED.values(), ids=FLAGGED)
def test_what_a_hook_would_see_otherwise_is_flagged(line: str, codes: set[str]) -> None:
    source = f"""{MODEL}
def hook(module, args, output):
    print(output.shape)


def doubled(module, args, output):
    output.mul_(2)


def noisy(module, args, output):
    return output + torch.randn(2, 5)


def run(x):
    model = Net()
    {line}
    return model(x)
"""
    assert {d.code for d in convert(source).diagnostics if d.severity == "error"} == codes


@pytest.mark.parametrize(
    ("kept", "act", "is_warned"),
    [
        ("output", "nn.ReLU(inplace=True)", True),
        ("output.detach()", "nn.ReLU(inplace=True)", True),
        ("output.clone()", "nn.ReLU(inplace=True)", False),
        ("output.sum()", "nn.ReLU(inplace=True)", False),
        ("output", "nn.ReLU()", False),
    ],
)
def test_memory_that_is_kept_and_may_change_is_warned_of(kept: str, act: str, is_warned: bool) -> None:
    source = MODEL.replace("nn.ReLU()", act) + (
        f"def run(x):\n    model = Net()\n    seen = []\n"
        f"    def hook(module, args, output):\n        seen.append({kept})\n"
        "    model.layers[0].conv.register_forward_hook(hook)\n    return model(x), seen\n"
    )
    assert ("T2J201" in {d.code for d in convert(source).diagnostics}) == is_warned


def test_a_module_from_elsewhere_is_assumed_to_keep_torchs_order() -> None:
    source = "def run(layer, hook):\n    import torch\n    return layer.register_forward_hook(hook)\n"
    assert [d.code for d in convert(source).diagnostics] == ["T2J201"]
