"""Calls to a code host's HTTP interface: timeouts, another try where it helps, clear errors.

The token is sent in one header and stands in no message. Redirects are not followed, because
the token would go along.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from infra.errors import Exit, HanoiError, error

TRIES = 5
TIMEOUT = (10, 30)  # seconds to connect, and between two pieces of the answer
PATIENCE = 120.0  # seconds that all waits of one call may take together
AGAIN = frozenset({429, 500, 502, 503, 504})
REFUSALS = {
    401: "the token is not valid (any more)",
    403: "the token may not do this",
    404: "not found, or the token may not see it",
}


class _Header(AuthBase):
    """Sends the token; being there, it keeps a .netrc file from putting another in its place."""

    def __init__(self, name: str, value: str) -> None:
        self.name, self.value = name, value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self.name] = self.value
        return request


@dataclass(frozen=True)
class Token:
    """header: the header that carries it; value: as it stands there; secret: the token itself;
    permission: what it must be allowed, for the message when it is not."""

    header: str
    value: str
    secret: str
    permission: str


class Api:
    """One host's interface below `base`. Raises HanoiError HN-R057, HN-R059 and HN-R060."""

    def __init__(
        self,
        base: str,
        token: Token,
        headers: Mapping[str, str] | None = None,
        authorities: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base = base.rstrip("/")
        self._where = urlsplit(base).netloc
        self._token = token
        self._sleep = sleep
        self._session = requests.Session()
        self._session.auth = _Header(token.header, token.value)
        self._session.headers.update(headers or {})
        paths = ssl.get_default_verify_paths()  # a private authority is in the machine's store
        self._authorities = authorities or paths.cafile or paths.capath or True

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        gone_is_fine: bool = False,
    ) -> requests.Response | None:
        """The answer to one request; None when what it names is gone and that is fine.

        path: below the base, or a whole address of the same host. A request that may have
        been carried out although no answer came is sent again: callers look afterwards.
        """
        url = path if path.startswith("http") else f"{self._base}{path}"
        waited = 0.0
        for tried in range(1, TRIES + 1):
            answer, why = self._once(method, url, params, body)
            if answer is not None and not _worth_waiting(answer):
                if answer.status_code == 404 and gone_is_fine:
                    return None
                return self._judged(answer, method)
            pause = _pause(answer, tried)
            if tried == TRIES or waited + pause > PATIENCE:
                raise self._gave_up(why, tried, pause)
            waited += pause
            self._sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _once(
        self,
        method: str,
        url: str,
        params: Mapping[str, str | int] | None,
        body: Mapping[str, Any] | None,
    ) -> tuple[requests.Response | None, str]:
        try:
            answer = self._session.request(
                method,
                url,
                params=params,
                json=body,
                timeout=TIMEOUT,
                allow_redirects=False,
                verify=self._authorities,
            )
        except requests.exceptions.SSLError:
            raise error(
                "HN-R059",
                self._where,
                "its certificate is not trusted here",
                "add its authority to this machine's trust store (or name its file in "
                "REQUESTS_CA_BUNDLE)",
                Exit.UNREACHABLE,
            ) from None
        except requests.RequestException as failure:
            return None, f"no answer ({type(failure).__name__})"
        return answer, f"it answers {answer.status_code}"

    def _judged(self, answer: requests.Response, method: str) -> requests.Response:
        status = answer.status_code
        if status < 300:
            return answer
        said = self._said(answer)
        if status in REFUSALS:
            raise error(
                "HN-R057",
                self._where,
                f"{status}: {REFUSALS[status]}{said}",
                f"needed: {self._token.permission}",
                Exit.FAILED,
            )
        what = "it redirects elsewhere" if status < 400 else f"it refuses the {method}"
        raise error(
            "HN-R060",
            self._where,
            f"{status}: {what}{said}",
            "correct the address that the CI host gives (CI_API_V4_URL, GITHUB_API_URL), or what "
            "the answer names",
            Exit.FAILED,
        )

    def json(self, answer: requests.Response | None) -> Any:
        """The answer's content. Raises HanoiError HN-R060 where it is none."""
        try:
            return answer.json() if answer is not None else None
        except ValueError:
            raise error(
                "HN-R060",
                self._where,
                "the answer is not JSON",
                "a proxy or a login page may answer in its place; check the address",
                Exit.FAILED,
            ) from None

    def _said(self, answer: requests.Response) -> str:
        """The host's own words, short and printable, without the token."""
        try:
            found = answer.json()
            text = str(found.get("message") or found.get("error") or "")
        except (ValueError, AttributeError):
            return ""
        text = text.replace(self._token.secret, "***")[:200]
        plain = "".join(c if c.isprintable() else " " for c in text).strip()
        return f" ({plain})" if plain else ""

    def _gave_up(self, why: str, tries: int, pause: float) -> HanoiError:
        asked = f" and asks for {pause:.0f} s more" if pause > PATIENCE else ""
        return error(
            "HN-R059",
            self._where,
            f"{why}{asked}; {tries} tries",
            "check that the host is up and that this runner reaches it, then run the job again",
            Exit.UNREACHABLE,
        )


def _worth_waiting(answer: requests.Response) -> bool:
    """Overloaded, or a limit of rate (GitHub says that with 403, too)."""
    limited = "Retry-After" in answer.headers or answer.headers.get("X-RateLimit-Remaining") == "0"
    return answer.status_code in AGAIN or (answer.status_code == 403 and limited)


def _pause(answer: requests.Response | None, tried: int) -> float:
    """Seconds until the next try: what the host asks for, else 1, 2, 4, 8."""
    usual = float(2 ** (tried - 1))
    if answer is None:
        return usual
    asked = answer.headers.get("Retry-After", "")
    try:
        if asked.isdecimal():
            return float(asked)
        if asked:
            return max(0.0, parsedate_to_datetime(asked).timestamp() - time.time())
        if answer.status_code in (403, 429) and "X-RateLimit-Reset" in answer.headers:
            return max(usual, float(answer.headers["X-RateLimit-Reset"]) - time.time())
    except ValueError:
        pass
    return usual
