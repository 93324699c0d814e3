"""The index: rows about the payload files, for the admin and the worker. It can always be rebuilt from the files."""

from django.db import models
from django.utils.translation import gettext_lazy, gettext_noop


class Success(models.TextChoices):
    """ElevenLabs' evaluation of the call. These values are known; a payload may hold another."""

    SUCCESS = "success", gettext_lazy("success")
    FAILURE = "failure", gettext_lazy("failure")
    UNKNOWN = "unknown", gettext_lazy("unknown")


class MemoryState(models.TextChoices):
    NONE = "none", gettext_lazy("nothing to remember")
    PENDING = "pending", gettext_lazy("pending")
    WRITTEN = "written", gettext_lazy("written")
    FAILED = "failed", gettext_lazy("failed")


class Outcome(models.TextChoices):
    DONE = "done", gettext_lazy("done")
    FAILED = "failed", gettext_lazy("failed")
    UNCONNECTED = "unconnected", gettext_lazy("never connected")
    WEB = "web", gettext_lazy("web call")
    UNKNOWN = "", gettext_lazy("no transcription yet")


class Direction(models.TextChoices):
    INBOUND = "inbound", gettext_lazy("inbound")
    OUTBOUND = "outbound", gettext_lazy("outbound")
    WEB = "", gettext_lazy("web or unknown")


class Channel(models.TextChoices):
    PHONE = "phone", gettext_lazy("phone")
    WHATSAPP = "whatsapp", "WhatsApp"
    SMS = "sms", "SMS"
    WEB = "web", gettext_lazy("web")
    CHAT = "chat", gettext_lazy("chat")
    UNKNOWN = "", gettext_lazy("unknown")


# Django's `get_…_display` would build this dictionary on each call.
_NAMES = dict([*Direction.choices, *Channel.choices])


class Recall(models.TextChoices):
    """How this server answered the ring, as far as the payload shows it."""

    MEMORY = "memory", gettext_lazy("with memory")
    NEUTRAL = "neutral", gettext_lazy("neutral")
    NONE = "", gettext_lazy("not by this server")


# The columns of all filters, and those of the figures of a search: counting and listing reads only a covering index.
_NEWEST = (
    "sort_key", "started_on", "outcome", "successful", "agent_id", "direction", "channel", "has_audio", "recall",
    "memory_state", "reviewed", "caller_ref", "is_returning", "language", "duration_seconds", "cost",
    "has_transcription", "first_answer_ms", "turn_ms",
)  # fmt: skip
# The columns of the figures over time, which are also read from an index alone.
_FIGURES = (
    "started_on", "agent_id", "outcome", "successful", "direction", "channel", "has_transcription", "recall",
    "is_returning", "caller_ref", "language", "duration_seconds", "cost", "first_answer_ms", "turn_ms", "sort_key",
)  # fmt: skip


class Conversation(models.Model):
    conversation_id = models.CharField(max_length=128, primary_key=True)
    # Rises with the call's start; the rowid of the call's text in the full-text index.
    sort_key = models.BigIntegerField(default=0, editable=False)
    agent_id = models.CharField(max_length=128, default="")
    agent_name = models.CharField(max_length=128, default="")
    caller = models.CharField(max_length=32, default="")
    # The caller reference.
    caller_ref = models.CharField(max_length=32, default="")
    caller_name = models.CharField(max_length=128, default="")
    direction = models.CharField(gettext_lazy("direction"), max_length=8, choices=Direction, default=Direction.WEB)
    channel = models.CharField(gettext_lazy("channel"), max_length=8, choices=Channel, default=Channel.UNKNOWN)
    started_at = models.DateTimeField(null=True)
    started_on = models.DateField(gettext_lazy("day"), null=True)
    duration_seconds = models.IntegerField(null=True)
    outcome = models.CharField(gettext_lazy("outcome"), max_length=16, choices=Outcome, default=Outcome.UNKNOWN)
    successful = models.CharField(gettext_lazy("success"), max_length=32, choices=Success, default="")
    cost = models.IntegerField(null=True)
    # The code of the call's main language, in lower case: "en", "pt-br".
    language = models.CharField(max_length=16, default="")
    # Whether the caller had an earlier call that was held; set by `conversations.index.returning`.
    is_returning = models.BooleanField(default=False)
    # The waits from the end of the caller's words to the agent's voice: the first, and the median of all.
    first_answer_ms = models.IntegerField(null=True)
    turn_ms = models.IntegerField(null=True)
    title = models.TextField(default="")
    recall = models.CharField(gettext_lazy("answer at the ring"), max_length=8, choices=Recall, default=Recall.NONE)
    has_transcription = models.BooleanField(default=False)
    has_audio = models.BooleanField(gettext_lazy("recording"), default=False)
    has_failure = models.BooleanField(default=False)
    # Arrival of the newest payload of each type, in seconds since 1970.
    transcription_at = models.FloatField(null=True)
    audio_at = models.FloatField(null=True)
    failure_at = models.FloatField(null=True)

    # The start of retention, in seconds since 1970: the call's start, or its arrival if that was earlier. None without
    # such a file.
    audio_since = models.FloatField(null=True)
    payload_since = models.FloatField(null=True)
    # The time at which ElevenLabs deletes it, from the payload.
    audio_due = models.FloatField(null=True)
    payload_due = models.FloatField(null=True)

    memory_state = models.CharField(gettext_lazy("memory"), max_length=8, choices=MemoryState, default=MemoryState.NONE)
    memories = models.IntegerField(default=0)
    # Whether the receipt lists memories that staff deleted.
    withholds = models.BooleanField(default=False)
    # The fingerprint of the files that the row was made from; empty while the row is behind them.
    fingerprint = models.CharField(max_length=64, default="")
    pending_since = models.FloatField(null=True)
    attempts = models.IntegerField(default=0)
    next_attempt_at = models.FloatField(default=0)
    error = models.TextField(default="")

    # Copied from staff's reviews by `conversations.memories.reviews`. No file has it, so refreshing leaves it alone.
    reviewed = models.BooleanField(gettext_lazy("reviewed"), default=False)

    class Meta:
        managed = False
        db_table = "conversation"
        verbose_name = gettext_lazy("call")
        verbose_name_plural = gettext_lazy("calls")
        default_permissions = ("view",)
        permissions = (
            ("listen_conversation", gettext_noop("Can hear recordings")),
            ("reveal_number", gettext_noop("Can see whole phone numbers")),
            ("reprocess_conversation", gettext_noop("Can reprocess calls")),
            ("download_conversation", gettext_noop("Can download payloads")),
            ("export_conversation", gettext_noop("Can export lists of calls")),
            ("run_doctor", gettext_noop("Can run the doctor")),
            ("review_conversation", gettext_noop("Can write the note of a call and mark it as reviewed")),
            ("discard_conversation", gettext_noop("Can discard unreadable deliveries and parked calls")),
        )
        ordering = ("-sort_key",)
        indexes = (
            models.Index(fields=_NEWEST, name="conversation_newest"),
            models.Index(fields=["memory_state", "next_attempt_at", "-sort_key"], name="conversation_work"),
            models.Index(
                fields=["pending_since", "sort_key"],
                name="conversation_pending",
                condition=models.Q(pending_since__isnull=False),
            ),
            models.Index(
                fields=["caller", "sort_key", "outcome", "is_returning", "started_at", "caller_name"],
                name="conversation_of_caller",
            ),
            models.Index(
                # SQLite would choose another if `is_returning` were in the condition alone.
                fields=["caller", "is_returning", "sort_key"],
                name="conversation_not_returning",
                condition=models.Q(caller__gt="", is_returning=False),
            ),
            models.Index(fields=["caller_ref", "started_at", "sort_key"], name="conversation_by_ref"),
            models.Index(fields=["fingerprint"], name="conversation_behind", condition=models.Q(fingerprint="")),
            models.Index(fields=_FIGURES, name="conversation_figures"),
            models.Index(
                fields=["reviewed", "conversation_id"], name="conversation_reviewed", condition=models.Q(reviewed=True)
            ),
            *(
                models.Index(fields=[name], name=f"conversation_{name}", condition=models.Q((f"{name}__isnull", False)))
                for name in ("audio_since", "payload_since", "audio_due", "payload_due")
            ),
            # For reading distinct values (`conversations.index.values`). Because of the conditions SQLite uses them for
            # nothing else: it would read the row of each call in a language, instead of an index with all columns.
            models.Index(
                fields=["agent_id", "agent_name"], name="conversation_of_agent", condition=models.Q(agent_id__gt="")
            ),
            models.Index(fields=["language"], name="conversation_in_language", condition=models.Q(language__gt="")),
        )

    def __str__(self) -> str:
        return self.title or self.conversation_id

    @property
    def agent(self) -> str:
        return self.agent_name or self.agent_id

    @property
    def direction_and_channel(self) -> str:
        """Direction and channel as far as they are known: "inbound · WhatsApp". Web and chat have no direction."""
        return " · ".join(str(_NAMES.get(part, part)) for part in (self.direction, self.channel) if part)

    @property
    def visitor(self) -> str:
        """A name for the customer of a channel without numbers; empty for the other channels."""
        return str(_NAMES[self.channel]) if self.channel in (Channel.WEB, Channel.CHAT) else ""


class Label(models.TextChoices):
    """The kinds of labels. A label also has a name: that of the tool or of the evaluation criterion."""

    TOOL = "tool", gettext_lazy("tool used")
    TOOL_FAILED = "tool_failed", gettext_lazy("tool failed")
    CRITERION_SUCCESS = "success", gettext_lazy("criterion met")
    CRITERION_FAILURE = "failure", gettext_lazy("criterion not met")
    CRITERION_UNKNOWN = "unknown", gettext_lazy("criterion unknown")


class CallLabel(models.Model):
    """A tool that a call used, or one of its evaluation criteria. The call is named by its sort key."""

    pk = models.CompositePrimaryKey("kind", "name", "sort_key")
    kind = models.CharField(max_length=16, choices=Label)
    name = models.CharField(max_length=100)
    sort_key = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "call_label"
        default_permissions = ()
        indexes = (models.Index(fields=["sort_key"], name="call_label_of_call"),)

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


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


class IndexSchema(models.Model):
    """The single row with the version of the tables in the database.

    `version` includes the key of the caller references. `made` is a new text each time the tables are created,
    `release` the version of elmemory that created them.
    """

    version = models.CharField(max_length=64, primary_key=True)
    made = models.CharField(max_length=16)
    release = models.CharField(max_length=32)

    class Meta:
        managed = False
        db_table = "index_schema"
        default_permissions = ()

    def __str__(self) -> str:
        return self.version
