from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("openmemory", "0003_conversation_id"),
    ]

    operations = [
        migrations.AddField(
            model_name="storedmemory",
            name="vector",
            field=models.BinaryField(null=True),
        ),
    ]
