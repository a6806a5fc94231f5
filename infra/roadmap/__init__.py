"""The roadmap: how far it has come, what is next and what blocks it."""
