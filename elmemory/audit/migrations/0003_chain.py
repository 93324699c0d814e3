"""Chain the entries by hash, and have the database refuse to change or delete them."""

from typing import Any

from django.db import migrations, models

from elmemory.audit import triggers
from elmemory.audit.chain import digest


def chain(apps: Any, schema_editor: Any) -> None:
    entries = apps.get_model("audit", "Entry").objects.using(schema_editor.connection.alias)
    entries.filter(kind="caller").update(caller=models.F("object"))
    previous, batch = "", list[Any]()
    for entry in entries.order_by("pk").iterator(1000):
        previous = entry.hash = digest(previous, entry)
        batch.append(entry)
        if len(batch) == 1000:
            entries.bulk_update(batch, ["hash"])
            batch = []
    entries.bulk_update(batch, ["hash"])


def install(_apps: Any, schema_editor: Any) -> None:
    triggers.install(schema_editor.connection)


def remove(_apps: Any, schema_editor: Any) -> None:
    triggers.remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0002_reprocessed"),
    ]

    operations = [
        migrations.AddField(
            model_name="entry",
            name="caller",
            field=models.CharField(
                blank=True, db_index=True, default="", max_length=24, verbose_name="caller reference"
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="entry",
            name="hash",
            field=models.CharField(default="", editable=False, max_length=64, verbose_name="hash"),
            preserve_default=False,
        ),
        migrations.RunPython(chain, migrations.RunPython.noop),
        migrations.RunPython(install, remove),
    ]
