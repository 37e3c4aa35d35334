"""What a source file imports and calls, for the tests that hold the rules."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

MAX_LINES = 300


@dataclass(frozen=True)
class Import:
    line: int
    relative: bool
    target: tuple[str, ...]


def imports_of(tree: ast.AST, package: tuple[str, ...]) -> Iterator[Import]:
    """Every import in a file of `package`, at any depth; relative ones seen from facea_core."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, False, tuple(alias.name.split(".")))
        elif isinstance(node, ast.ImportFrom):
            module = tuple(node.module.split(".")) if node.module else ()
            if node.level:
                base = package[: len(package) - node.level + 1]
                for alias in node.names:
                    yield Import(node.lineno, True, (*base, *module, alias.name))
            else:
                for alias in node.names:
                    yield Import(node.lineno, False, (*module, alias.name))


def circle_in(root: Path) -> list[str]:
    """Modules of the package at `root` that import each other around, the first one twice.

    Imports for type checkers and inside functions count as any other. Empty if there is no circle.
    """
    files = {_module(path, root): path for path in sorted(root.rglob("*.py"))}

    def imported(target: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        known = (target[:length] for length in range(len(target), 0, -1))
        yield from (module for module in known if module in files)

    graph = {}
    for module, path in files.items():
        items = imports_of(
            ast.parse(path.read_text("utf-8")), _module(path.parent / "_", root)[:-1]
        )
        graph[module] = {next(imported(item.target), module) for item in items} - {module}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [".".join(module) for module in error.args[1]]
    return []


def _module(path: Path, root: Path) -> tuple[str, ...]:
    """`facea_core/io/files.py` as (facea_core, io, files), a package's own file as the package."""
    parts = path.relative_to(root.parent).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def calls_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def unsafe_loads(tree: ast.AST) -> Iterator[int]:
    """Lines of torch.load without a literal weights_only=True."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            safe = [key.value for key in node.keywords if key.arg == "weights_only"]
            if not any(isinstance(one, ast.Constant) and one.value is True for one in safe):
                yield node.lineno


def too_long(name: object, source: str) -> list[str]:
    lines = len(source.splitlines())
    return [f"{name}: {lines} lines, at most {MAX_LINES}"] if lines > MAX_LINES else []


def found_in(
    violations: Callable[[Path], list[str]], root: Path, file: str, source: str
) -> list[str]:
    """What is wrong in a tree at `root` that holds one file with this source."""
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return violations(root)
