from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Max, QuerySet
from django.http import HttpRequest

from conversations.models import Conversation


class AgentFilter(admin.SimpleListFilter):
    """The agents that have had calls, by name where payloads tell it."""

    title = "agent"
    parameter_name = "agent"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        agents = Conversation.objects.order_by().values("agent_id").annotate(name=Max("agent_name"))
        named = [(agent["agent_id"], agent["name"] or agent["agent_id"]) for agent in agents if agent["agent_id"]]
        return sorted(named, key=lambda agent: agent[1].casefold())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        return queryset.filter(agent_id=self.value()) if self.value() else queryset


class SuccessFilter(admin.SimpleListFilter):
    """What the agent's own evaluation said."""

    title = "success"
    parameter_name = "successful"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        return [("success", "success"), ("failure", "failure"), ("unknown", "unknown")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        return queryset.filter(successful=self.value()) if self.value() else queryset
