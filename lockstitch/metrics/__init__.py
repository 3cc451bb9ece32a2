"""Metric sources, found by folder, and the statistics that judge what they count. Nothing here touches a host.

intervals.py    bounds of proportions, differences and ratios
judgement.py    counts against limits: pass, fail, or why neither
"""
