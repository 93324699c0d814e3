from typing import Any

from django import template

from conversations.admin.dashboard import shown
from conversations.index.excerpt import marked

register = template.Library()
register.filter(marked)


@register.inclusion_tag("admin/conversations/dashboard.html", takes_context=True)
def dashboard(context: dict[str, Any]) -> dict[str, Any]:
    """The figures of the front page, for staff with permission to see calls."""
    request = context["request"]
    may_see = request.user.has_perm("conversations.view_conversation")
    return {"may_see": may_see, **(shown() if may_see else {})}
