"""EFFECT: the records of runs of a runbook, and the commands of its stages."""
