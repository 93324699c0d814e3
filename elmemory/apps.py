from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class AdminConfig(admin_apps.AdminConfig):
    """The admin, with this project's login."""

    default = False  # ElmemoryConfig is this module's default
    default_site = "elmemory.login.Site"


class ElmemoryConfig(AppConfig):
    name = "elmemory"

    def ready(self) -> None:
        from elmemory.environment import checks  # noqa: F401
