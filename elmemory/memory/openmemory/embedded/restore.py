"""Copies memories of another store into the embedded store, with their ids, sectors and times."""

import uuid
from collections.abc import Sequence

from django.db import connections, transaction

from elmemory.memory.openmemory.embedded.rows import conversation_id_of
from elmemory.memory.openmemory.protocol import require_user
from elmemory.memory.openmemory.storable import storable, storable_json
from elmemory.memory.records import Memory

_RESTORE = """
    INSERT INTO memory (id, user_id, key, conversation_id, content, tags, metadata, salience, decay_lambda, sectors,
                        created_at, updated_at, last_seen_at, version, vector)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (user_id, key) DO UPDATE SET
        conversation_id = excluded.conversation_id, content = excluded.content, tags = excluded.tags,
        metadata = excluded.metadata, salience = excluded.salience, decay_lambda = excluded.decay_lambda,
        sectors = excluded.sectors, created_at = excluded.created_at, updated_at = excluded.updated_at,
        last_seen_at = excluded.last_seen_at, version = memory.version + 1, vector = excluded.vector
"""


def restore(alias: str, user_id: str, memories: Sequence[Memory]) -> None:
    """Write the memories in this order to the database with this alias, all or none. Raises DatabaseError.

    A memory whose key the user has already replaces that memory, under the existing id.
    """
    require_user(user_id)
    with transaction.atomic(alias), connections[alias].cursor() as cursor:
        for memory in memories:
            key = storable(memory.key) or memory.id
            # The same memory under its former key.
            cursor.execute("DELETE FROM memory WHERE id = %s AND user_id = %s AND key <> %s", (memory.id, user_id, key))
            cursor.execute("SELECT 1 FROM memory WHERE id = %s AND user_id <> %s", (memory.id, user_id))
            row = (
                str(uuid.uuid4()) if cursor.fetchone() else memory.id,
                user_id,
                key,
                conversation_id_of(memory.metadata),
                storable(memory.content),
                storable_json(list(memory.tags)),
                storable_json(dict(memory.metadata)),
                memory.salience,
                memory.decay_lambda,
                storable_json(list(memory.sectors)),
                memory.created_at,
                memory.updated_at,
                memory.last_seen_at,
                memory.version,
                memory.vector or None,
            )
            cursor.execute(_RESTORE, row)
