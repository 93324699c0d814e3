"""Let a signed summary replace the oldest entries, and nothing else."""

from typing import Any

from django.db import migrations

from elmemory.audit import triggers


def reinstall(_apps: Any, schema_editor: Any) -> None:
    triggers.remove(schema_editor.connection)
    triggers.install(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0004_document"),
    ]

    operations = [
        migrations.RunPython(reinstall, migrations.RunPython.noop),
    ]
