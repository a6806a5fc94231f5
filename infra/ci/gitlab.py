"""Notes of a GitLab merge request, and where a GitLab job says which one it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from infra.ci.http import Api, Token
from infra.ci.place import Comment, malformed, number, token_missing, usable_token

PERMISSION = "a project access token in GITLAB_TOKEN with the scope api and the role Reporter"
COMMAND = re.compile(r"^(\s*)(?=/[a-z])", re.MULTILINE)
LIMIT = 1_000_000  # characters of a note


def from_fork(environment: Mapping[str, str]) -> bool:
    """The change comes from another project, whose jobs do not get this one's token."""
    source = environment.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID")
    return bool(source) and source != environment.get("CI_MERGE_REQUEST_PROJECT_ID")


class GitLab:
    """The notes of one merge request.

    Needs CI_API_V4_URL, CI_PROJECT_ID, GITLAB_TOKEN; the number from CI_MERGE_REQUEST_IID,
    or `change`. Raises HanoiError HN-R055 and HN-R056, later those of Api.
    """

    limit = LIMIT

    def __init__(self, environment: Mapping[str, str], change: int | None = None) -> None:
        base = environment.get("CI_API_V4_URL", "")
        if not re.fullmatch(r"https?://[^\s@?#]+", base):
            raise malformed("CI_API_V4_URL", "the address of GitLab's interface")
        project = environment.get("CI_MERGE_REQUEST_PROJECT_ID") or environment.get("CI_PROJECT_ID")
        iid = change or number(environment.get("CI_MERGE_REQUEST_IID"), "CI_MERGE_REQUEST_IID")
        self.where = f"merge request !{iid}"
        self.run = int(environment.get("CI_PIPELINE_ID") or 0)
        self._notes = f"/projects/{number(project, 'CI_PROJECT_ID')}/merge_requests/{iid}/notes"
        secret = environment.get("GITLAB_TOKEN", "").strip()
        if not secret:
            raise token_missing(
                "GITLAB_TOKEN is not set, and CI_JOB_TOKEN may not write notes",
                f"make {PERMISSION} (docs/ci.md)",
            )
        token = Token("PRIVATE-TOKEN", usable_token(secret, "GITLAB_TOKEN"), secret, PERMISSION)
        self._api = Api(base, token, authorities=environment.get("CI_SERVER_TLS_CA_FILE"))

    def me(self) -> str:
        return str(self._api.json(self._api.call("GET", "/user"))["id"])

    def comments(self) -> Iterator[Comment]:
        page = "1"
        while page:
            params: dict[str, str | int] = {
                "per_page": 100, "page": page, "sort": "asc", "order_by": "created_at",
            }  # fmt: skip
            answer = self._api.call("GET", self._notes, params=params)
            for note in self._api.json(answer):
                if not note.get("system"):
                    yield Comment(note["id"], str(note["author"]["id"]), note["body"] or "")
            page = answer.headers.get("X-Next-Page", "") if answer is not None else ""

    def create(self, body: str) -> None:
        self._api.call("POST", self._notes, body={"body": body})

    def update(self, comment: int, body: str) -> bool:
        """False when the note is gone."""
        path = f"{self._notes}/{comment}"
        return self._api.call("PUT", path, body={"body": body}, gone_is_fine=True) is not None

    def delete(self, comment: int) -> None:
        self._api.call("DELETE", f"{self._notes}/{comment}", gone_is_fine=True)

    def safe(self, text: str) -> str:
        """GitLab carries out lines such as "/merge" of a note in the token's name: not ours.

        A zero-width space before the stroke makes them text, also where it is not seen.
        """
        return COMMAND.sub("\\1\u200b", text)
