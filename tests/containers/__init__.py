"""Real hosts in containers: an engine, two images, a fleet of machines and the apps deployed onto them."""
