"""Sequences whose items are built when they are asked for: of a video one frame is in memory."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar, overload

T = TypeVar("T")


class Lazy(Sequence[T]):
    """A sequence by its length and `build`, which makes item `number`, from 0, each time anew."""

    @abstractmethod
    def build(self, number: int) -> T: ...

    @overload
    def __getitem__(self, number: int) -> T: ...
    @overload
    def __getitem__(self, number: slice) -> list[T]: ...
    def __getitem__(self, number: int | slice) -> T | list[T]:
        numbers = range(len(self))[number]
        return self.build(numbers) if isinstance(numbers, int) else [self.build(i) for i in numbers]
