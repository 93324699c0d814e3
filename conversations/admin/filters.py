"""The filter by agent."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import ChoicesFieldListFilter
from django.db.models import Max, Min, QuerySet
from django.http import HttpRequest

from conversations.models import Conversation


class AgentFilter(ChoicesFieldListFilter):
    """The agents with calls, by name if payloads have it."""

    def __init__(self, field: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        with_choices: Any = _WithChoices(field, list(agents()))
        super().__init__(with_choices, request, *args, **kwargs)
        self.title = "agent"


class _WithChoices:
    """A field with choices of its own."""

    def __init__(self, field: Any, flatchoices: list[tuple[str, str]]) -> None:
        self._field, self.flatchoices = field, flatchoices

    def __getattr__(self, name: str) -> Any:
        return getattr(self._field, name)


def agents() -> Iterator[tuple[str, str]]:
    """Id and name of each agent. One look-up per agent in the database's index; grouping would read every call."""
    calls: QuerySet[Conversation] = Conversation.objects.order_by()
    agent_id = ""
    while agent_id := calls.filter(agent_id__gt=agent_id).aggregate(next=Min("agent_id"))["next"] or "":
        name = calls.filter(agent_id=agent_id).aggregate(name=Max("agent_name"))["name"]
        yield agent_id, name or agent_id
