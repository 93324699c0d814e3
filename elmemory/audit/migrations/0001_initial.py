"""Choices and names are those of the present model, because no database holds them."""

from django.db import migrations, models
from django.utils.timezone import now


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_index=True, default=now, editable=False, verbose_name="when")),
                ("user_id", models.BigIntegerField(editable=False, null=True)),
                ("username", models.CharField(db_index=True, max_length=150, verbose_name="who")),
                (
                    "action",
                    models.CharField(
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
                ("kind", models.CharField(max_length=16, verbose_name="what kind")),
                ("object", models.CharField(blank=True, db_index=True, max_length=128, verbose_name="what")),
                ("detail", models.CharField(blank=True, max_length=200, verbose_name="detail")),
                ("address", models.GenericIPAddressField(null=True, verbose_name="from where")),
            ],
            options={
                "default_permissions": ("view",),
                "ordering": ("-id",),
                "permissions": (("export_entry", "Can export the audit log"),),
                "verbose_name": "entry",
                "verbose_name_plural": "entries",
            },
        ),
    ]
