"""Local stand-ins for the HTTP interfaces of GitLab and GitHub: comments of one request, no more.

They keep what the hosts promise and the comment step relies on: pages, authors, who may write,
system notes, line ends; and they can be told to fail in the ways that hosts do.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ME = {"gitlab": 4711, "github": "github-actions[bot]"}
OTHER = {"gitlab": 12, "github": "nguyen-van-a"}
TOKEN = "glpat-canary-0123456789"


@dataclass
class Answer:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass
class CodeHost:
    """One request (number 12) of one project. `refuse`: answers given instead, for a
    (method, path pattern), each once unless `always`."""

    kind: str
    base: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    refusals: list[tuple[str, str, Answer, bool]] = field(default_factory=list)
    after: list[tuple[str, Callable[[], None]]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    page: int = 100
    next_id: int = 1

    def add(self, body: str, author: Any = None, system: bool = False) -> int:
        found = {"id": self.next_id, "body": body, "author": author or ME[self.kind]}
        self.comments.append({**found, "system": system})
        self.next_id += 1
        return int(found["id"])

    def refuse(
        self, method: str, pattern: str, answer: Answer, *, always: bool = False, times: int = 1
    ) -> None:
        self.refusals += [(method, pattern, answer, always)] * times

    def then(self, method: str, do: Callable[[], None]) -> None:
        """Do this once, right after the next request of that method: somebody else is at work."""
        self.after.append((method, do))

    @property
    def bodies(self) -> list[str]:
        return [c["body"] for c in self.comments]

    @property
    def writes(self) -> list[str]:
        return [m for m, p in self.calls if m != "GET" and "graphql" not in p]

    def environment(self, **more: str) -> dict[str, str]:
        if self.kind == "gitlab":
            given = {
                "GITLAB_CI": "true",
                "CI_API_V4_URL": self.base,
                "CI_PROJECT_ID": "7",
                "CI_MERGE_REQUEST_PROJECT_ID": "7",
                "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "7",
                "CI_MERGE_REQUEST_IID": "12",
                "GITLAB_TOKEN": TOKEN,
            }
        else:
            given = {
                "GITHUB_ACTIONS": "true",
                "GITHUB_API_URL": self.base,
                "GITHUB_REPOSITORY": "ttcntt/sites",
                "GITHUB_TOKEN": TOKEN,
            }
        return {**given, **more}

    # ---- what the hosts do ----

    def answer(self, method: str, url: str, body: dict[str, Any]) -> Answer:
        parts = urlsplit(url)
        self.calls.append((method, parts.path))
        for n, (wanted, pattern, answer, always) in enumerate(self.refusals):
            if wanted == method and re.search(pattern, parts.path):
                if not always:
                    del self.refusals[n]
                return answer
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        result = self._host(method, parts.path, query, body)
        for n, (wanted, do) in enumerate(self.after):
            if wanted == method and "graphql" not in parts.path and "/user" not in parts.path:
                del self.after[n]
                do()
                break
        return result

    def _host(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Answer:
        gitlab = self.kind == "gitlab"
        listing = (
            "/projects/7/merge_requests/12/notes"
            if gitlab
            else "/repos/ttcntt/sites/issues/12/comments"
        )
        one = re.fullmatch(
            rf"{listing}/(\d+)" if gitlab else r"/repos/ttcntt/sites/issues/comments/(\d+)", path
        )
        if path == "/user" and gitlab:
            return Answer(200, {"id": ME["gitlab"], "username": "project_7_bot"})
        if path == "/graphql" and not gitlab:
            return Answer(200, {"data": {"viewer": {"login": ME["github"]}}})
        if path == listing and method == "GET":
            return self._page(query)
        if path == listing and method == "POST":
            self.add(body["body"])
            return Answer(201, self._shown(self.comments[-1]))
        if one:
            return self._one(method, int(one[1]), body)
        return Answer(404, {"message": "Not Found"})

    def _one(self, method: str, comment_id: int, body: dict[str, Any]) -> Answer:
        found = next((c for c in self.comments if c["id"] == comment_id), None)
        if found is None:
            return Answer(404, {"message": "404 Note Not Found"})
        if found["author"] != ME[self.kind]:
            return Answer(403, {"message": "403 Forbidden"})
        if method == ("PUT" if self.kind == "gitlab" else "PATCH"):
            found["body"] = body["body"]
            return Answer(200, self._shown(found))
        if method == "DELETE":
            self.comments.remove(found)
            return Answer(204)
        return Answer(405, {"message": "405 Method Not Allowed"})

    def _page(self, query: dict[str, str]) -> Answer:
        size = min(int(query.get("per_page", 20)), self.page)
        page = int(query.get("page", 1))
        shown = [self._shown(c) for c in self.comments[(page - 1) * size : page * size]]
        more = page * size < len(self.comments)
        if self.kind == "gitlab":
            return Answer(200, shown, {"X-Next-Page": str(page + 1) if more else ""})
        # An address that must not be followed blindly: the token would go to another host.
        link = {"Link": '<http://127.0.0.1:9/elsewhere?page=2>; rel="next"'} if more else {}
        return Answer(200, shown, link)

    def _shown(self, comment: dict[str, Any]) -> dict[str, Any]:
        if self.kind == "gitlab":
            return {**comment, "author": {"id": comment["author"]}}
        return {
            "id": comment["id"],
            "body": comment["body"],
            "user": {"login": comment["author"]},
        }


@contextmanager
def codehost(kind: str) -> Iterator[CodeHost]:
    host = CodeHost(kind)

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            host.tokens.add(
                self.headers.get("PRIVATE-TOKEN") or self.headers.get("Authorization") or ""
            )
            answer = host.answer(self.command, self.path, body)
            data = answer.raw if answer.raw is not None else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(0 if answer.status == 204 else len(data)))
            self.end_headers()
            if answer.status != 204:
                self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
