"""Pure: (fleet, facts) → Plan."""

from lockstitch.plans.asks import (
    Environments,
    deploy_asks,
    environments,
    rollback_asks,
    serving,
    sites,
    usual_asks,
    valid_ref,
)
from lockstitch.plans.deploy import Wanted, deploy
from lockstitch.plans.preflight import raise_unreachable
from lockstitch.plans.rollback import Back, rollback

__all__ = [
    "Back",
    "Environments",
    "Wanted",
    "deploy",
    "deploy_asks",
    "environments",
    "raise_unreachable",
    "rollback",
    "rollback_asks",
    "serving",
    "sites",
    "usual_asks",
    "valid_ref",
]
