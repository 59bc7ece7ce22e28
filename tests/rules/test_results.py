"""Every rule says what kind of value it gives: of what comes from one that does not, nothing is known."""

from torch2jax.rules.cache import load_book

# What may be anything, or what no annotation names.
OPEN = {
    "torch.utils.checkpoint.checkpoint": "what the function gives",
    "torch.distributions.TransformedDistribution.transforms": "a list of transforms of any class",
    "torch.nn.utils.rnn.pack_padded_sequence": "a sequence that recurrent layers alone read",
    "torch.nn.utils.rnn.pack_sequence": "a sequence that recurrent layers alone read",
    "torch.jit.script": "the function or module that it is given",
    "torch.compile": "the function or module that it is given",
    "torch.jit.annotate": "the value that it is given",
    "torch.utils._pytree.tree_map": "a tree like the one that it is given",
    "torch.utils._pytree.tree_flatten": "leaves of any kind, and a structure",
    "torch.utils._pytree.tree_unflatten": "a tree of any form",
    "torch.Tensor.tolist": "lists as deep as the tensor has axes",
    "torch.strided": "a layout",
    "torch.finfo": "limits of a dtype",
    "torch.iinfo": "limits of a dtype",
    "torch.unique": "one array or several, where the flags are known when the program runs",
}


def test_every_rule_says_what_it_gives() -> None:
    silent = {
        rule.name
        for rule in load_book().rules()
        if rule.result is None and any(branch.template is not None for branch in rule.branches)
    }
    assert silent == set(OPEN)
