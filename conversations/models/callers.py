"""The rows of callers."""

from django.db import models
from django.utils.translation import gettext_lazy, gettext_noop


class CallerCard(models.Model):
    """A copy of a caller's card, as it was when it was last read or written; for lists.

    `number` and `first_call` are those of a caller without stored calls, of whom the store has memories; else empty.
    The caller was not heard of after `last_call`, as far as was known when it was written.
    """

    caller_ref = models.CharField(max_length=32, primary_key=True)
    number = models.CharField(max_length=32, default="")
    first_call = models.DateTimeField(null=True)
    last_call = models.DateTimeField(null=True)
    name = models.CharField(max_length=128, default="")
    # The name as the search compares it.
    name_words = models.TextField(default="")
    opted_out = models.BooleanField(default=False)
    shared_line = models.BooleanField(default=False)
    # The beginning of the card's summary, or of the store's own where the card has none.
    summary = models.CharField(max_length=200, default="")
    is_stores_own = models.BooleanField(default=False)

    class Meta:
        managed = False
        db_table = "caller_card"
        default_permissions = ()
        indexes = (
            models.Index(fields=["number"], name="caller_card_number", condition=models.Q(number__gt="")),
            models.Index(fields=["last_call"], name="caller_card_last_call"),
            models.Index(fields=["caller_ref"], name="caller_card_opted_out", condition=models.Q(opted_out=True)),
        )

    def __str__(self) -> str:
        return self.caller_ref


class CallerCalls(models.Model):
    """What the stored calls of a caller come to, written with their rows: counting them for each list takes long."""

    caller_ref = models.CharField(max_length=32, primary_key=True)
    number = models.CharField(max_length=32)
    calls = models.IntegerField(default=0)
    first_call = models.DateTimeField(null=True)
    last_call = models.DateTimeField(null=True)
    # The names in the calls, as the search compares them.
    name_words = models.TextField(default="")

    class Meta:
        managed = False
        db_table = "caller_calls"
        default_permissions = ()

    def __str__(self) -> str:
        return self.caller_ref


class Caller(models.Model):
    """A caller with stored calls or with memories: a database view over `CallerCalls` and the copied cards."""

    ref = models.CharField(max_length=32, primary_key=True)
    number = models.CharField(max_length=32)
    calls = models.IntegerField(gettext_lazy("stored calls"))
    first_call = models.DateTimeField(gettext_lazy("first call"), null=True)
    last_call = models.DateTimeField(gettext_lazy("last call"), null=True)
    opted_out = models.BooleanField(gettext_lazy("opted out"), default=False)
    shared_line = models.BooleanField(gettext_lazy("shared line"), default=False)
    # Of the calls and of the card.
    name_words = models.TextField(default="")

    class Meta:
        managed = False
        db_table = "caller"
        verbose_name = gettext_lazy("caller")
        verbose_name_plural = gettext_lazy("callers")
        default_permissions = ("view",)
        permissions = (
            (
                "correct_caller",
                gettext_noop("Can correct facts, delete one memory, opt a caller out and mark a shared line"),
            ),
            ("forget_caller", gettext_noop("Can export and forget all that is known of a caller")),
        )
        ordering = ("-last_call", "ref")

    def __str__(self) -> str:
        return self.ref
