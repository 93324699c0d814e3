"""The language and the time zone of the admin's pages: the user's choice, else the browser's, else the settings'.

Only Django's middleware activates them: webhooks, commands and logs stay English, in the zone of TIME_ZONE.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext, gettext_lazy, gettext_noop

from elmemory.models import Localization

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite

_LANGUAGE, _TIME_ZONE = "language", "time_zone"
# Written by time-zone.js.
_COOKIE = "browser_time_zone"
# Of the four languages, only German has abbreviations of its own.
_GERMAN = {"WET": "WEZ", "WEST": "WESZ", "CET": "MEZ", "CEST": "MESZ", "EET": "OEZ", "EEST": "OESZ"}

# Texts of Django's own pages that its catalogs lack.
_OF_DJANGO = (
    gettext_noop("- Select an option -"),
    gettext_noop("After you’ve created a user, you’ll be able to edit more user options."),
    gettext_noop(
        "Are you sure you want to delete the %(object_name)s “%(escaped_object)s”? All of the following related items"
        " will be deleted:"
    ),
    gettext_noop("Conflicting form data submitted. Please try again."),
    gettext_noop(
        "Deleting the %(object_name)s “%(escaped_object)s” would require deleting the following protected related"
        " objects:"
    ),
    gettext_noop(
        "Deleting the %(object_name)s “%(escaped_object)s” would result in deleting related objects, but your account"
        " doesn't have permission to delete the following types of objects:"
    ),
    gettext_noop("Disable password-based authentication"),
    gettext_noop("Disabled"),
    gettext_noop("Enable password-based authentication"),
    gettext_noop("Enable password-based authentication for this user by setting a password."),
    gettext_noop("Enabled"),
    gettext_noop("Filter by %(field_name)s"),
    gettext_noop("Password-based authentication"),
    gettext_noop("Password-based authentication was disabled."),
    gettext_noop("Pagination %(name)s"),
    gettext_noop("Raw passwords are not stored, so there is no way to see the user’s password."),
    gettext_noop("Reset password"),
    gettext_noop("Run"),
    gettext_noop("Set password"),
    gettext_noop("Set password: %s"),
    gettext_noop("This action will <strong>enable</strong> password-based authentication for this user."),
    gettext_noop(
        "Whether the user will be able to authenticate using a password or not. If disabled, they may still be able to"
        " authenticate using other backends, such as Single Sign-On or LDAP."
    ),
)


class NamedZone(ZoneInfo):
    """A time zone with abbreviations in the page's language: German writes MEZ for CET."""

    def tzname(self, at: datetime | None, /) -> str | None:
        name = super().tzname(at)
        if not name or name[0] in "+-":  # a zone without an abbreviation: the offset
            return f"UTC{name or ''}"
        return _GERMAN.get(name, name) if translation.get_language() == "de" else name


class LocalizationMiddleware:
    """Activates language and time zone of a request, and names the language in the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = _language_of(request)
        translation.activate(language)
        timezone.activate(_zone_of(request))
        response = self._get_response(request)
        patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", language)
        return response


class LocalizationForm(forms.Form):
    """The user's choice. The name of each language is in that language."""

    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        help_text=gettext_lazy("Times are shown in this zone. Filters and figures by day use the server's days."),
    )

    def __init__(self, *args: Any, zone_of_browser: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        unchosen = gettext("As the browser")
        languages: Any = self.fields[_LANGUAGE]
        languages.choices = [("", unchosen), *settings.LANGUAGES]
        zones: Any = self.fields[_TIME_ZONE]
        named = ((zone, zone.replace("_", " ")) for zone in _zones())
        zones.choices = [("", f"{unchosen}: {zone_of_browser}" if zone_of_browser else unchosen), *named]


@receiver(user_logged_in)
def recall_choice(request: HttpRequest, user: Any, **kwargs: Any) -> None:  # noqa: ARG001
    """Copy the user's choice into the session, where each request reads it."""
    if chosen := Localization.objects.filter(pk=user.pk).values(_LANGUAGE, _TIME_ZONE).first():
        request.session.update(chosen)


def localization_view(request: HttpRequest, site: "AdminSite") -> HttpResponse:
    """Return the page on which users choose their language and time zone."""
    chosen = Localization.objects.filter(pk=request.user.pk).values(_LANGUAGE, _TIME_ZONE).first()
    zone = request.COOKIES.get(_COOKIE, "")
    form = LocalizationForm(request.POST or None, initial=chosen, zone_of_browser=zone if zone in _zones() else "")
    if form.is_valid():
        Localization.objects.update_or_create(pk=request.user.pk, defaults=form.cleaned_data)
        request.session.update(form.cleaned_data)
        translation.activate(_language_of(request))
        messages.success(request, gettext("Language and time zone are saved."))
        return HttpResponseRedirect(reverse("admin:index"))
    context = {**site.each_context(request), "title": gettext("Language and time zone"), "form": form}
    return TemplateResponse(request, "admin/localization.html", context)


def _language_of(request: HttpRequest) -> str:
    return request.session.get(_LANGUAGE) or translation.get_language_from_request(request)


def _zone_of(request: HttpRequest) -> ZoneInfo:
    names = request.session.get(_TIME_ZONE), request.COOKIES.get(_COOKIE)
    return NamedZone(next((name for name in names if name in _zones()), settings.TIME_ZONE))


@lru_cache(maxsize=1)
def _zones() -> dict[str, None]:
    """The sorted names of time zones, without those that exist only for backward compatibility."""
    kept = {name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/", "US/"))}
    return dict.fromkeys(["UTC", *sorted(kept)])
