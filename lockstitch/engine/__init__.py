"""Effects: running plans on hosts, locks, journals, surveys, logs, transfers, and copies of backups elsewhere."""
