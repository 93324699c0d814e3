from django.apps import AppConfig


class ElmemoryConfig(AppConfig):
    name = "elmemory"

    def ready(self) -> None:
        from elmemory.environment import checks  # noqa: F401
