"""Detectors of drift, one noun a module, found by registration (registry.py)."""
