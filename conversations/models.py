"""The index: what the admin and the worker see of the payload files. Disposable; the files are the truth."""

from django.db import models


class MemoryState(models.TextChoices):
    NONE = "none", "nothing to remember"
    PENDING = "pending", "pending"
    WRITTEN = "written", "written"
    FAILED = "failed", "failed"


class Conversation(models.Model):
    conversation_id = models.CharField(max_length=128, primary_key=True)
    agent_id = models.CharField(max_length=128, default="")
    caller = models.CharField(max_length=32, default="")
    outbound = models.BooleanField(default=False)
    started_at = models.DateTimeField(null=True)
    duration_seconds = models.IntegerField(null=True)
    status = models.CharField(max_length=32, default="")
    successful = models.CharField(max_length=32, default="")
    title = models.TextField(default="")
    has_transcription = models.BooleanField(default=False)
    has_audio = models.BooleanField(default=False)
    has_failure = models.BooleanField(default=False)

    memory_state = models.CharField(max_length=8, choices=MemoryState, default=MemoryState.NONE)
    memories = models.IntegerField(default=0)
    # Fingerprint of the files that the row was made from.
    files = models.CharField(max_length=64, default="")
    pending_since = models.FloatField(null=True)
    attempts = models.IntegerField(default=0)
    next_attempt_at = models.FloatField(default=0)
    error = models.TextField(default="")

    class Meta:
        managed = False
        db_table = "conversation"
        default_permissions = ("view",)
        ordering = ("-started_at", "-conversation_id")
        indexes = (
            models.Index(fields=["-started_at", "-conversation_id"], name="conversation_newest"),
            models.Index(fields=["memory_state", "next_attempt_at"], name="conversation_work"),
            models.Index(fields=["caller", "-started_at"], name="conversation_of_caller"),
        )

    def __str__(self) -> str:
        return self.conversation_id


class IndexSchema(models.Model):
    """Which version of the tables the index database holds."""

    version = models.IntegerField(primary_key=True)

    class Meta:
        managed = False
        db_table = "index_schema"
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.version)
