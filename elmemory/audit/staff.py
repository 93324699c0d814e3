"""Users in the admin. Each has a role; the form says what each role may do."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from elmemory.admin import CarefulLookups
from elmemory.audit.roles import ADMINISTRATOR, EXPLAINED
from elmemory.audit.wording import permission_shown


class StaffForm(UserCreationForm[User]):
    """The form for a new user, who may log in and has one role."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), widget=forms.RadioSelect)
    # Whether to offer the administrator's role; the admin sets it per request.
    may_make_administrators = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["role"]
        field.choices = [
            (role, format_html("<strong>{}</strong>: {}", _(role), text))
            for role, text in EXPLAINED.items()
            if role != ADMINISTRATOR or self.may_make_administrators
        ]


class RoleFilter(admin.RelatedFieldListFilter):
    """Filters users by role, with the names of roles in the language of the page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("role")

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        return [(pk, _(str(name))) for pk, name in super().field_choices(field, request, model_admin)]


class StaffAdmin(CarefulLookups[User], UserAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Users with their roles. A new user is created on a single page."""

    list_display = ("username", "role", "first_name", "last_name", "is_active", "last_login")
    list_filter = (("groups", RoleFilter), "is_superuser", "is_active")
    add_form = StaffForm
    add_form_template = None
    add_fieldsets: Any = ((None, {"fields": ("username", "password1", "password2", "role")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description=gettext_lazy("role"))
    def role(self, user: User) -> str:
        if user.is_superuser:
            return _(ADMINISTRATOR)
        names = ", ".join(_(group.name) for group in user.groups.all())
        if not user.is_staff:
            return _("none: may not log in here")
        return names or _("none")

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:  # type: ignore[override]
        form = super().get_form(request, obj, **kwargs)
        if obj is None:
            form.may_make_administrators = request.user.is_superuser  # type: ignore[attr-defined]
        return form

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field and db_field.name == "groups":
            field.help_text = _explanations()
            field.label_from_instance = lambda group: _(group.name)
        return _named(field) if field and db_field.name == "user_permissions" else field

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.is_staff = True
            obj.is_superuser = form.cleaned_data["role"] == ADMINISTRATOR
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if not change and form.cleaned_data["role"] != ADMINISTRATOR:
            form.instance.groups.add(Group.objects.get(name=form.cleaned_data["role"]))

    def response_add(self, request: HttpRequest, obj: User, post_url_continue: str | None = None) -> HttpResponse:
        """Redirect to the list: nothing is left to fill in."""
        return super(UserAdmin, self).response_add(request, obj, post_url_continue)


class RoleAdmin(CarefulLookups[Group], GroupAdmin):
    """The roles. They and permissions are shown in the language of the page; the database has them in English."""

    list_display = ("role",)

    @admin.display(description=gettext_lazy("role"), ordering="name")
    def role(self, group: Group) -> str:
        return _(group.name)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "title": _("Roles")})

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any) -> Any:
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        return _named(field) if field and db_field.name == "permissions" else field


def _named(field: Any) -> Any:
    field.label_from_instance = lambda permission: f"{permission.content_type} | {permission_shown(permission)}"
    return field


def _explanations() -> SafeString:
    def items() -> Iterator[tuple[str, Any]]:
        yield from ((_(role), text) for role, text in EXPLAINED.items() if role != ADMINISTRATOR)

    return format_html('<ul class="roles">{}</ul>', format_html_join("", "<li><strong>{}</strong>: {}</li>", items()))


def register() -> None:
    """Show users and roles with these admins instead of Django's."""
    admin.site.unregister(User)
    admin.site.register(User, StaffAdmin)
    admin.site.unregister(Group)
    admin.site.register(Group, RoleAdmin)
