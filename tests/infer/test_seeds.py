"""``torch.manual_seed``: the streams that start from the seeds of the program."""

import pytest

from torch2jax.convert import convert

HEAD = "import torch\nimport torch.nn as nn\n\n\n"
SEED_ALL = "def seed_all(seed):\n    torch.manual_seed(seed)\n\n\n"
MODULE = "class A(nn.Module):\n    def forward(self, x):\n        "


def lines(source: str) -> list[str]:
    conversion = convert(HEAD + source)
    assert [d.headline for d in conversion.diagnostics if d.severity == "error"] == []
    return conversion.code.splitlines()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("torch.manual_seed(42)\nx = torch.randn(3)", ["rngs = nnx.Rngs(42)"]),
        ("torch.random.manual_seed(seed=42)\nx = torch.randn(3)", ["rngs = nnx.Rngs(42)"]),
        (
            "torch.manual_seed(1)\nx = torch.randn(3)\ntorch.manual_seed(2)\ny = torch.randn(3)",
            ["rngs = nnx.Rngs(1)", "rngs = nnx.Rngs(2)"],
        ),
        ("if __name__ == '__main__':\n    torch.manual_seed(1)\n    print(torch.randn(3))", ["    rngs = nnx.Rngs(1)"]),
        ("x = torch.randn(3)\ntorch.manual_seed(1)\ny = torch.randn(3)", ["rngs = nnx.Rngs(0)", "reseed(rngs, 1)"]),
        ("def main(seed):\n    torch.manual_seed(seed)\n    return nn.Linear(3, 2)", ["    rngs = nnx.Rngs(seed)"]),
        (
            "def main(seed):\n    if seed is not None:\n        torch.manual_seed(seed)\n    return torch.randn(3)",
            ["def main(seed, *, rngs: nnx.Rngs):", "        reseed(rngs, seed)"],
        ),
        (
            SEED_ALL + "def main():\n    seed_all(3)\n    return torch.randn(3)",
            ["def seed_all(seed, *, rngs: nnx.Rngs):", "    reseed(rngs, seed)", "    seed_all(3, rngs=rngs)"],
        ),
        ("g = torch.manual_seed(1)\nx = torch.randn(3, generator=g)", ["rngs = nnx.Rngs(0)", "g = reseed(rngs, 1)"]),
        (
            MODULE + "torch.manual_seed(0)\n        return x + torch.rand(2)",
            ["        reseed(self.rngs, 0)"],
        ),
    ],
)
def test_a_stream_starts_from_the_seed(source: str, expected: list[str]) -> None:
    code = lines(source)
    assert [line for line in code if line in expected or "rngs = nnx.Rngs(" in line] == expected


def test_a_function_with_a_stream_of_its_own_is_not_given_one() -> None:
    code = lines("def main(seed):\n    torch.manual_seed(seed)\n    return torch.randn(3)\n\n\nprint(main(1))")
    assert "def main(seed):" in code
    assert "print(main(1))" in code
    assert not any("Rngs(0)" in line for line in code)


def test_a_seed_of_nothing_is_dropped() -> None:
    conversion = convert(HEAD + "torch.manual_seed(1)\nx = torch.ones(3)\n")
    assert "Rngs" not in conversion.code
    assert [d.message for d in conversion.diagnostics] == [
        "torch.manual_seed is dropped: nothing draws random numbers here"
    ]


def test_the_stream_of_data_loading_is_seeded_too() -> None:
    source = (
        "from torch.utils.data import DataLoader\n\n\ndef main(seed, data):\n    torch.manual_seed({})\n"
        "    net = nn.Linear(3, 2)\n    for x in DataLoader(data, shuffle=True):\n        net(x)\n"
    )
    code = lines(source.format("seed"))
    start = code.index("    torch.manual_seed(seed)")
    assert code[start + 1] == "    rngs = nnx.Rngs(seed)"
    code = lines(source.format("seed + 1"))
    start = code.index("    seed_ = seed + 1")
    assert code[start + 1 : start + 3] == ["    torch.manual_seed(seed_)", "    rngs = nnx.Rngs(seed_)"]


@pytest.mark.parametrize(
    "line",
    [
        "torch.backends.cudnn.benchmark = True",
        "cudnn.deterministic = True",
        "torch.backends.cuda.matmul.allow_tf32 = True",
    ],
)
def test_settings_of_kernels_are_dropped(line: str) -> None:
    conversion = convert(f"import torch\nimport torch.backends.cudnn as cudnn\n\n{line}\nx = torch.ones(3)\n")
    assert [(d.code, "is dropped" in d.message) for d in conversion.diagnostics] == [("T2J301", True)]
    assert "torch" not in conversion.code
