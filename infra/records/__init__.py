"""Records of one unit's application carried into another unit's: a merge brings all that the
application can carry, a split a stated selection.

What an application carries is registered (registry.py) with a program that runs inside its
container. What comes, what is the same on both sides and what stands against it is worked out
from what both sides say (content.py, match.py), before anything is changed; carry.py does it in
one transaction of the target's database, and record.py remembers what has been done.
"""
