"""Pure: plans, outcomes and facts as text for people and as JSON for programs. Nothing here prints."""
