from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy


class AuditConfig(AppConfig):
    name = "elmemory.audit"
    verbose_name = gettext_lazy("Audit log")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from elmemory.audit import watch
        from elmemory.audit.roles import make_roles

        post_migrate.connect(make_roles, sender=self)
        watch.connect()
