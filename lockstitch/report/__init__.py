"""Pure: plans, outcomes and facts as text for people and as JSON for programs. Nothing here prints."""

from lockstitch.report.apps import (
    maintenance_json,
    maintenance_text,
    packages_json,
    packages_text,
    queues_json,
    queues_text,
    services_json,
    services_text,
)
from lockstitch.report.checks import CheckedHost, ReportedHost, checks_json, checks_text, facts_json, facts_text
from lockstitch.report.database import backups_json, backups_text, databases_json, databases_text
from lockstitch.report.fanout import by_hand_text, done_json, done_text, grouped_text, summary
from lockstitch.report.outcome import outcome_json, outcome_text
from lockstitch.report.plan import Expected, StepProgress, expected, plan_json, plan_text, progress
from lockstitch.report.status import history_json, history_text, locks_json, locks_text, status_json, status_text
from lockstitch.report.text import counted, table
from lockstitch.text import json_text, neutral, oneline, quoted, unforged

__all__ = [
    "CheckedHost",
    "Expected",
    "ReportedHost",
    "StepProgress",
    "backups_json",
    "backups_text",
    "by_hand_text",
    "checks_json",
    "checks_text",
    "counted",
    "databases_json",
    "databases_text",
    "done_json",
    "done_text",
    "expected",
    "facts_json",
    "facts_text",
    "grouped_text",
    "history_json",
    "history_text",
    "json_text",
    "locks_json",
    "locks_text",
    "maintenance_json",
    "maintenance_text",
    "neutral",
    "oneline",
    "outcome_json",
    "outcome_text",
    "packages_json",
    "packages_text",
    "plan_json",
    "plan_text",
    "progress",
    "queues_json",
    "queues_text",
    "quoted",
    "services_json",
    "services_text",
    "status_json",
    "status_text",
    "summary",
    "table",
    "unforged",
]
