"""Pure: (fleet, facts) → Plan."""

from lockstitch.model.plan import Plan, Site
from lockstitch.plans.backup import analyze, backup, choose, held_backups, prove, prune, running, verify
from lockstitch.plans.database_steps import DatabaseJob
from lockstitch.plans.deploy import DeployOptions, deploy, idle
from lockstitch.plans.deploy_backup import takes_part
from lockstitch.plans.disk_clean import DiskCleanup, clean
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
    usual_asks,
    valid_ref,
)
from lockstitch.plans.restore import restore
from lockstitch.plans.rollback import RollbackOptions, rollback
from lockstitch.plans.rollback_database import DatabaseStrategy, lying_between, way
from lockstitch.plans.service import ServiceChange, Verb, service

__all__ = [
    "DatabaseJob",
    "DatabaseStrategy",
    "DeployOptions",
    "DiskCleanup",
    "Environments",
    "MaintenanceOptions",
    "Plan",
    "RollbackOptions",
    "RollingHosts",
    "ServiceChange",
    "Site",
    "Verb",
    "agreed",
    "analyze",
    "backup",
    "between_asks",
    "choose",
    "clean",
    "deploy",
    "deploy_asks",
    "each_asks",
    "environments",
    "health",
    "held_backups",
    "idle",
    "joined",
    "lying_between",
    "maintenance",
    "migrated",
    "prove",
    "prune",
    "raise_unreachable",
    "raise_unreadable",
    "reboot",
    "restore",
    "rollback",
    "rollback_asks",
    "running",
    "service",
    "serving",
    "site",
    "sites",
    "takes_part",
    "under_way",
    "upgrade",
    "usual_asks",
    "valid_ref",
    "verify",
    "way",
    "with_health",
]
