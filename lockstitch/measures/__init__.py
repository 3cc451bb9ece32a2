"""Measures, found by folder: numbers of an app that are taken on request and judged. Nothing here touches a host.

A measure is a pydantic model of its settings (`kind` names it in inventories). It says what is asked and where, for how
many samples, and judges what came back.
"""
