"""The audit log: who did what, when and from where. Entries are added, never changed or deleted."""

from datetime import timedelta
from typing import Any, Never

from django.db import models, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.timezone import localtime, now
from django.utils.translation import gettext_lazy, gettext_noop, pgettext_lazy

from elmemory.audit.chain import Head, digest, write_head

_MIDNIGHT = {"hour": 0, "minute": 0, "second": 0, "microsecond": 0}
_LOCK = 0x656C6D61  # arbitrary, but different from the other advisory locks of this database


class Action(models.TextChoices):
    VIEW = "view", pgettext_lazy("audit log", "viewed")
    LISTEN = "listen", pgettext_lazy("audit log", "listened")
    DOWNLOAD = "download", pgettext_lazy("audit log", "downloaded")
    EXPORT = "export", pgettext_lazy("audit log", "exported")
    FIND = "find", pgettext_lazy("audit log", "searched the list")
    SEARCH = "search", pgettext_lazy("audit log", "asked what the agent would find")
    REPROCESS = "reprocess", pgettext_lazy("audit log", "reprocessed")
    CORRECT = "correct", pgettext_lazy("audit log", "corrected")
    DELETE = "delete", pgettext_lazy("audit log", "deleted a memory")
    OPT_OUT = "opt_out", pgettext_lazy("audit log", "changed the opt-out")
    SHARED_LINE = "shared_line", pgettext_lazy("audit log", "changed the shared line")
    FORGET = "forget", pgettext_lazy("audit log", "forgot")
    CERTIFICATE = "certificate", pgettext_lazy("audit log", "certified as forgotten")
    LOGIN = "login", pgettext_lazy("audit log", "logged in")
    LOGIN_FAILED = "login_failed", pgettext_lazy("audit log", "failed to log in")
    LOCKOUT = "lockout", pgettext_lazy("audit log", "was locked out")
    LOGOUT = "logout", pgettext_lazy("audit log", "logged out")
    REFUSED = "refused", pgettext_lazy("audit log", "was refused")
    CHANGE = "change", pgettext_lazy("audit log", "changed")
    RUN = "run", pgettext_lazy("audit log", "ran")
    RETAIN = "retain", pgettext_lazy("audit log", "removed by retention")
    CLOSE = "close", pgettext_lazy("audit log", "closed old entries")
    NOTE = "note", pgettext_lazy("audit log", "changed the note")
    REVIEW = "review", pgettext_lazy("audit log", "reviewed")
    DISCARD = "discard", pgettext_lazy("audit log", "discarded")


class AppendOnly(Exception):
    """An attempt to change or delete entries of the audit log, or to add entries outside the chain."""


class Entries(models.QuerySet["Entry"]):
    def update(self, **values: Any) -> Never:  # noqa: ARG002
        raise AppendOnly

    def delete(self) -> Never:
        raise AppendOnly

    def bulk_create(self, *args: Any, **kwargs: Any) -> Never:  # noqa: ARG002
        raise AppendOnly

    def datetimes(self, field_name: str, kind: str, order: str = "ASC", tzinfo: Any = None) -> Any:
        """Return the years, months or days with entries, like Django, but with one index lookup for each.

        On SQLite, Django would call a Python function for each entry.
        """
        begin: dict[str, Any] = {"year": {"month": 1, "day": 1}, "month": {"day": 1}, "day": {}}[kind] | _MIDNIGHT
        longest = {"year": 366, "month": 31, "day": 1}[kind]
        times, found = self.order_by(field_name).values_list(field_name, flat=True), []
        first = times.first()
        while first:
            found.append(localtime(first, tzinfo).replace(**begin))
            # Half a day more: a day on which clocks change has up to 25 hours.
            after = (found[-1] + timedelta(days=longest, hours=12)).replace(**begin)
            first = times.filter(**{f"{field_name}__gte": after}).first()
        return found if order == "ASC" else found[::-1]


class Entry(models.Model):
    """An action of a user.

    `object` is a conversation id, a caller reference or the like, never a phone number. `document` is the certificate
    of a forgotten caller, in JSON; neither it nor `detail` holds personal data. `id` rises by one with each entry, and
    `hash` chains them (`elmemory.audit.chain`). A summary of closed entries has a negative `id`
    (`elmemory.audit.closing`).
    """

    at = models.DateTimeField(gettext_lazy("when"), default=now, editable=False, db_index=True)
    # Not a foreign key: the entry outlives the user.
    user_id = models.BigIntegerField(null=True, editable=False)
    username = models.CharField(pgettext_lazy("audit log", "who"), max_length=150, db_index=True)
    action = models.CharField(pgettext_lazy("audit log", "did"), max_length=16, choices=Action)
    kind = models.CharField(pgettext_lazy("audit log", "what kind"), max_length=16)
    object = models.CharField(pgettext_lazy("audit log", "what"), max_length=128, blank=True, db_index=True)
    caller = models.CharField(gettext_lazy("caller reference"), max_length=24, blank=True, db_index=True)
    detail = models.CharField(gettext_lazy("detail"), max_length=200, blank=True)
    address = models.GenericIPAddressField(pgettext_lazy("audit log", "from where"), null=True)
    document = models.TextField(blank=True, editable=False)
    hash = models.CharField(gettext_lazy("hash"), max_length=64, editable=False)

    objects = Entries.as_manager()

    class Meta:
        verbose_name = gettext_lazy("entry")
        verbose_name_plural = gettext_lazy("entries")
        default_permissions = ("view",)
        permissions = (("export_entry", gettext_noop("Can export the audit log")),)
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.username} {self.get_action_display()} {self.kind} {self.object}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Add the entry to the end of the chain. Sets its time, id and hash while other writers are locked out."""
        if not self._state.adding:
            raise AppendOnly
        using = kwargs.get("using") or router.db_for_write(Entry)
        with transaction.atomic(using):
            lock(transaction.get_connection(using))
            newest = Entry.objects.using(using).order_by("-pk").first()
            self.pk = newest.pk + 1 if newest else 1
            self.at = now()
            self.hash = digest(newest.hash if newest else "", self)
            super().save(force_insert=True, using=using)
            head = Head(self.pk, self.hash)
            transaction.on_commit(lambda: write_head(head), using)

    def delete(self, *args: Any, **kwargs: Any) -> Never:  # noqa: ARG002
        raise AppendOnly


class Review(models.Model):
    """What staff say of a call: a note, and that it was reviewed. Deleted with the call or its caller.

    `caller` is the caller reference; the call's files may be gone. The audit log never holds the note.
    """

    conversation_id = models.CharField(max_length=128, primary_key=True)
    caller = models.CharField(max_length=24, blank=True, db_index=True)
    note = models.TextField(blank=True)
    note_by = models.CharField(max_length=150, blank=True)
    note_at = models.DateTimeField(null=True)
    reviewed_by = models.CharField(max_length=150, blank=True)
    reviewed_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.conversation_id


def lock(connection: BaseDatabaseWrapper) -> None:
    """Lock out other writers until the transaction ends. On SQLite, BEGIN IMMEDIATE has done so already."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
