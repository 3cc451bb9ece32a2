"""Evidence: needs judged, and forges that a server stands in for."""
