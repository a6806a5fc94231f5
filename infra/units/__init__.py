"""Editing the description of units: what a person would write, checked before it is written.

files.py reads and writes, edit.py changes one text, the operations (choices.py, changes.py,
succession.py) are pure: a description and a wish give the edited texts. Nothing contacts a host.
"""
