"""Let a signed summary replace the oldest entries, and nothing else."""

from typing import Any

from django.db import migrations, models

from elmemory.audit import triggers


def reinstall(_apps: Any, schema_editor: Any) -> None:
    triggers.remove(schema_editor.connection)
    triggers.install(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0004_document"),
    ]

    operations = [
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
                    ("retain", "removed by retention"),
                    ("close", "closed old entries"),
                ],
                max_length=16,
                verbose_name="did",
            ),
        ),
        migrations.RunPython(reinstall, migrations.RunPython.noop),
    ]
