"""The admin over stored calls and their callers. Nothing is edited in place: the files are the truth."""

from conversations.admin.callers import CallerAdmin
from conversations.admin.calls import ConversationAdmin

__all__ = ["CallerAdmin", "ConversationAdmin"]
