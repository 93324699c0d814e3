"""The filters of the list of calls."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from datetime import date
from itertools import chain
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin import ChoicesFieldListFilter
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.timezone import get_default_timezone_name
from django.utils.translation import gettext_lazy

from conversations.index import outcomes
from conversations.index.labels import labelled
from conversations.index.periods import Period, last_days, today, yesterday
from conversations.index.values import agents, label_names, languages
from conversations.models import Conversation, Label

_MOST_NAMES = 200
_MOST_SECONDS = 30 * 24 * 3600
_MOST_CREDITS = 2**31 - 1
_ANY = "*"


class AgentFilter(ChoicesFieldListFilter):
    """Agents that have calls, by name if payloads have it."""

    def __init__(self, field: Any, *args: Any, **kwargs: Any) -> None:
        field = copy(field)
        field.choices = agents()
        super().__init__(field, *args, **kwargs)
        self.title = gettext_lazy("agent")


class _Conditions(admin.SimpleListFilter):
    """A filter whose choices are conditions. Any other value is an error and finds nothing."""

    choices_of: ClassVar[Mapping[str, tuple[str | Promise, Callable[[], Q]]]]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.used_parameters = {name: value for name, value in self.used_parameters.items() if value}

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:  # noqa: ARG002
        return [(value, label) for value, (label, _) in self.choices_of.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        if (value := self.value()) is None:
            return queryset
        return queryset.filter(self.choices_of[value][1]()) if value in self.choices_of else queryset.none()

    def get_facet_counts(self, pk_attname: str, filtered_qs: QuerySet[Any]) -> dict[str, Any]:  # noqa: ARG002
        conditions = enumerate(condition for _, condition in self.choices_of.values())
        return {f"{nth}__c": Count(pk_attname, filter=condition()) for nth, condition in conditions}


class DaysFilter(_Conditions):
    title = gettext_lazy("day")
    parameter_name = "days"
    choices_of: ClassVar = {
        "today": (gettext_lazy("Today"), lambda: last_days(1).condition),
        "yesterday": (gettext_lazy("Yesterday"), lambda: yesterday().condition),
        "7": (gettext_lazy("Last 7 days"), lambda: last_days(7).condition),
        "28": (gettext_lazy("Last 28 days"), lambda: last_days(28).condition),
    }


class WrongFilter(_Conditions):
    title = gettext_lazy("what went wrong")
    parameter_name = "wrong"
    choices_of: ClassVar = {
        "any": (gettext_lazy("Anything"), lambda: outcomes.WENT_WRONG),
        "failed": (gettext_lazy("Failed"), lambda: outcomes.FAILED),
        "unconnected": (gettext_lazy("Never connected"), lambda: outcomes.UNCONNECTED),
        "unsuccessful": (gettext_lazy("Not successful"), lambda: outcomes.UNSUCCESSFUL),
        "neutral": (gettext_lazy("Neutral answer though known"), lambda: outcomes.NEUTRAL_THOUGH_KNOWN),
    }


class _Named(forms.ChoiceField):
    """A choice among names, which are read when the form is made."""

    def __init__(self, named: Callable[[], list[Any]], **options: Any) -> None:
        super().__init__(choices=lambda: [("", gettext_lazy("any")), *named()], required=False, **options)


def _with_label(kind: Label) -> list[tuple[str, str]]:
    return [(name, name) for name in label_names(kind, _MOST_NAMES)]


def _failed_tools() -> list[Any]:
    failed = _with_label(Label.TOOL_FAILED)
    return [(_ANY, gettext_lazy("any tool")), *failed] if failed else []


def _criteria() -> list[Any]:
    kinds = (Label.CRITERION_FAILURE, Label.CRITERION_SUCCESS, Label.CRITERION_UNKNOWN)
    return [
        (kind.label, [(f"{kind}:{name}", name) for name, _ in found]) for kind in kinds if (found := _with_label(kind))
    ]


def _whole(label: Any, most: int) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=0, max_value=most)


def _day(label: Any) -> forms.DateField:
    picker = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, widget=picker, input_formats=["%Y-%m-%d"])


class Details(forms.Form):
    """The filters of the list that are not links: spans, languages, tools and criteria."""

    since = _day(gettext_lazy("From"))
    until = _day(gettext_lazy("To"))
    length_from = _whole(gettext_lazy("Seconds from"), _MOST_SECONDS)
    length_to = _whole(gettext_lazy("Seconds to"), _MOST_SECONDS)
    cost_from = _whole(gettext_lazy("Credits from"), _MOST_CREDITS)
    cost_to = _whole(gettext_lazy("Credits to"), _MOST_CREDITS)
    language = _Named(lambda: [(each, each) for each in languages()], label=gettext_lazy("Language"))
    tool = _Named(lambda: _with_label(Label.TOOL), label=gettext_lazy("Tool used"))
    tool_failed = _Named(_failed_tools, label=gettext_lazy("Tool failed"))
    criterion = _Named(_criteria, label=gettext_lazy("Criterion"))

    def clean(self) -> dict[str, Any]:
        found = self.cleaned_data
        for first, last in (("since", "until"), ("length_from", "length_to"), ("cost_from", "cost_to")):
            low, high = found.get(first), found.get(last)
            if low is not None and high is not None and low > high:
                self.add_error(last, gettext_lazy("The end is before the beginning."))
        return found

    def of(self, calls: QuerySet[Conversation]) -> QuerySet[Conversation]:
        """The calls that match the form. An invalid form finds none, because all calls would look like an answer."""
        if not self.is_valid():
            return calls.none()
        asked = {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}
        calls = calls.filter(Period(asked.get("since"), asked.get("until")).condition)
        lookups = {
            "length_from": "duration_seconds__gte", "length_to": "duration_seconds__lte",
            "cost_from": "cost__gte", "cost_to": "cost__lte", "language": "language",
        }  # fmt: skip
        calls = calls.filter(**{lookup: asked[name] for name, lookup in lookups.items() if name in asked})
        if tool := asked.get("tool"):
            calls = labelled(calls, Label.TOOL, tool)
        if failed := asked.get("tool_failed"):
            calls = labelled(calls, Label.TOOL_FAILED, "" if failed == _ANY else failed)
        if criterion := asked.get("criterion"):
            calls = labelled(calls, *criterion.split(":", 1))
        return calls


DETAILS = tuple(Details.base_fields)


class DetailsFilter(admin.ListFilter):
    """The form with the filters that are not links: spans of days, lengths and costs, languages, tools and criteria."""

    title: Any = gettext_lazy("more")
    template = "admin/conversations/conversation/filter_form.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in DETAILS:
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]
        self.form = Details(self.used_parameters, auto_id="filter-%s")
        self.zone = get_default_timezone_name()

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(DETAILS)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        return self.form.of(queryset) if self.used_parameters else queryset

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        """The parameters of the other filters, which the form must keep."""
        for name, value in changelist.params.items():
            if name not in (*DETAILS, PAGE_VAR):
                yield {"name": name, "value": value}

    def faults(self) -> Iterator[tuple[str, str]]:
        """The fields with a wrong value, and what is wrong with it."""
        if self.used_parameters:
            for name, errors in self.form.errors.items():
                yield name, f"{self.form.fields[name].label}: {' '.join(map(str, errors))}"

    def shown(self) -> Iterator[tuple[str, str, str]]:
        """Name, label and value of each used field."""
        for name, value in self.used_parameters.items():
            field = self.form.fields[name]
            yield name, str(field.label), dict(_flat(getattr(field, "choices", ()))).get(str(value), str(value))


def _flat(choices: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """The choices; those of a group with the group's name."""
    for value, label in choices:
        if isinstance(label, list):
            yield from ((each, f"{name} ({value})") for each, name in label)
        else:
            yield value, str(label)


def asked_period(params: Mapping[str, Any]) -> Period | None:
    """The days that a list with these parameters is limited to; None if it is not."""
    match params.get("days"):
        case "today":
            return last_days(1)
        case "yesterday":
            return yesterday()
        case "7" | "28" as days:
            return last_days(int(days))
    form = Details({name: params.get(name, "") for name in ("since", "until")})
    since, until = (form.cleaned_data.get(name) for name in ("since", "until")) if form.is_valid() else (None, None)
    return Period(since, min(until or today(), date.max)) if since or until else None


def faults(changelist: ChangeList, but: Sequence[str] = ()) -> list[str]:
    """What is wrong with the values of the filters, those of the fields `but` left out."""
    found = []
    for spec in changelist.filter_specs:
        if isinstance(spec, DetailsFilter):
            found += [fault for name, fault in spec.faults() if name not in but]
        elif (value := _unknown_choice(spec)) is not None and not changelist.queryset.exists():
            wrong = forms.ChoiceField.default_error_messages["invalid_choice"] % {"value": value}
            found.append(f"{capfirst(str(spec.title))}: {wrong}")
    return found


def _unknown_choice(spec: Any) -> str | None:
    """The value in the address that is no choice of this filter; None if there is none."""
    asked: Any
    if isinstance(spec, _Conditions):
        asked, known = [spec.value()], list(spec.choices_of)
    elif isinstance(spec, ChoicesFieldListFilter):
        asked, known = spec.lookup_val or [], [value for value, _ in spec.field.flatchoices]
    elif isinstance(spec, admin.AllValuesFieldListFilter):
        asked, known = spec.lookup_val or [], list(spec.lookup_choices)
    else:
        return None
    return next((value for value in asked if value is not None and value not in map(str, known)), None)


def chips(changelist: ChangeList) -> Iterator[tuple[Any, Any, str]]:
    """For each active filter: its title, the chosen value, and the query string without it."""
    for spec in changelist.filter_specs:
        if not spec.used_parameters:
            continue
        if isinstance(spec, DetailsFilter):
            for name, label, value in spec.shown():
                yield label, value, changelist.get_query_string(remove=[name, PAGE_VAR])
        else:
            chosen = [choice["display"] for choice in spec.choices(changelist) if choice["selected"]]
            asked = (value if isinstance(value, list) else [value] for value in spec.used_parameters.values())
            shown = chosen[0] if chosen else ", ".join(map(str, chain.from_iterable(asked)))
            names = [name for name in spec.expected_parameters() if name]
            yield spec.title, shown, changelist.get_query_string(remove=[*names, PAGE_VAR])
