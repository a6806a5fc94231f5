"""What a change does, as people and programs read it: one content, four forms."""
