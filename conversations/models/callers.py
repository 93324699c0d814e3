"""The rows of callers."""

from django.db import models
from django.utils.translation import gettext_lazy, gettext_noop


class CallerCard(models.Model):
    """A copy of a caller's card as of its last reading or writing, for lists.

    `number` and `first_call` are set only for a caller without stored calls of whom the store has memories. `last_call`
    is the caller's last call known when the row was written.
    """

    caller_ref = models.CharField(max_length=32, primary_key=True)
    number = models.CharField(max_length=32, default="")
    first_call = models.DateTimeField(null=True)
    last_call = models.DateTimeField(null=True)
    name = models.CharField(max_length=128, default="")
    # The name as tokens of the search.
    name_words = models.TextField(default="")
    opted_out = models.BooleanField(default=False)
    shared_line = models.BooleanField(default=False)
    # The beginning of the card's summary; without one, of the store's own.
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
    """Figures of a caller's stored calls. They are stored because counting for each list would take long."""

    caller_ref = models.CharField(max_length=32, primary_key=True)
    number = models.CharField(max_length=32)
    calls = models.IntegerField(default=0)
    first_call = models.DateTimeField(null=True)
    last_call = models.DateTimeField(null=True)
    # The names in the calls, as tokens of the search.
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
    # The names in the calls and on the card.
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
