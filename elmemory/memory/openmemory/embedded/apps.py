from django.apps import AppConfig


class EmbeddedConfig(AppConfig):
    name = "elmemory.memory.openmemory.embedded"
    label = "openmemory"
    verbose_name = "OpenMemory"
    default_auto_field = "django.db.models.BigAutoField"
