"""The admin over stored calls and their callers. Nothing is edited in place, because rows are made from files."""

from conversations.admin.callers import CallerAdmin
from conversations.admin.calls import ConversationAdmin

__all__ = ["CallerAdmin", "ConversationAdmin"]
