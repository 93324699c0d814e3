from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("openmemory", "0004_vector"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="storedmemory",
            name="memory_of_conversation",
        ),
        migrations.AddIndex(
            model_name="storedmemory",
            index=models.Index(fields=["conversation_id", "user_id"], name="memory_of_conversation"),
        ),
    ]
