"""Where the texts come from: files, git revisions, the shipped networks."""
