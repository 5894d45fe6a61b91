"""What each command shows, before it becomes text."""
