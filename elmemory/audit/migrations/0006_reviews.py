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
    ]
