"""Text to entries: Markdown files as values that know their places."""
