"""Where each part of a YAML text begins and ends, comments told apart from what they belong to.

PyYAML's marks say where a node begins; where a block ends they do not (the mark stands at the next
token, behind blank lines and comments). So the end of a block is that of its last scalar.
"""

from __future__ import annotations

from dataclasses import dataclass

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from infra.model.positions import Path


@dataclass(frozen=True)
class Spot:
    """A line and a column, both from 0, counted in characters."""

    line: int
    column: int


@dataclass(frozen=True)
class Span:
    """A node's extent: of a flow node and a scalar to the character, of a block to its last line.

    start: where the entry's own line begins to say it (the key of a mapping, the dash of a list);
    value: where the value begins.
    """

    start: Spot
    value: Spot
    end: Spot


@dataclass(frozen=True)
class Found:
    """A node at a path, with its span. within: it stands inside a flow mapping or list."""

    node: Node
    span: Span
    within: bool = False

    @property
    def flow(self) -> bool:
        return bool(getattr(self.node, "flow_style", False))


def find(text: str, path: Path) -> Found | None:
    """The node at a path of a sound text, or None where there is none."""
    loader = yaml.CSafeLoader(text)
    try:
        node = loader.get_single_node()
    finally:
        loader.dispose()
    assert node is not None  # an empty file is no part of a sound description
    start, within = _start(node), False
    for part in path:
        step = _step(node, part, text)
        if step is None:
            return None
        within = within or bool(getattr(node, "flow_style", False))
        start, node = step
    return Found(node, Span(start, _start(node), _end(node, text)), within)


def children(found: Found, text: str) -> list[tuple[str, Span]]:
    """The entries of a mapping by their keys, in order."""
    assert isinstance(found.node, MappingNode)
    return [
        (key.value, Span(_start(key), _start(value), _end(value, text)))
        for key, value in found.node.value
    ]


def items(found: Found, text: str) -> list[Span]:
    """The entries of a list; start is at the dash, of a flow list at the value."""
    assert isinstance(found.node, SequenceNode)
    lines = text.split("\n")
    spans = []
    for node in found.node.value:
        start = _start(node) if found.flow else _dash(lines, found, _start(node))
        spans.append(Span(start, _start(node), _end(node, text)))
    return spans


def _step(node: Node, part: str | int, text: str) -> tuple[Spot, Node] | None:
    if isinstance(node, MappingNode):
        return next(((_start(k), v) for k, v in node.value if k.value == part), None)
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        found = Found(node, Span(_start(node), _start(node), _start(node)))
        return items(found, text)[part].start, node.value[part]
    return None


def _dash(lines: list[str], found: Found, value: Spot) -> Spot:
    """The dash before an entry of a block list: in its line, or above where it stands alone."""
    column = _start(found.node).column
    for line in range(value.line, -1, -1):
        if lines[line][column : column + 1] == "-":
            return Spot(line, column)
    return value


def _start(node: Node) -> Spot:
    return Spot(node.start_mark.line, node.start_mark.column)


def _end(node: Node, text: str) -> Spot:
    while isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end = Spot(node.end_mark.line, node.end_mark.column)
    if isinstance(node, ScalarNode) and node.style in ("|", ">"):
        return _end_of_block_text(text, node, end)
    return end


def _end_of_block_text(text: str, node: ScalarNode, end: Spot) -> Spot:
    """A block text's mark stands behind the empty lines that follow it; they are not its own."""
    lines = text.split("\n")
    line = end.line - 1 if end.column == 0 else end.line
    while line > node.start_mark.line and not lines[line].strip():
        line -= 1
    return Spot(line, len(lines[line]))
