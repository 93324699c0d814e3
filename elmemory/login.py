"""The login of staff: a password, and a code for users with a device. With REQUIRE_2FA all need a device."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import django_otp
import segno
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from elmemory import __version__
from elmemory.admin import sections
from elmemory.localization import localization_view

_LONGEST_SESSION = 8 * 3600
_RENEWED_EVERY = 60
_RECOVERY_CODES = 10
_CODE_DIGITS = 6
_BEGAN, _RENEWED = "began", "renewed"


@receiver(user_logged_in)
def begin_session(request: HttpRequest, **kwargs: Any) -> None:  # noqa: ARG001
    request.session[_BEGAN] = int(time.time())


class SessionLimits:
    """Ends sessions after eight hours, idle ones after SESSION_COOKIE_AGE. Requests renew a session once a minute."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            session, now = request.session, int(time.time())
            if now - session.get(_BEGAN, 0) > _LONGEST_SESSION:
                logout(request)
            elif now - session.get(_RENEWED, 0) > _RENEWED_EVERY:
                session[_RENEWED] = now
        return self._get_response(request)


class LoginForm(AdminAuthenticationForm):
    """User name and password; for users with a device, also a code of the authenticator or a recovery code."""

    code = forms.CharField(
        required=False,
        max_length=16,
        label=gettext_lazy("Code, with two-factor login"),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        user: Any = self.get_user()
        if user and django_otp.user_has_device(user):
            user.otp_device = verified_device(user, cleaned.get("code", ""))
            if user.otp_device is None:
                # Counts towards the lock, as a wrong password does.
                user_login_failed.send(__name__, credentials={"username": user.get_username()}, request=self.request)
                raise forms.ValidationError(gettext("The code is missing, wrong or used. Wait for the next one."))
        return cleaned


class Code(forms.Form):
    """The first code of an authenticator."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=_CODE_DIGITS,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


def verified_device(user: Any, code: str) -> Any:
    """Return the user's device that accepts this code; None if none does. Devices throttle guesses themselves."""
    code = code.replace(" ", "").lower()
    kind = TOTPDevice if len(code) == _CODE_DIGITS else StaticDevice
    with transaction.atomic():
        devices = django_otp.devices_for_user(user, for_verify=True)
        return next((each for each in devices if isinstance(each, kind) and each.verify_token(code)), None)


class Site(AdminSite):
    """The admin site. Staff with a device must log in with a code; with REQUIRE_2FA all staff need a device."""

    login_form = LoginForm

    def has_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        if not super().has_permission(request) or user.is_verified():
            return super().has_permission(request)
        return not settings.REQUIRE_2FA and not django_otp.user_has_device(user)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if self._may_enrol(request) and not self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:two_factor"))
        # Error reports must not show the password.
        return sensitive_post_parameters()(super().login)(request, extra_context)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        return {**context, "elmemory_version": __version__, "sections": sections(request)}

    def get_urls(self) -> list[URLResolver | URLPattern]:
        localization = self.admin_view(partial(localization_view, site=self))
        return [
            path("two-factor/", never_cache(self.two_factor_view), name="two_factor"),
            path("localization/", localization, name="localization"),
            *super().get_urls(),
        ]

    def two_factor_view(self, request: HttpRequest) -> HttpResponse:
        """The page to enrol a device; for enrolled users, to make new recovery codes or to remove the device."""
        if not (self._may_enrol(request) or self.has_permission(request)):
            return HttpResponseRedirect(f"{reverse('admin:login')}?next={request.path}")
        user: Any = request.user
        if not user.is_verified():
            return self._enrol(request, user)
        if request.method == "POST" and "off" in request.POST:
            if settings.REQUIRE_2FA:
                raise PermissionDenied
            for model in (TOTPDevice, StaticDevice):
                for device in model.objects.filter(user=user):
                    device.delete()
            messages.success(request, gettext("Two-factor login is off."))
            return HttpResponseRedirect(reverse("admin:index"))
        return self._page(request, codes=_new_recovery_codes(user) if request.method == "POST" else [])

    def _enrol(self, request: HttpRequest, user: Any) -> HttpResponse:
        devices = TOTPDevice.objects.filter(user=user, confirmed=False)  # two, if two pages were open at once
        device = devices.first() or devices.create(user=user, confirmed=False, name="authenticator")
        form = Code(request.POST or None)
        if form.is_valid():
            if device.verify_token(form.cleaned_data["code"].replace(" ", "")):
                device.confirmed = True
                device.save()
                django_otp.login(request, device)
                request.session.cycle_key()
                return self._page(request, codes=_new_recovery_codes(user))
            form.add_error("code", gettext("This is not the code of this minute. Check the clock of your device."))
        svg = segno.make(device.config_url, error="m").svg_inline(scale=5, light="#fff", dark="#000")
        return self._page(request, form=form, key=device.config_url, qr=mark_safe(svg))  # noqa: S308

    def _page(self, request: HttpRequest, **more: Any) -> HttpResponse:
        context = {
            **self.each_context(request),
            "title": gettext("Two-factor login"),
            "required": settings.REQUIRE_2FA,
            **more,
        }
        return TemplateResponse(request, "admin/two_factor.html", context)

    def _may_enrol(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and not django_otp.user_has_device(request.user)


def _new_recovery_codes(user: Any) -> list[str]:
    """Replace the user's recovery codes by ten new ones, and return them. Each code logs in once."""
    devices = StaticDevice.objects.filter(user=user, name="recovery codes")
    device = devices.first() or devices.create(user=user, name="recovery codes")
    device.token_set.all().delete()
    return [device.token_set.create(token=StaticToken.random_token()).token for _ in range(_RECOVERY_CODES)]
