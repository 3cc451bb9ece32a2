"""What is asked of hosts and sites, and the parsers of their answers. Pure."""
