"""Let an entry hold a document: the certificate of a forgotten caller."""

from typing import Any

from django.db import migrations, models

from elmemory.audit import triggers


def install(_apps: Any, schema_editor: Any) -> None:
    triggers.install(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0003_chain"),
    ]

    operations = [
        migrations.AddField(
            model_name="entry",
            name="document",
            field=models.TextField(blank=True, default="", editable=False),
            preserve_default=False,
        ),
        # For a new column, SQLite rebuilds the table without its triggers.
        migrations.RunPython(install, migrations.RunPython.noop),
    ]
