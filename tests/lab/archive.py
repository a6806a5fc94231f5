"""Users of the documents' application, as the gateways see them: they put documents in and look
for them by their text, and try again when they are told to wait."""

from __future__ import annotations

import http.client
import itertools
import json
import ssl
import time
from dataclasses import dataclass, field
from typing import Any

from tests.lab.gateway import connected
from tests.lab.staff import NotNow

SECONDS = 30
EVERY = 3.0  # seconds between two documents: each is read, drawn and indexed
API = "/api/v4"
BOUNDARY = "hanoi"


@dataclass
class Archive:
    """One user of one unit's documents. gateways: addresses, asked in turn; name: host name."""

    gateways: list[str]
    name: str
    password: str = field(repr=False)
    authority: str = field(repr=False)
    user: str = "admin"
    statuses: list[int] = field(default_factory=list)
    _token: str = ""
    _kind: str = ""

    def __post_init__(self) -> None:
        self._turn = itertools.cycle(self.gateways)
        self._trust = ssl.create_default_context(cadata=self.authority)

    def add(self, name: str) -> int:
        """A PDF with its name in it; its id. Raises NotNow: it may be there all the same."""
        time.sleep(EVERY)
        self._log_in()
        fields = {"document_type_id": self._kind, "label": name, "language": "eng"}
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        body = form(fields, pdf(written(name)))
        return int(self._ask("POST", "/documents/upload/", body, kind)["id"])

    def names(self, prefix: str) -> list[str]:
        """The names that begin so, as often as they are there."""
        return [str(d["label"]) for d in self._all("/documents/") if d["label"].startswith(prefix)]

    def found(self, name: str) -> list[str]:
        """The names of documents in which the name is written."""
        query = "/search/documents.document/?files__file_pages__content__content="
        return [str(d["label"]) for d in self._all(query + written(name))]

    def _all(self, path: str) -> list[dict[str, Any]]:
        self._log_in()
        found: list[dict[str, Any]] = []
        for page in itertools.count(1):
            mark = "&" if "?" in path else "?"
            answer = self._ask("GET", f"{path}{mark}page={page}&page_size=50")
            found += answer["results"]
            if not answer.get("next"):
                return found
        raise AssertionError

    def _log_in(self) -> None:
        if not self._token:
            login = json.dumps({"username": self.user, "password": self.password}).encode()
            self._token = self._ask("POST", "/auth/token/obtain/", login)["token"]
            self._kind = str(self._ask("GET", "/document_types/")["results"][0]["id"])

    def _ask(
        self, method: str, path: str, body: bytes | None = None, kind: str = "application/json"
    ) -> Any:
        headers = {"Accept": "application/json", "Connection": "close"}
        if body is not None:
            headers["Content-Type"] = kind
        if self._token:
            headers["Authorization"] = f"Token {self._token}"
        try:
            with connected(next(self._turn), self.name, self._trust, SECONDS) as connection:
                connection.request(method, API + path, body, headers)
                response = connection.getresponse()
                text = response.read()
                self.statuses.append(response.status)
        except (OSError, http.client.HTTPException) as failure:
            raise NotNow(str(failure)) from None
        if response.status == 429:  # so many requests a second are too many for it
            time.sleep(1)
            return self._ask(method, path, body, kind)
        if response.status not in (200, 201):
            raise NotNow(f"status {response.status}: {text[:120]!r}")
        return json.loads(text)


def written(name: str) -> str:
    """A name as one word."""
    return name.replace("-", "n")


def form(fields: dict[str, str], content: bytes) -> bytes:
    """The body of an upload."""
    lines = []
    for key, value in fields.items():
        lines += [f"--{BOUNDARY}", f'Content-Disposition: form-data; name="{key}"', "", value]
    lines += [
        f"--{BOUNDARY}",
        'Content-Disposition: form-data; name="file"; filename="a.pdf"',
        "Content-Type: application/pdf",
        *("", ""),
    ]
    return "\r\n".join(lines).encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def pdf(text: str) -> bytes:
    """One page with one line of text."""
    stream = f"BT /F1 18 Tf 72 700 Td ({text}) Tj ET".encode()
    font = b"<</Font<</F1 5 0 R>>>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources%s>>" % font,
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    made, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj%sendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(made)
    return made + b"xref\n0 6\n0000000000 65535 f \n" + table + end
