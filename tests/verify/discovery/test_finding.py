"""What is found to build and call in a file that says nothing, or only shows it."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

pytest.importorskip("torch")

from torch2jax.verify import Case, CaseError
from torch2jax.verify.discovery import discover

Find = Callable[[str], list[Case]]


@pytest.fixture
def find(tmp_path: Path) -> Find:
    def find(body: str) -> list[Case]:
        path = tmp_path / "net.py"
        path.write_text(f"import torch\nfrom torch import nn\n{dedent(body)}")
        return discover(path).cases

    return find


def calls(cases: list[Case]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(case.entry, case.args, case.inputs) for case in cases]


NET = """
class Net(nn.Module):
    def __init__(self, dim, depth=1):
        super().__init__()
        self.layers = nn.Sequential(*[nn.Linear(dim, dim) for _ in range(depth)])

    def forward(self, x, scale=1.0):
        return scale * self.layers(x)
"""


def test_the_main_block_shows_construction_and_call(find: Find) -> None:
    main = """
if __name__ == "__main__":
    print("training")
    open("written.txt", "w").write("x")
    net = Net(6, depth=2)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    while True:
        net(torch.randn(1, 9, 6), scale=2.0).sum().backward()
        optimizer.step()
"""
    (case,) = find(NET + main)
    assert (case.entry, case.args, case.inputs) == ("Net", "dim=6, depth=2", ("f32[2,9,6]", "scale=2.0"))
    assert case.origin == "what its own example runs"
    assert not Path("written.txt").exists()


def test_a_block_that_asks_for_a_gpu_and_calls_functions_is_followed(find: Find) -> None:
    main = """
def test():
    net = Net(dim=6).cuda()
    net(torch.randn(4, 6, device="cuda").to("cuda"))


if __name__ == "__main__":
    test()
"""
    assert calls(find(NET + main)) == [("Net", "dim=6", ("f32[4,6]",))]


def test_names_of_the_main_block_are_none_of_the_module(find: Find) -> None:
    main = """
if __name__ == "__main__":
    width = 6
    net = Net(width)
    hidden = net.layers(torch.randn(2, width))
"""
    (case,) = find(NET + main)
    assert (case.args, case.origin) == ("dim=32", "its constructor and first layers")


def test_a_test_function_is_run_where_there_is_no_main_block(find: Find) -> None:
    assert calls(find(f"{NET}\n\ndef test_net():\n    Net(7)(torch.rand(5, 7))\n")) == [
        ("Net", "dim=7", ("unit[5,7]",))
    ]


def test_arguments_of_an_example_that_have_no_text_are_left(find: Find) -> None:
    body = """
class Net(nn.Module):
    def __init__(self, dim=6, act=nn.ReLU()):
        super().__init__()
        self.fc, self.act = nn.Linear(dim, 4), act

    def forward(self, x):
        return self.act(self.fc(x))


if __name__ == "__main__":
    Net(8, nn.GELU())(torch.randn(2, 8))
"""
    assert calls(find(body)) == [("Net", "", ("f32[3,6]",))]


def test_get_inputs_and_get_init_inputs_give_the_case(find: Find) -> None:
    body = """
def get_init_inputs():
    return [6]


def get_inputs():
    return [torch.rand(3, 6), 2.0]
"""
    assert calls(find(NET.replace("Net", "Model") + body)) == [("Model", "6", ("unit[3,6]", "=2.0"))]


@pytest.mark.parametrize(
    ("layers", "forward", "inputs"),
    [
        ("self.a = nn.Embedding(11, 5)", "self.a(ids)", ("int[2,7]<11",)),
        ("self.a = nn.LSTM(6, 5)", "self.a(ids)[0]", ("f32[3,5,6]",)),
        ("self.a = nn.MultiheadAttention(6, 2)", "self.a(ids, ids, ids)[0]", ("f32[3,5,6]",)),
        ("self.a = nn.LayerNorm(9)", "self.a(ids)", ("f32[3,9]",)),
        ("self.a = nn.Conv3d(2, 4, 3)", "self.a(ids)", ("f32[3,2,33,35,37]",)),
        ("self.a = nn.Linear(1200, 4)", "self.a(ids)", ("f32[3,1200]",)),
    ],
)
def test_the_first_layer_gives_the_input(find: Find, layers: str, forward: str, inputs: tuple[str, ...]) -> None:
    body = f"""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        {layers}

    def forward(self, ids):
        return {forward}
"""
    assert find(body)[0].inputs == inputs


def test_images_of_the_only_size_that_fits_are_found(find: Find) -> None:
    body = """
class Net(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(4 * 10 * 10, num_classes)

    def forward(self, x):
        return self.fc(nn.functional.max_pool2d(self.conv(x), 4).flatten(1))
"""
    ((entry, args, inputs),) = calls(find(body))
    assert (entry, args) == ("Net", "num_classes=10")
    height, width = map(int, inputs[0].removesuffix("]").split(",")[2:])
    assert (height // 4) * (width // 4) == 100


def test_several_inputs_of_different_kinds(find: Find) -> None:
    body = """
class Net(nn.Module):
    def __init__(self, vocab_size, dim, heads):
        super().__init__()
        assert dim % heads == 0
        self.embed = nn.Embedding(vocab_size, dim)
        self.time = nn.Linear(1, dim)

    def forward(self, tokens, t, mask):
        x = self.embed(tokens) + self.time(t[:, None])[:, None]
        return x.masked_fill(~mask[..., None], 0.0)
"""
    ((_, args, inputs),) = calls(find(body))
    assert args == "vocab_size=50, dim=32, heads=4"
    assert inputs == ("int[2,7]<50", "unit[2]", "bool[2,7]")


def test_the_layer_that_the_input_goes_into_counts_and_not_the_one_that_is_built_first(find: Find) -> None:
    body = """
class Block(nn.Module):
    def __init__(self, cin, cout, cond):
        super().__init__()
        self.film = nn.Linear(cond, 2 * cout)
        self.conv = nn.Conv1d(cin, cout, 3, padding=1)

    def forward(self, x, c):
        scale, shift = self.film(c).unsqueeze(-1).chunk(2, dim=1)
        return self.conv(x) * scale + shift


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.time = nn.Linear(1, 16)
        self.block = Block(2, 8, 16)

    def forward(self, x, t):
        return self.block(x, self.time(t[:, None]))
"""
    ((_, _, (x, t)),) = calls(find(body))
    sizes = x.removeprefix("f32[").removesuffix("]").split(",")
    assert (len(sizes), sizes[1], t) == (3, "2", f"unit[{sizes[0]}]")


def test_configurations_are_made_small(find: Find) -> None:
    body = """
from dataclasses import dataclass


@dataclass
class Config:
    vocab_size: int = 50257
    n_embd: int = 768
    bias: bool = True


class Net(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.embed = nn.Embedding(config.vocab_size, config.n_embd)
        self.head = nn.Linear(config.n_embd, config.vocab_size, bias=config.bias)

    def forward(self, idx):
        return self.head(self.embed(idx))
"""
    assert calls(find(body)) == [("Net", "config=Config(vocab_size=50, n_embd=32)", ("int[2,7]<50",))]
    untyped = body.replace("config: Config", "cfg").replace("config.", "cfg.").replace("class Config:", "class Other:")
    assert find(untyped)[0].args == "cfg=Other(vocab_size=50, n_embd=32)"


def test_texts_that_a_constructor_compares_with_are_values(find: Find) -> None:
    body = """
class Net(nn.Module):
    def __init__(self, dims, kind):
        super().__init__()
        if kind not in ("sum", "product"):
            raise ValueError(kind)
        a, b, c = dims
        self.layers = nn.Sequential(nn.Linear(a, b), nn.Linear(b, c))

    def forward(self, x):
        return self.layers(x)
"""
    ((_, args, _),) = calls(find(body))
    assert args.endswith("kind='sum'")
    assert args.startswith("dims=(")


def test_classes_that_others_build_have_no_case_of_their_own(find: Find) -> None:
    body = """
class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.fc = nn.Linear(dim, dim)

    def forward(self, x):
        return self.fc(x)


class Net(nn.Module):
    def __init__(self, block, layers):
        super().__init__()
        self.blocks = nn.Sequential(*[block(5) for _ in range(layers)])

    def forward(self, x):
        return self.blocks(x)


class Other(Block):
    pass


def net():
    return Net(Block, 2)
"""
    cases = find(body)
    assert [case.entry for case in cases] == ["Net", "Other"]
    assert cases[0].args == "Block, 2"


def test_sizes_differ_where_the_model_goes_along(find: Find) -> None:
    body = """
class Net(nn.Module):
    def __init__(self, img_size=32):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 4, stride=4)

    def forward(self, image):
        return self.conv(image)
"""
    ((_, _, inputs),) = calls(find(body))
    sizes = inputs[0].removeprefix("f32[").removesuffix("]").split(",")
    assert len(set(sizes)) == 4


def test_a_class_without_a_case_is_named(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    hopeless = "class Hard(nn.Module):\n    def forward(self, x):\n        raise ValueError('never')\n"
    path.write_text(f"import torch\nfrom torch import nn\n{NET}\n\n{hopeless}")
    found = discover(path)
    assert [case.entry for case in found.cases] == ["Net"]
    assert len(found.left_out) == 1
    assert found.left_out[0].startswith(
        "no case was found for Hard (Hard() raised ValueError: never): say --entry Hard"
    )
    path.write_text(f"from torch import nn\n{hopeless}")
    with pytest.raises(CaseError, match="nothing was found that runs; no case was found for Hard"):
        discover(path)


def test_a_folder_and_a_file_in_a_package_are_searched(tmp_path: Path) -> None:
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('not needed by a single file')\n")
    (package / "parts.py").write_text(f"import torch\nfrom torch import nn\n{NET}")
    (package / "net.py").write_text(
        "from torch import nn\nfrom .parts import Net\n\n\nclass Top(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.net = Net(5)\n\n"
        "    def forward(self, x):\n        return self.net(x)\n"
    )
    assert calls(discover(package / "net.py").cases) == [("Top", "", ("f32[3,5]",))]
    (package / "__init__.py").write_text("")
    assert [case.entry for case in discover(package).cases] == ["pkg.net:Top"]


def test_images_that_must_fall_into_windows_are_found(find: Find) -> None:
    body = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 4, stride=4)

    def forward(self, x):
        x = self.conv(x)
        assert x.shape[2] % 7 == 0, f"height {x.shape[2]} must be divisible by window size 7"
        b, c, h, w = x.shape
        return x.view(b, c, h // 7, 7, w)
"""
    ((_, _, inputs),) = calls(find(body))
    assert int(inputs[0].split(",")[2]) // 4 % 7 == 0


def test_optional_arguments_that_an_error_speaks_of_are_given(find: Find) -> None:
    body = """
class Net(nn.Module):
    def __init__(self, dim, depth=None):
        super().__init__()
        assert depth is not None, "depth must be supplied"
        self.layers = nn.Sequential(*[nn.Linear(dim, dim) for _ in range(depth)])

    def forward(self, x):
        return self.layers(x)
"""
    assert calls(find(body)) == [("Net", "dim=32, depth=2", ("f32[3,32]",))]
