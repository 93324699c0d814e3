"""The index: rows about the payload files, for the admin and the worker. It can always be rebuilt from the files."""

from conversations.models.callers import Caller, CallerCalls, CallerCard
from conversations.models.calls import (
    CallLabel,
    Channel,
    Conversation,
    Direction,
    IndexSchema,
    Label,
    MemoryState,
    Outcome,
    Recall,
    Success,
)

__all__ = [
    "CallLabel", "Caller", "CallerCalls", "CallerCard", "Channel", "Conversation", "Direction", "IndexSchema", "Label",
    "MemoryState", "Outcome", "Recall", "Success",
]  # fmt: skip
