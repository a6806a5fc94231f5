"""The rules between objects, one module a subject; found by registration (rules.rule)."""
