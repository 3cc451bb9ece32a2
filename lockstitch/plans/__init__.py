"""Pure: (fleet, facts) → Plan."""

from lockstitch.model.plan import Plan, Site
from lockstitch.plans.backup import analyze, backup, choose, held_backups, prove, prune, running, verify
from lockstitch.plans.database_steps import DatabaseJob
from lockstitch.plans.deploy import DeployOptions, deploy, idle
from lockstitch.plans.deploy_backup import takes_part
from lockstitch.plans.disk_clean import DiskCleanup, clean
from lockstitch.plans.flag_sites import (
    FlagFacts,
    FlagStatus,
    flag_fleet,
    flag_places,
    flag_probes,
    flag_references,
    flag_status,
    judged_by,
)
from lockstitch.plans.flags import FlagOptions, FlagVerb, flag
from lockstitch.plans.health import health, under_way, with_health
from lockstitch.plans.hosts import RollingHosts, reboot, upgrade
from lockstitch.plans.maintenance import MaintenanceOptions, maintenance
from lockstitch.plans.preflight import raise_unreachable, raise_unreadable
from lockstitch.plans.queries import (
    Environments,
    agreed,
    between_asks,
    deploy_asks,
    each_asks,
    environments,
    joined,
    migrated,
    rollback_asks,
    serving,
    site,
    sites,
    timed_asks,
    usual_asks,
    valid_ref,
)
from lockstitch.plans.release_watches import (
    WatchedApp,
    WatchEnd,
    newest_run,
    refuse_back,
    released_facts,
    released_part,
    stages_of,
    watched_apps,
)
from lockstitch.plans.restore import restore
from lockstitch.plans.rollback import RollbackOptions, database_choices, rollback
from lockstitch.plans.rollback_database import DatabaseStrategy, lying_between, way
from lockstitch.plans.service import ServiceChange, Verb, service
from lockstitch.plans.settings import (
    push_settings,
    refuse_names,
    settings_to_build,
    undo_settings,
    with_written,
)
from lockstitch.plans.settings_provider import rotate_provider_key
from lockstitch.plans.settings_release import changed_words, former_files
from lockstitch.plans.settings_rotate import rotate_settings, rotation_fleet
from lockstitch.plans.settings_sites import SettingsOptions
from lockstitch.plans.settings_state import SettingRow, setting_rows
from lockstitch.plans.smoke_checks import with_smoke
from lockstitch.plans.wave_watches import GateSurvey, survey_queries, with_pause, with_watches

__all__ = [
    "DatabaseJob",
    "DatabaseStrategy",
    "DeployOptions",
    "DiskCleanup",
    "Environments",
    "FlagFacts",
    "FlagOptions",
    "FlagStatus",
    "FlagVerb",
    "GateSurvey",
    "MaintenanceOptions",
    "Plan",
    "RollbackOptions",
    "RollingHosts",
    "ServiceChange",
    "SettingRow",
    "SettingsOptions",
    "Site",
    "Verb",
    "WatchEnd",
    "WatchedApp",
    "agreed",
    "analyze",
    "backup",
    "between_asks",
    "changed_words",
    "choose",
    "clean",
    "database_choices",
    "deploy",
    "deploy_asks",
    "each_asks",
    "environments",
    "flag",
    "flag_fleet",
    "flag_places",
    "flag_probes",
    "flag_references",
    "flag_status",
    "former_files",
    "health",
    "held_backups",
    "idle",
    "joined",
    "judged_by",
    "lying_between",
    "maintenance",
    "migrated",
    "newest_run",
    "prove",
    "prune",
    "push_settings",
    "raise_unreachable",
    "raise_unreadable",
    "reboot",
    "refuse_back",
    "refuse_names",
    "released_facts",
    "released_part",
    "restore",
    "rollback",
    "rollback_asks",
    "rotate_provider_key",
    "rotate_settings",
    "rotation_fleet",
    "running",
    "service",
    "serving",
    "setting_rows",
    "settings_to_build",
    "site",
    "sites",
    "stages_of",
    "survey_queries",
    "takes_part",
    "timed_asks",
    "under_way",
    "undo_settings",
    "upgrade",
    "usual_asks",
    "valid_ref",
    "verify",
    "watched_apps",
    "way",
    "with_health",
    "with_pause",
    "with_smoke",
    "with_watches",
    "with_written",
]
