from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("openmemory", "0004_vector"),
    ]

    operations = [
        # Not removed first: PostgreSQL would block readers, and live calls with them, while the other is built.
        migrations.RenameIndex(
            model_name="storedmemory",
            old_name="memory_of_conversation",
            new_name="memory_of_conversation_by_user",
        ),
        migrations.AddIndex(
            model_name="storedmemory",
            index=models.Index(fields=["conversation_id", "user_id"], name="memory_of_conversation"),
        ),
        migrations.RemoveIndex(
            model_name="storedmemory",
            name="memory_of_conversation_by_user",
        ),
    ]
