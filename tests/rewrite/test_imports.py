"""Import statements: what goes, what comes and where, and that everything else stays byte for byte."""

import ast
from textwrap import dedent

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torch2jax.rewrite.imports import ROOTS, Requirement, choose_aliases, edit_imports, read_names, requirements_for
from torch2jax.source.scope import bind


def edited(source, needed=(), **options):
    requirements = [ROOTS[item] if isinstance(item, str) else item for item in needed]
    output = edit_imports(cst.parse_module(dedent(source)), requirements, **options).code
    ast.parse(output)
    return output


def check(before, needed, after, **options):
    assert edited(before.lstrip("\n"), needed, **options) == dedent(after.lstrip("\n"))


def test_torch_is_replaced_where_it_stood():
    check(
        '''
        """A model."""

        import math

        import numpy as np
        import torch
        import torch.nn as nn
        import torch.nn.functional as F

        from .utils import helper  # ours


        class Net:
            x = jnp.ones(3), nnx.relu, math.pi, np.pi, helper
        ''',
        ["jax", "jnp", "nnx"],
        '''
        """A model."""

        import math

        import jax
        import jax.numpy as jnp
        import numpy as np
        from flax import nnx

        from .utils import helper  # ours


        class Net:
            x = jnp.ones(3), nnx.relu, math.pi, np.pi, helper
        ''',
    )


def test_what_is_still_used_stays():
    check(
        """
        import torch
        import torch.nn as nn
        x = torch.weird(nnx)
        """,
        ["nnx"],
        """
        import torch
        from flax import nnx
        x = torch.weird(nnx)
        """,
    )


def test_unsorted_imports_are_not_sorted():
    check(
        """
        import numpy as np
        import torch
        import einops
        x = np, einops, jnp
        """,
        ["jnp", "nnx"],
        """
        import numpy as np
        import jax.numpy as jnp
        from flax import nnx
        import einops
        x = np, einops, jnp
        """,
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import torch, math\nmath", "import math\n\nimport jax\nmath"),
        ("import math, torch\nmath", "import math\n\nimport jax\nmath"),
        ("import torch, numpy\nnumpy", "import jax\nimport numpy\nnumpy"),
        ("import math; import torch\nmath", "import math\n\nimport jax\nmath"),
        ("import torch; import math; math", "import math; math\n\nimport jax"),
        ("from torch import nn, Tensor\nnn", "import jax\nfrom torch import nn\nnn"),
        ("from torch import nn, Tensor as T\nT", "import jax\nfrom torch import Tensor as T\nT"),
        ("from torch import *\nx", "import jax\nx"),
        ("import torch  # the framework\nx", "import jax\nx"),
        ("# licence\nimport torch\nx", "# licence\nimport jax\nx"),
        ("# licence\n\n# torch\nimport torch\nx", "# licence\n\n# torch\nimport jax\nx"),
        ("from __future__ import annotations\nimport torch\nx", "from __future__ import annotations\nimport jax\nx"),
        ("from __future__ import annotations\nx", "from __future__ import annotations\n\nimport jax\n\nx"),
        ('"""Doc."""\nx', '"""Doc."""\n\nimport jax\n\nx'),
        ("x", "import jax\n\nx"),
        ("def f(): pass", "import jax\n\n\ndef f(): pass"),
        ("# note\ndef f(): pass", "# note\n\nimport jax\n\n\ndef f(): pass"),
        ("", "import jax\n"),
        ("# head\n", "# head\n\nimport jax\n"),
        ("import os\n\nx", "import os\n\nimport jax\n\nx"),
        ("import os\nx", "import os\n\nimport jax\n\nx"),
        ("import zlib\nfrom .a import b\n\nx", "import zlib\n\nimport jax\n\nfrom .a import b\n\nx"),
        ("from .a import b\n\nx", "import jax\n\nfrom .a import b\n\nx"),
        ("import einops\n\nx", "import einops\nimport jax\n\nx"),
        ("import zarr\n\nx", "import jax\nimport zarr\n\nx"),
        ("if a:\n    import torch\n\nx", "import jax\n\nx"),
        ("if a():\n    import torch\nx", "import jax\n\nif a():\n    pass\nx"),
    ],
)
def test_one_new_import(before, after):
    assert edited(before, ["jax"]) == after


def test_parenthesised_names_keep_their_lines_and_comments():
    before = """
        from torch import (
            nn,  # layers
            # tensors
            Tensor,
            optim,  # optimizers
            cat,
        )
        nn, optim
        """
    after = """
        from torch import (
            nn,  # layers
            # tensors
            optim,  # optimizers
        )
        nn, optim
        """
    assert edited(before) == dedent(after)
    assert edited(before.replace("            cat,\n", "")) == dedent(after)


def test_a_last_name_without_a_comma_leaves_none():
    assert edited("from torch import (nn, optim)\nnn") == "from torch import (nn)\nnn"
    assert edited("from torch import (nn, optim)\noptim") == "from torch import (optim)\noptim"


def test_comments_above_removed_imports_move_to_the_next_statement():
    check(
        """
        import os
        # torch
        import torch
        # vision
        import torchvision

        from .a import b  # ours
        os, b
        """,
        [],
        """
        import os
        # torch
        # vision

        from .a import b  # ours
        os, b
        """,
    )
    assert edited("import os\n\nimport torch\nimport einops\nos, einops") == "import os\n\nimport einops\nos, einops"
    assert edited("import torch\n\n\nx") == "x"
    assert edited("x = 1\n# torch\nimport torch\n") == "x = 1\n# torch\n"
    assert edited("import torch\n") == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("try:\n    import torch\nexcept ImportError:\n    torch = None\nx", "x"),
        ("try: import torch\nexcept ImportError: torch = None\nx", "x"),
        ("try:\n    import torch\nexcept ImportError:\n    pass\nelse:\n    y\nfinally:\n    z\nx", "y\nz\nx"),
        (
            "try:\n    import torch\n    ok = True\nexcept ImportError:\n    ok = False\nx",
            "try:\n    ok = True\nexcept ImportError:\n    ok = False\nx",
        ),
        (
            "try:\n    import jax\nexcept ImportError:\n    import torch\njax",
            "try:\n    import jax\nexcept ImportError:\n    pass\njax",
        ),
        (
            "try:\n    from torch.a import b\nexcept ImportError:\n    from torch.c import b\nb",
            "try:\n    from torch.a import b\nexcept ImportError:\n    from torch.c import b\nb",
        ),
        ("try:\n    a\nfinally:\n    import torch\nx", "a\nx"),
        ("if TYPE_CHECKING:\n    from torch import Tensor\nx", "x"),
        ("if TYPE_CHECKING:\n    from torch import Tensor\n    import os\nos", "if TYPE_CHECKING:\n    import os\nos"),
        ("if a:\n    import torch\nelse:\n    b\nx", "if a:\n    pass\nelse:\n    b\nx"),
        ("if a:\n    b\nelse:\n    import torch\nx", "if a:\n    b\nx"),
        ("if a:\n    b\nelif c:\n    import torch\nx", "if a:\n    b\nx"),
        ("if a:\n    b\nelif c():\n    import torch\nx", "if a:\n    b\nelif c():\n    pass\nx"),
        ("if a(): import torch\nx", "if a(): pass\nx"),
        ("def f():\n    import torch\nx", "def f():\n    pass\nx"),
        ("def f():\n    import torch\n    return 1\nx", "def f():\n    return 1\nx"),
        ("def f():\n    import torch\n    return torch\nx", "def f():\n    import torch\n    return torch\nx"),
        ("class A:\n    import torch\nx", "class A:\n    pass\nx"),
        ("with a:\n    import torch\nx", "with a:\n    pass\nx"),
        ("for a in b:\n    import torch\nelse:\n    import torch\nx", "for a in b:\n    pass\nx"),
        ("match a:\n    case 1:\n        import torch\nx", "match a:\n    case 1:\n        pass\nx"),
    ],
)
def test_blocks_are_left_sane(before, after):
    assert edited(before) == after


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ndef f(x: 'torch.Tensor'): pass",
        "from torch import Tensor\nx: 'list[Tensor]' = []",
        "from torch import nn, Tensor\n__all__ = ['nn']\n__all__ += ['Tensor']",
        "import torch\ndel torch",
        "import torch\nclass A:\n    torch = torch",
        "import torch\ndef f():\n    global torch\n    return lambda: torch",
        "from .torch import nn",
        "import torchmetrics",
        "import torch.nn\nimport torch.utils.data\ntorch.nn.X, torch.utils.data.Y",
        "import torch\nimport torch.utils.data\ntorch.utils.data.Y, torch.x",
        "import torch\nimport torch.nn\nf(torch)",
        "from __future__ import annotations",
    ],
)
def test_imports_in_use_stay_byte_for_byte(source):
    module = cst.parse_module(source)
    assert edit_imports(module) is module


def test_a_local_variable_called_like_an_import_is_no_use_of_it():
    assert edited("from torch import nn\ndef f(nn): return nn") == "def f(nn): return nn"


def test_of_several_submodule_imports_the_needed_ones_stay():
    many = "import torch\nimport torch.nn\nimport torch.optim\nimport torch.utils.data\n"
    assert edited(many + "torch.utils.data.X") == "import torch.utils.data\ntorch.utils.data.X"
    assert edited(many + "torch.x") == "import torch\ntorch.x"
    assert edited("import torch.nn\nimport torch.optim\ntorch.x") == "import torch.nn\ntorch.x"


def test_star_imports_stay_while_one_of_their_names_is_in_use():
    def exported(module):
        return ["Linear", "Conv2d"] if module == "torch.nn" else []

    assert edited("from torch.nn import *\nLinear", exported=exported) == "from torch.nn import *\nLinear"
    assert edited("from torch.nn import *\nnnx.Linear", exported=exported) == "nnx.Linear"
    assert edited("from mine import *\nx", exported=exported) == "from mine import *\nx"


def test_names_that_only_the_rewriting_made_unused_go_whatever_their_package():
    source = "from collections import OrderedDict, deque\nimport os\nx"
    assert edited(source, read_before={"OrderedDict", "x"}) == "from collections import deque\nimport os\nx"


def test_packages_to_remove_can_be_chosen():
    assert edited("import torch\nimport timm\nx", removable={"timm"}) == "import torch\nx"
    assert edited("from einops.layers.torch import Rearrange\nimport einops\nx") == "import einops\nx"


# New imports.


def test_a_removed_import_of_the_standard_library_is_no_place_for_others():
    check(
        """
        import argparse
        import copy

        import numpy as np
        import torch
        argparse, np, torch
        """,
        ["jax"],
        """
        import argparse

        import jax
        import numpy as np
        import torch
        argparse, np, torch
        """,
        read_before={"copy"},
    )


def test_standard_library_goes_to_its_block():
    check(
        """
        import os
        import sys
        from pathlib import Path

        import torch
        x
        """,
        ["partial", "math", "jax"],
        """
        import math
        import os
        import sys
        from functools import partial
        from pathlib import Path

        import jax
        x
        """,
    )


def test_a_first_standard_library_import_gets_its_own_block():
    check(
        """
        # head

        import torch
        from .a import b
        x
        """,
        ["partial", "jnp", "nnx"],
        """
        # head

        from functools import partial

        import jax.numpy as jnp
        from flax import nnx
        from .a import b
        x
        """,
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from functools import wraps\nx", "from functools import partial, wraps\nx"),
        ("from functools import lru_cache\nx", "from functools import lru_cache, partial\nx"),
        ("from functools import (wraps)\nx", "from functools import (partial, wraps)\nx"),
        (
            "from functools import (\n    lru_cache,\n)\nx",
            "from functools import (\n    lru_cache,\n    partial,\n)\nx",
        ),
        (
            "from functools import (\n    lru_cache,  # fast\n    wraps\n)\nx",
            "from functools import (\n    lru_cache,  # fast\n    partial,\n    wraps\n)\nx",
        ),
        ("from functools import *\nx", "from functools import *\nfrom functools import partial\nx"),
        ("from functools import partial\nx", "from functools import partial\nx"),
        ("from functools import partial as p\nx", "from functools import partial as p, partial\nx"),
        (
            "def f():\n    from functools import partial",
            "from functools import partial\n\n\ndef f():\n    from functools import partial",
        ),
    ],
)
def test_names_join_the_import_of_their_module(before, after):
    assert edited(before, ["partial"]) == after


def test_long_lists_of_names_are_wrapped():
    names = [Requirement("pkg.helpers", f"helper_number_{i}", level=1) for i in range(6)]
    output = edited("x", names)
    assert output.startswith("from .pkg.helpers import (\n    helper_number_0,\n    helper_number_1,\n")
    assert output.endswith("    helper_number_5,\n)\n\nx")


def test_relative_imports_come_last():
    check(
        """
        import torch

        from .blocks import Block

        x
        """,
        ["jax", Requirement("torch2jax_helpers", "pair", level=1), Requirement("base", "Base", level=2)],
        """
        import jax

        from ..base import Base
        from .blocks import Block
        from .torch2jax_helpers import pair

        x
        """,
    )
    assert (
        edited("import torch\n\nx", ["jax", Requirement("h", "pair", level=1)])
        == "import jax\n\nfrom .h import pair\n\nx"
    )


def test_a_conditional_import_does_not_bind_what_is_needed():
    source = "try:\n    import numpy as np\nexcept ImportError:\n    np = None\nnp"
    assert edited(source, ["np"]).count("import numpy as np") == 2


# Names.


@pytest.mark.parametrize(
    ("source", "root", "local"),
    [
        ("", "jnp", "jnp"),
        ("import jax.numpy as np\nnp", "jnp", "np"),
        ("import jax.numpy as np\nnp", "np", "numpy"),
        ("import numpy\nnumpy", "np", "numpy"),
        ("import numpy as np\nimport numpy", "np", "np"),
        ("nnx = 1", "nnx", "flax_nnx"),
        ("def f(nnx): pass", "nnx", "flax_nnx"),
        ("nnx = flax_nnx = 1", "nnx", "_nnx"),
        ("nnx = flax_nnx = _nnx = 1", "nnx", "flax_nnx_2"),
        ("jax = 1", "jax", "_jax"),
        ("import functools\nfunctools", "partial", "partial"),
        ("def f():\n    import numpy as np", "np", "np"),
        ("try:\n    import numpy as np\nexcept ImportError:\n    np = None", "np", "numpy"),
        ("import numpy as np\ndef f(np): pass", "np", "numpy"),
        ("from .jax import jax", "jax", "_jax"),
        ("from somewhere import *\njnp.x", "jnp", "jax_numpy"),
        ("jnp.x", "jnp", "jnp"),
    ],
)
def test_each_root_gets_a_name_that_means_nothing_else(source, root, local):
    aliases = choose_aliases(bind(cst.parse_module(source)))
    assert aliases[root] == local
    assert len(set(aliases.values())) == len(ROOTS)


def test_names_can_be_kept_free_and_requirements_of_helpers_join_in():
    binding = bind(cst.parse_module("class Any: pass"))
    needed = ["np", ROOTS["np"], Requirement("typing", "Any"), Requirement("typing", "Sequence")]
    aliases = choose_aliases(binding, needed, taken={"np"})
    assert aliases == {"np": "numpy", "Any": "typing_Any", "Sequence": "Sequence"}


def test_aliases_become_imports():
    aliases = {"jnp": "jax_numpy", "nnx": "flax_nnx", "jax": "_jax", "np": "numpy"}
    source = edited("x", requirements_for(["jnp", "nnx", "jax", "np", "lax"], aliases))
    assert source == (
        "import jax as _jax\nimport jax.numpy as jax_numpy\nimport numpy\n"
        "from flax import nnx as flax_nnx\nfrom jax import lax\n\nx"
    )


def test_read_names_are_those_of_every_scope():
    assert read_names(bind(cst.parse_module("a = b\ndef f(c=d):\n    return c, [e for e in g]"))) == set("bdcge")


# Properties, over files made of import blocks.

IMPORTS = st.sampled_from(
    [
        "import torch",
        "import torch, math",
        "import torch.nn as nn",
        "from torch import nn, optim as o",
        "from torch import (\n    nn,  # layers\n    Tensor,\n)",
        "import os; import torch",
        "import os",
        "import zlib, os.path",
        "from functools import wraps",
        "import numpy as np  # arrays",
        "import jax",
        "from flax import (\n    linen,\n)",
        "from .a import b",
        "from torchvision.ops import box_iou",
    ]
)
WRAPPED = st.one_of(
    IMPORTS,
    IMPORTS.map(lambda s: "try:\n    " + s.replace("\n", "\n    ") + "\nexcept ImportError:\n    torch = None"),
    IMPORTS.map(lambda s: "def f():\n    " + s.replace("\n", "\n    ") + "\n    return nn"),
    IMPORTS.map(lambda s: "if x:\n    " + s.replace("\n", "\n    ")),
)
OTHER = st.sampled_from(
    ["", "\n", "# comment", "x = nn.Linear", "@torch.jit.script\ndef g(): pass", "class A(nn.Module): pass", "o = 1"]
)
FILES = st.tuples(
    st.sampled_from(["", '"""Doc."""\n', "# head\n", "#!/bin/sh\n\n", "from __future__ import annotations\n"]),
    st.lists(st.one_of(WRAPPED, OTHER), max_size=8).map("\n".join),
    st.sampled_from(["", "\n", "\n# end\n"]),
).map("".join)


@settings(max_examples=200, deadline=None)
@given(FILES)
def test_a_file_of_which_nothing_goes_and_to_which_nothing_comes_is_the_same_file(source):
    module = cst.parse_module(source)
    assert edit_imports(module, removable=()) is module
    assert module.code == source


@settings(max_examples=300, deadline=None)
@given(FILES, st.sets(st.sampled_from(sorted(ROOTS)), min_size=1))
def test_every_needed_root_is_bound_once_and_nothing_else_is_lost(source, roots):
    before = cst.parse_module(source)
    aliases = choose_aliases(bind(before), sorted(roots))
    after = edit_imports(before, requirements_for(roots, aliases))
    tree = ast.parse(after.code)
    bound = [a.asname or a.name for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names]
    for root in roots:  # imports of torch are thinned out
        most = max(1, before_count(source, aliases[root]))
        assert bound.count(aliases[root]) in (range(1, most + 1) if root == "torch" else [most])
    futures = [i for i, n in enumerate(tree.body) if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    assert futures in ([], [0])
    assert ast.get_docstring(tree) == ast.get_docstring(ast.parse(source))
    assert [line for line in source.splitlines() if line.startswith(("x = ", "@", "class", "#", "o ="))] == [
        line for line in after.code.splitlines() if line.startswith(("x = ", "@", "class", "#", "o ="))
    ]
    unused = {i.name for i in bind(after).import_list if i.qualified.startswith("torch")} - read_names(bind(after))
    assert unused <= {aliases[root] for root in roots}
    assert edit_imports(after, requirements_for(roots, aliases)).code == after.code


def before_count(source, local):
    """How often the file itself imports the name at its top level."""
    tree = ast.parse(source)
    names = [a.asname or a.name for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names]
    return names.count(local)
