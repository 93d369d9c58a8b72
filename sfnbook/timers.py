"""The timer index: which frame is due next.  Derived from the table of frames, never saved."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, TypeAlias

from sfnbook.frames import RANK, Frame, FrameId

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Key: TypeAlias = tuple[int, int, int, FrameId]
"""(due, rank, latest event, id): the order in which frames step (theory of operation, rule 6)."""


def key_of(frame: Frame) -> Key | None:
    """A frame's place in the index; None when it waits for another frame or for the outside."""
    if frame.due is None:
        return None
    return frame.due, RANK.get(frame.phase, 1), frame.event, frame.id


class TimerIndex:
    """A heap of keys with lazy deletion: a key that its frame no longer has is passed over."""

    __slots__ = ("heap",)

    def __init__(self, frames: Iterable[Frame] = ()) -> None:
        self.heap = [key for key in map(key_of, frames) if key is not None]
        heapify(self.heap)

    def add(self, frame: Frame) -> None:
        """Note when a frame is due."""
        key = key_of(frame)
        if key is not None:
            heappush(self.heap, key)

    def take(self, frames: Mapping[FrameId, Frame]) -> Frame | None:
        """The frame that is due next, taken out of the index: it is about to step."""
        heap, rank_of = self.heap, RANK.get
        while heap:
            due, rank, event, frame_id = heappop(heap)
            frame = frames.get(frame_id)
            if (
                frame is not None
                and frame.due == due
                and frame.event == event
                and rank_of(frame.phase, 1) == rank
            ):
                return frame
        return None

    def first(self, frames: Mapping[FrameId, Frame]) -> Frame | None:
        """The frame that is due next; it stays in the index."""
        heap = self.heap
        while heap:
            due, rank, event, frame_id = heap[0]
            frame = frames.get(frame_id)
            if (
                frame is not None
                and frame.due == due
                and frame.event == event
                and RANK.get(frame.phase, 1) == rank
            ):
                return frame
            heappop(heap)
        return None

    def live(self, frames: Mapping[FrameId, Frame]) -> list[Key]:
        """The keys that count, in order: what a rebuilt index would hold."""
        return sorted({key for key in self.heap if key[3] in frames and key_of(frames[key[3]]) == key})
