"""Pure: plans, outcomes and facts as text for people and as JSON for programs. Nothing here prints."""

from lockstitch.report.backups import backups_json, backups_text
from lockstitch.report.locks import locks_json, locks_text
from lockstitch.report.outcome import outcome_json, outcome_text
from lockstitch.report.plan import plan_json, plan_text
from lockstitch.report.status import history_json, history_text, status_json, status_text
from lockstitch.report.text import counted, neutral, table

__all__ = [
    "backups_json",
    "backups_text",
    "counted",
    "history_json",
    "history_text",
    "locks_json",
    "locks_text",
    "neutral",
    "outcome_json",
    "outcome_text",
    "plan_json",
    "plan_text",
    "status_json",
    "status_text",
    "table",
]
