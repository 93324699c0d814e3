from typing import Any

from django import template
from django.utils.translation import gettext_lazy

from conversations.admin import filters
from conversations.admin.dashboard import shown
from conversations.index.excerpt import marked

register = template.Library()
register.filter(marked)
# The names that pages show for identifiers in stored data; other identifiers are shown unchanged.
_NAMES = {
    "fact": gettext_lazy("fact"),
    "insight": gettext_lazy("insight"),
    "message": gettext_lazy("message"),
    "call": gettext_lazy("call"),
    "card": gettext_lazy("card"),
    "preference": gettext_lazy("preference"),
    "semantic": gettext_lazy("semantic"),
    "episodic": gettext_lazy("episodic"),
    "procedural": gettext_lazy("procedural"),
    "emotional": gettext_lazy("emotional"),
    "reflective": gettext_lazy("reflective"),
    "success": gettext_lazy("success"),
    "failure": gettext_lazy("failure"),
    "unknown": gettext_lazy("unknown"),
    "web": gettext_lazy("web"),
    "chat": gettext_lazy("chat"),
    "said": gettext_lazy("said"),
    "keypad": gettext_lazy("keypad"),
    "platform event": gettext_lazy("platform event"),
    "context": gettext_lazy("context"),
    "backchannel": gettext_lazy("backchannel"),
    "file": gettext_lazy("file"),
    "mailbox": gettext_lazy("mailbox"),
}


@register.filter
def named(identifier: str) -> str:
    """The name of a kind of memory or turn, a sector, or an evaluation, in the page's language."""
    return str(_NAMES.get(identifier, identifier))


@register.filter
def chips(changelist: Any) -> list[tuple[Any, Any, str]]:
    """For each active filter of a list: its title, the chosen value, and the query string without it."""
    return list(filters.chips(changelist))


@register.filter
def faults(changelist: Any) -> list[str]:
    """What is wrong with the values in the address of a list."""
    return filters.faults(changelist)


@register.inclusion_tag("admin/conversations/dashboard.html", takes_context=True)
def dashboard(context: dict[str, Any]) -> dict[str, Any]:
    """The figures of the front page, for staff who may see calls."""
    request = context["request"]
    may_see = request.user.has_perm("conversations.view_conversation")
    return {"may_see": may_see, "perms": context["perms"], **(shown() if may_see else {})}
