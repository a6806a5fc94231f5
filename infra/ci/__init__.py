"""Pipelines for GitLab and GitHub: written into the operator's repository, and their comment."""
