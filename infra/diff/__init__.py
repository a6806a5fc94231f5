"""What a change would do, from the description alone: no host, no secret, no network.

review.report() compares two revisions of the description, each planned by its own toolkit;
review.verdict() is the exit code that its findings ask for.
"""
