"""The results, frozen, and their JSON."""
