"""Fast layers of packages for PyTorch, with PyTorch's own where those are not installed."""

import pytest

from torch2jax.convert import convert

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n"


def converted(top: str, use: str = "Norm(3)") -> tuple[str, list[str]]:
    conversion = convert(f"{HEAD}{top}\n\ndef f():\n    return {use}\n")
    return conversion.code, [d.code for d in conversion.diagnostics]


@pytest.mark.parametrize(
    "top",
    [
        "try:\n    from apex.norms import Fast as Norm\nexcept ImportError:\n    Norm = nn.LayerNorm\n",
        "try:\n    from apex.norms import Fast as Norm\nexcept:\n    from torch.nn import LayerNorm as Norm\n",
    ],
)
def test_the_stand_in_takes_the_place_of_the_import(top: str) -> None:
    code, codes = converted(top)
    assert "apex" not in code
    assert "nnx.LayerNorm" in code
    assert "rngs=rngs)" in code
    assert "T2J301" in codes


@pytest.mark.parametrize(
    "top",
    [
        "try:\n    from apex.normalization import FusedRMSNorm as Norm\nexcept ImportError:\n    Norm = nn.RMSNorm\n",
        "try:\n    from apex.normalization import FusedRMSNorm as Norm\nexcept ImportError:\n    Norm = None\n",
    ],
)
def test_what_rules_translate_is_taken(top: str) -> None:
    code, codes = converted(top, "Norm(3, 1e-3)")
    assert "nnx.RMSNorm(3, epsilon=1e-3" in code
    assert not {"apex", "try:", "except"} & set(code.split())
    assert codes == []


def test_a_flag_beside_the_import_stays() -> None:
    body = "try:\n    from timm.layers import DropPath\n    FOUND = True\nexcept ImportError:\n    FOUND = False\n"
    code, codes = converted(body, "DropPath(0.1) if FOUND else nn.Identity()")
    assert "FOUND = True\n" in code
    assert "except" not in code
    assert codes == []


@pytest.mark.parametrize(
    "top",
    [
        "try:\n    from tqdm import tqdm as Norm\nexcept ImportError:\n    Norm = list\n",
        "try:\n    from fast import Norm\nexcept ImportError:\n    Norm = None\n",
        "try:\n    from fast import Norm, other\nexcept ImportError:\n    Norm = nn.LayerNorm\n",
        "try:\n    from fast import Norm\n    other = 1\nexcept ImportError:\n    Norm = nn.LayerNorm\n",
        "try:\n    from fast import Norm\nexcept ValueError:\n    Norm = nn.LayerNorm\n",
        "try:\n    from timm.layers import DropPath as Norm\n    start()\nexcept ImportError:\n    Norm = list\n",
        "try:\n    from timm.layers import DropPath as Norm, other\nexcept ImportError:\n    Norm = list\n",
    ],
)
def test_other_imports_are_tried(top: str) -> None:
    assert "try:\n" in converted(top)[0]


def test_functions_that_this_torch_has() -> None:
    code, codes = converted("FAST = hasattr(torch.nn.functional, 'scaled_dot_product_attention')", "FAST")
    assert "FAST = True\n" in code
    assert codes == []


def test_a_name_for_a_module_of_torch_is_dropped() -> None:
    code, codes = converted("G = torch.nn.functional", "G.relu(torch.zeros(2))")
    assert "G" not in code
    assert codes == []
    assert converted("G = torch.nn.functional", "vars(G)")[1] != []
