"""Give a package another name in its own absolute imports, so that the copy does not import the original."""

import ast
import re


def rename_package(code: str, old: str, new: str) -> str:
    """The code with ``import old...`` and ``from old... import`` saying `new`, and the names that such imports bind.

    Returns the code as it is where it can't be parsed or does not import the package.
    """
    if old not in code:
        return code
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code
    lines = code.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    data = code.encode()
    edits = sorted(set(_places(tree, data, starts, old)), reverse=True)
    for begin in edits:
        data = data[:begin] + new.encode() + data[begin + len(old.encode()) :]
    return data.decode()


def _places(tree: ast.Module, data: bytes, starts: list[int], old: str) -> list[int]:
    """Where the name stands, in bytes from the beginning."""
    found: list[int] = []
    binds = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if _is_inside(alias.name, old):
                    found.append(starts[alias.lineno - 1] + alias.col_offset)
                    binds = binds or alias.asname is None
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module and _is_inside(node.module, old):
            begin = starts[node.lineno - 1] + node.col_offset
            word = re.compile(rb"from[\s\\]+").match(data, begin)
            if word:
                found.append(word.end())
    if binds:
        names = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == old)
        found += [starts[node.lineno - 1] + node.col_offset for node in names]
    return found


def _is_inside(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
