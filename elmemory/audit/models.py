"""The audit log: who looked at what, when and from where. Entries are added, never changed and never removed."""

from typing import Any, Never

from django.db import models


class Action(models.TextChoices):
    VIEW = "view", "viewed"
    LISTEN = "listen", "listened"
    DOWNLOAD = "download", "downloaded"
    EXPORT = "export", "exported"
    SEARCH = "search", "asked what the agent would find"
    REPROCESS = "reprocess", "reprocessed"
    CORRECT = "correct", "corrected"
    DELETE = "delete", "deleted a memory"
    OPT_OUT = "opt_out", "changed the opt-out"
    SHARED_LINE = "shared_line", "changed the shared line"
    FORGET = "forget", "forgot"


class AppendOnly(Exception):
    """Entries of the audit log stay as they are."""


class Entries(models.QuerySet["Entry"]):
    def update(self, **values: Any) -> Never:  # noqa: ARG002
        raise AppendOnly

    def delete(self) -> Never:
        raise AppendOnly


class Entry(models.Model):
    """`object` is a conversation id or the reference of a caller, never a number; `detail` holds no personal data."""

    at = models.DateTimeField("when", auto_now_add=True, db_index=True)
    # Not a foreign key: the entry outlives the user.
    user_id = models.BigIntegerField(null=True, editable=False)
    username = models.CharField("who", max_length=150, db_index=True)
    action = models.CharField("did", max_length=16, choices=Action)
    kind = models.CharField("what kind", max_length=16)
    object = models.CharField("what", max_length=128, blank=True, db_index=True)
    detail = models.CharField(max_length=200, blank=True)
    address = models.GenericIPAddressField("from where", null=True)

    objects = Entries.as_manager()

    class Meta:
        verbose_name_plural = "entries"
        default_permissions = ("view",)
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"{self.username} {self.get_action_display()} {self.kind} {self.object}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Never:  # noqa: ARG002
        raise AppendOnly
