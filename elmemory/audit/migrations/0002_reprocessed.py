from django.db import migrations


class Migration(migrations.Migration):
    """Changed names for people only; databases list it as applied."""

    dependencies = [("audit", "0001_initial")]
