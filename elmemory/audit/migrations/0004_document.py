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
        migrations.AlterField(
            model_name="entry",
            name="action",
            field=models.CharField(
                choices=[
                    ("view", "viewed"),
                    ("listen", "listened"),
                    ("download", "downloaded"),
                    ("export", "exported"),
                    ("find", "searched the list"),
                    ("search", "asked what the agent would find"),
                    ("reprocess", "reprocessed"),
                    ("correct", "corrected"),
                    ("delete", "deleted a memory"),
                    ("opt_out", "changed the opt-out"),
                    ("shared_line", "changed the shared line"),
                    ("forget", "forgot"),
                    ("certificate", "certified as forgotten"),
                    ("login", "logged in"),
                    ("login_failed", "failed to log in"),
                    ("lockout", "was locked out"),
                    ("logout", "logged out"),
                    ("refused", "was refused"),
                    ("change", "changed"),
                    ("run", "ran"),
                ],
                max_length=16,
                verbose_name="did",
            ),
        ),
        # For a new column, SQLite rebuilds the table without its triggers.
        migrations.RunPython(install, migrations.RunPython.noop),
    ]
