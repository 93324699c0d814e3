from collections.abc import Iterator

import orjson
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import CursorWrapper

_ROWS = 5000


def fill(_: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Copy the conversation ids from the metadata into the column, a bounded number of rows at a time."""
    with schema_editor.connection.cursor() as cursor:
        for rows in _chunks(cursor):
            cursor.executemany(
                "UPDATE memory SET conversation_id = %s WHERE sequence = %s",
                [(_conversation_id(metadata), sequence) for sequence, metadata in rows],
            )


def _chunks(cursor: CursorWrapper) -> Iterator[list[tuple[int, str]]]:
    last = -1
    while True:
        cursor.execute(
            "SELECT sequence, metadata FROM memory WHERE sequence > %s ORDER BY sequence LIMIT %s", (last, _ROWS)
        )
        rows = cursor.fetchall()
        if not rows:
            return
        last = rows[-1][0]
        yield rows


def _conversation_id(metadata: str) -> str:
    try:
        value = orjson.loads(metadata)
    except orjson.JSONDecodeError:
        return ""
    found = value.get("conversation_id") if isinstance(value, dict) else None
    return found.replace("\x00", "") if isinstance(found, str) else ""


class Migration(migrations.Migration):
    dependencies = [
        ("openmemory", "0002_newest_with_version"),
    ]

    operations = [
        migrations.AddField(
            model_name="storedmemory",
            name="conversation_id",
            field=models.TextField(null=True),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="storedmemory",
            index=models.Index(fields=["user_id", "conversation_id"], name="memory_of_conversation"),
        ),
    ]
