"""The labels of calls: the tools they used, and their evaluation criteria."""

from collections.abc import Iterable

from django.db import connections
from django.db.models import Q, QuerySet

from conversations.models import CallLabel, Conversation, Label
from conversations.payloads.transcription import Transcription

_LONGEST = 100
_RESULTS = {"success": Label.CRITERION_SUCCESS, "failure": Label.CRITERION_FAILURE}


def labels_of(call: Transcription, sort_key: int) -> list[CallLabel]:
    tools = call.tools
    pairs = {
        *((Label.TOOL, name) for name in tools.used),
        *((Label.TOOL_FAILED, name) for name in tools.failed),
        *((_RESULTS.get(one.result, Label.CRITERION_UNKNOWN), one.name.strip()) for one in call.criteria()),
    }
    cut = {(kind, name.replace("\x00", "")[:_LONGEST]) for kind, name in pairs}
    return [CallLabel(kind=kind, name=name, sort_key=sort_key) for kind, name in sorted(cut) if name]


def write(labels: Iterable[CallLabel]) -> None:
    CallLabel.objects.bulk_create(labels, ignore_conflicts=True)


def remove(sort_keys: Iterable[int]) -> None:
    with connections["index"].cursor() as cursor:
        cursor.executemany("DELETE FROM call_label WHERE sort_key = %s", [(sort_key,) for sort_key in sort_keys])


def labelled(calls: QuerySet[Conversation], kind: str, name: str = "") -> QuerySet[Conversation]:
    """The calls with this label; without a name, with any label of this kind."""
    found = Q(kind=kind, name=name) if name else Q(kind=kind)
    return calls.filter(sort_key__in=CallLabel.objects.filter(found).values("sort_key"))
