"""The rule book and how a call is translated with it.

    book = load_book()                                         # cache.py: the compiled book, in milliseconds
    for rule in book.lookup("torch.cat"):                      # overloads, in the order they are tried
        bound = bind(rule, positional, keywords)               # bind.py: Arg(node, value, type, ...) in
        if isinstance(bound, Mismatch):
            continue                                           # bound.reason, if no overload fits
        choice = choose(rule, bound)                           # guards.py: Choice, or Refusal(reason, hint)
        if isinstance(choice, Refusal):
            ...                                                # report it
        values = fill_args(bound, rewrite)                     # rewrite/fill.py: rewrite(Arg) gives the converted node
        filled = fill(choice.branch.template, values, FillContext())
        if filled.needs_binding:
            ...                                                # bind these parameters to names first, fill again
        filled.expression                                      # parenthesize(node, least) where an operator follows

A method call passes its receiver as the first positional argument: `book.methods("view")`. Arguments `*x` are `Arg`s
with `starred=True` at their place among the positional ones. `Rule.call` is the `Call` of the object that a Module
rule builds; it binds and chooses like a rule, with the flax object as `self`. `choice.unused` and
`choice.assumptions` must be reported (T2J102, T2J201), `choice.dropped` noted (T2J301).
"""
