"""Database engines, found by folder, and what is done with databases: backups, retention, migrations, health."""
