"""EFFECT: smoke journeys carried out: requests, commands, and the ledger of what they make."""
