"""Smoke journeys without effects: the order of steps, answers judged, the ledger read, results."""
