"""Users of the online public services, as the gateways see them: they fill in a form, and the
site's first user reads what was kept."""

from __future__ import annotations

import csv
import http.client
import io
import itertools
import re
import ssl
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.lab.gateway import connected
from tests.lab.staff import NotNow

SECONDS = 60
FORM = "/lien-he"
KEPT = f"{FORM}/actions/luu/@@data?" + urlencode(
    {"form.buttons.download": "1", "csv_delimiter": ","}
)


@dataclass
class Citizen:
    """One who writes by a unit's contact form. gateways: addresses, asked in turn; name: the
    unit's host name; password: of the site's first user."""

    gateways: list[str]
    name: str
    password: str
    authority: str
    statuses: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._turn = itertools.cycle(self.gateways)
        self._trust = ssl.create_default_context(cadata=self.authority)

    def add(self, name: str) -> None:
        """Send the form. Raises NotNow: it may have been kept all the same."""
        page = self._ask("GET", FORM)[0]
        token = re.search(r'_authenticator" value="([0-9a-f]+)', page)
        if not token:
            raise NotNow("no form")
        answer = self._ask(
            "POST",
            FORM,
            {
                "form.widgets.ho_ten": name,
                "form.widgets.thu_dien_tu": "verify@example.org",
                "form.widgets.noi_dung": "kiểm thử",
                "form.buttons.submit": "1",
                "_authenticator": token[1],
            },
        )[0]
        if "form.widgets.ho_ten" in answer:
            raise NotNow("the form was not taken")

    def names(self, prefix: str) -> list[str]:
        """Who wrote, of those whose names begin so, as often as it was kept. Raises NotNow."""
        login = {"__ac_name": "admin", "__ac_password": self.password, "buttons.login": "1"}
        cookies = self._ask("POST", "/login", login)[1]
        text, _ = self._ask("GET", KEPT, cookies=cookies)
        header, *rows = csv.reader(io.StringIO(text))
        if not any(header) or len(header) < 3:
            raise NotNow("what was kept cannot be read")
        return [cell for row in rows for cell in row if cell.startswith(prefix)]

    def _ask(
        self, method: str, path: str, form: dict[str, str] | None = None, cookies: str = ""
    ) -> tuple[str, str]:
        """(text, cookies that were set) of an answer with status 200 or a redirection."""
        body = urlencode(form) if form else None
        headers = {"Connection": "close", "Cookie": cookies}
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            with connected(next(self._turn), self.name, self._trust, SECONDS) as connection:
                connection.request(method, path, body, headers)
                response = connection.getresponse()
                text = response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as failure:
            raise NotNow(str(failure)) from None
        self.statuses.append(response.status)
        if response.status == 503:
            assert response.getheader("Retry-After"), "told to wait, but not how long"
        if response.status not in (200, 302):
            raise NotNow(f"status {response.status}: {text[:120]!r}")
        found = (c.split(";")[0] for c in response.headers.get_all("Set-Cookie") or ())
        return text, "; ".join(c for c in found if "deleted" not in c)
