from django.db import models


class StoredMemory(models.Model):
    """A memory of the embedded store. Times are in milliseconds since 1970, as in OpenMemory."""

    # Rises with every new row, so that "newest" does not depend on a clock.
    sequence = models.BigAutoField(primary_key=True)
    id = models.CharField(max_length=36, unique=True)
    user_id = models.TextField()
    key = models.TextField()
    # From the metadata; empty for none, NULL if a version without this column wrote the row.
    conversation_id = models.TextField(null=True)  # noqa: DJ001
    content = models.TextField()
    tags = models.TextField(default="[]")
    metadata = models.TextField(default="{}")
    salience = models.FloatField()
    decay_lambda = models.FloatField()
    sectors = models.TextField()
    created_at = models.BigIntegerField()
    updated_at = models.BigIntegerField()
    last_seen_at = models.BigIntegerField()
    version = models.IntegerField(default=1)
    # NULL without an encoder, and for kinds that no search finds.
    vector = models.BinaryField(null=True)

    class Meta:
        db_table = "memory"
        constraints = [models.UniqueConstraint(fields=["user_id", "key"], name="memory_key_once_per_user")]
        # With the version, so that change tokens are read from the index alone.
        indexes = [
            models.Index(fields=["user_id", "-sequence", "version"], name="memory_newest_of_user"),
            # The conversation first, because `users_of` has no user.
            models.Index(fields=["conversation_id", "user_id"], name="memory_of_conversation"),
        ]

    def __str__(self) -> str:
        return self.id
