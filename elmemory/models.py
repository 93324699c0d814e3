from django.conf import settings
from django.db import models


class Localization(models.Model):
    """The language and the time zone that a user chose for the admin; empty to use the browser's."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True)
    language = models.CharField(max_length=8, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.language} {self.time_zone}".strip()
