"""Comments of a GitHub pull request, and where a GitHub job says which one it is about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.ci.http import Api, Token
from infra.ci.place import Comment, malformed, number, token_missing, usable_token
from infra.errors import HanoiError

PERMISSION = "`permissions: pull-requests: write` for the job whose GITHUB_TOKEN this is"
VERSION = "2022-11-28"  # of GitHub's REST interface
ACTIONS = "github-actions[bot]"  # who writes with a job's own token
LIMIT = 65_536  # characters of a comment


def from_fork(environment: Mapping[str, str]) -> bool:
    """The change comes from a fork, or from GitHub's update robot: its token only reads."""
    request = _event(environment.get("GITHUB_EVENT_PATH", "")).get("pull_request")
    if not request:
        return False
    head, base = ((request.get(s) or {}).get("repo") or {} for s in ("head", "base"))
    robot = environment.get("GITHUB_ACTOR") == "dependabot[bot]"
    return robot or head.get("id") != base.get("id")


class GitHub:
    """The comments of one pull request.

    Needs GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN; the number from the event in
    GITHUB_EVENT_PATH, or `change`. Raises HanoiError HN-R055 and HN-R056, later those of Api.
    """

    limit = LIMIT

    def __init__(self, environment: Mapping[str, str], change: int | None = None) -> None:
        base = environment.get("GITHUB_API_URL", "")
        if not re.fullmatch(r"https?://[^\s@?#]+", base):
            raise malformed("GITHUB_API_URL", "the address of GitHub's interface")
        repository = environment.get("GITHUB_REPOSITORY", "")
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
            raise malformed("GITHUB_REPOSITORY", "owner/name")
        event = {} if change else _event(environment.get("GITHUB_EVENT_PATH", ""))
        request = event.get("pull_request") or {}
        pull = change or number(request.get("number"), "pull_request.number in GITHUB_EVENT_PATH")
        self.where = f"pull request #{pull}"
        self.run = int(environment.get("GITHUB_RUN_ID") or 0)
        self._repository = f"/repos/{repository}"
        self._list = f"{self._repository}/issues/{pull}/comments"
        secret = environment.get("GITHUB_TOKEN", "").strip()
        if not secret:
            raise token_missing(
                "GITHUB_TOKEN is not set",
                "give the step `env: GITHUB_TOKEN: ${{ github.token }}`, and the job "
                "`permissions: pull-requests: write` (docs/ci.md)",
            )
        bearer = f"Bearer {usable_token(secret, 'GITHUB_TOKEN')}"
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION}
        self._api = Api(base, Token("Authorization", bearer, secret, PERMISSION), headers)
        self._graphql = environment.get("GITHUB_GRAPHQL_URL") or f"{base.rstrip('/')}/graphql"

    def me(self) -> str:
        """Who the token writes as. Only GraphQL tells that to a job's own token."""
        try:
            answer = self._api.call("POST", self._graphql, body={"query": "{viewer{login}}"})
            return str(self._api.json(answer)["data"]["viewer"]["login"])
        except (KeyError, TypeError):
            return ACTIONS
        except HanoiError as failure:
            if failure.problems[0].code == "HN-R059":
                raise
            return ACTIONS  # no GraphQL for this token; if it is no good, the list says so

    def comments(self) -> Iterator[Comment]:
        page = 1
        while page:
            answer = self._api.call("GET", self._list, params={"per_page": 100, "page": page})
            for found in self._api.json(answer):
                author = (found.get("user") or {}).get("login", "")  # null: the account is gone
                yield Comment(found["id"], author, found["body"] or "")
            page = page + 1 if answer is not None and "next" in answer.links else 0

    def create(self, body: str) -> None:
        self._api.call("POST", self._list, body={"body": body})

    def update(self, comment: int, body: str) -> bool:
        """False when the comment is gone."""
        path = f"{self._repository}/issues/comments/{comment}"
        return self._api.call("PATCH", path, body={"body": body}, gone_is_fine=True) is not None

    def delete(self, comment: int) -> None:
        path = f"{self._repository}/issues/comments/{comment}"
        self._api.call("DELETE", path, gone_is_fine=True)

    def safe(self, text: str) -> str:
        return text


def _event(path: str) -> dict[str, Any]:
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError):
        raise malformed("GITHUB_EVENT_PATH", "the file of the event that started the job") from None
    return found if isinstance(found, dict) else {}
