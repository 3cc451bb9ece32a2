"""Runbooks: files of stages, the state of their runs, and when they may go on. Pure."""
