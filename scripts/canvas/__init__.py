"""Workflows, described in words, laid out, and written as the front end and the API have them."""

from .files import canvas_of, prompt_of
from .graph import Graph
from .values import WIDGETS, Group, Node, Slot, Spec

__all__ = ["WIDGETS", "Graph", "Group", "Node", "Slot", "Spec", "canvas_of", "prompt_of"]
