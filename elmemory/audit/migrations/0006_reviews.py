"""Let staff write a note on a call and mark it as reviewed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0005_closing"),
    ]

    operations = [
        migrations.CreateModel(
            name="Review",
            fields=[
                ("conversation_id", models.CharField(max_length=128, primary_key=True, serialize=False)),
                ("caller", models.CharField(blank=True, db_index=True, max_length=24)),
                ("note", models.TextField(blank=True)),
                ("note_by", models.CharField(blank=True, max_length=150)),
                ("note_at", models.DateTimeField(null=True)),
                ("reviewed_by", models.CharField(blank=True, max_length=150)),
                ("reviewed_at", models.DateTimeField(db_index=True, null=True)),
            ],
            options={
                "default_permissions": (),
            },
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
                    ("retain", "removed by retention"),
                    ("close", "closed old entries"),
                    ("note", "changed the note"),
                    ("review", "reviewed"),
                    ("discard", "discarded"),
                ],
                max_length=16,
                verbose_name="did",
            ),
        ),
    ]
