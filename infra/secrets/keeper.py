"""The operator's secrets: what the plan needs is generated once and resolved while applying."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets as randomness
import string
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from re import Match
from typing import Any

from infra import paths
from infra.errors import Exit, HanoiError, error
from infra.files import private_directory
from infra.resources import SECRET, Certificate, Password, Secret, SigningKey
from infra.secrets import authority, signing, vault
from infra.secrets.deploykey import public_key

FILES = ("passwords", "authority", "certificates", "keys")
ALPHABET = string.ascii_letters + string.digits  # safe in every config format and in URLs


@dataclass(frozen=True)
class Changes:
    """What ensure() did. reissued: (id, why); notice: what the operator must be told."""

    generated: tuple[str, ...] = ()
    reissued: tuple[tuple[str, str], ...] = ()
    authority: bool = False
    notice: str | None = None

    def __bool__(self) -> bool:
        return bool(self.generated or self.reissued or self.authority)


class Secrets:
    """The vault files of one directory. Values are never part of repr(), str() or errors."""

    def __init__(self, directory: Path, password: bytes, now: Callable[[], datetime]):
        self.directory = directory
        self.notice: str | None = None
        self._password = password
        self._now = now
        self._loaded: dict[str, dict[str, Any]] = {}

    def __repr__(self) -> str:
        return f"Secrets({str(self.directory)!r})"

    @classmethod
    def open(
        cls,
        directory: Path | None = None,
        create: bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Secrets:
        """Open the directory (default: paths.secrets()); nothing is decrypted yet.

        create: generate the vault's password where there are no vault files yet; `notice`
        then says where it is. Raises HN-S003 and HN-S004.
        """
        directory = directory or paths.secrets()
        path = vault.password_path(directory)
        vault.check_modes(directory, [directory / f"{name}.yml" for name in FILES])
        if create and cls.unmade(directory):
            opened = cls(directory, vault.new_password(path), now)
            opened.notice = (
                f"New vault password: {path}. Keep a copy in a safe place: "
                "without it the sites' passwords and certificates are lost."
            )
            return opened
        return cls(directory, vault.read_password(path), now)

    @staticmethod
    def unmade(directory: Path) -> bool:
        """Whether nothing has been generated there yet: no vault file, no password to one."""
        path = vault.password_path(directory)
        files = [directory / f"{name}.yml" for name in FILES]
        mine = path == directory / vault.PASSWORD_FILE
        return mine and not path.exists() and not any(f.exists() for f in files)

    def pending(self, wanted: Sequence[Secret]) -> dict[str, str]:
        """What ensure() would make, without making it: id → why ("" for a first one)."""
        if not self.has_authority:
            return {w.id: "" for w in wanted if isinstance(w, Certificate) or self._due(w) == ""}
        reasons = {w.id: self._due(w) for w in wanted}
        return {i: why for i, why in sorted(reasons.items()) if why is not None}

    @property
    def has_authority(self) -> bool:
        return "cert" in self._file("authority")

    def values(self) -> dict[str, str]:
        """Every value that no output may hold → the reference that may stand for it."""
        found = {v: f"secret://{i}#password" for i, v in self._file("passwords").items()}
        holders = {"ca": self._file("authority"), **self._file("certificates")}
        found |= {e["key"]: f"secret://{i}#key" for i, e in holders.items() if e.get("key")}
        kept = self._file("keys").items()
        found |= {e[p]: f"secret://{i}#{p}" for i, e in kept for p in signing.PARTS}
        return found

    def ensure(self, wanted: Sequence[Secret]) -> Changes:
        """Generate what is missing; issue anew the certificates whose names changed, whose
        authority changed or that have less than 30 days left. Writes only what changed."""
        if self._complete(wanted):
            return Changes(notice=self.notice)
        with self._alone():
            made = "cert" not in self._file("authority")
            if made:
                self._save("authority", authority.new_authority(self._now()))
            generated = self._new_passwords([w for w in wanted if isinstance(w, Password)])
            generated += self._new_keys([w for w in wanted if isinstance(w, SigningKey)])
            certificates = [w for w in wanted if isinstance(w, Certificate)]
            due = {w: why for w in certificates if (why := self._due(w)) is not None}
            self._issue(due)
            generated += [w.id for w, why in due.items() if not why]
            reissued = tuple((w.id, why) for w, why in due.items() if why)
            return Changes(tuple(sorted(generated)), reissued, made, self.notice)

    def value(self, secret_id: str, part: str) -> str:
        """One part of a secret. Raises HN-S005 when it does not exist, HN-S006 for the
        deploy key when no key is configured."""
        if (secret_id, part) == ("ssh/deploy", "public"):
            return public_key()
        if secret_id == "ca":
            entry = self._file("authority") if part == "cert" else {}
            if part not in entry:
                raise _unknown(secret_id, part)
            return str(entry[part])
        if part == "password" and secret_id in self._file("passwords"):
            return str(self._file("passwords")[secret_id])
        if part in signing.PARTS and secret_id in self._file("keys"):
            return str(self._file("keys")[secret_id][part])
        entry = self._file("certificates").get(secret_id, {})
        if part in ("cert", "pem") and entry:
            chain = entry["cert"] + self._file("authority")["cert"]
            return str(chain if part == "cert" else chain + entry["key"])
        if part == "key" and entry:
            return str(entry["key"])
        raise _unknown(secret_id, part)

    def resolve(self, text: str) -> str:
        """The text with every secret://id#part replaced. Raises HN-S005 for an unknown one."""

        def replacement(match: Match[str]) -> str:
            return self.value(match[1], match[2])

        return SECRET.sub(replacement, text) if "secret://" in text else text

    def rotate(self, secret_id: str) -> None:
        """A new password, the certificate issued anew with a new key, or the next signing key;
        the next deploy brings it to the hosts. Raises HN-S005 (unknown), HN-S007 (the authority
        itself)."""
        if secret_id == "ca":
            raise error(
                "HN-S007",
                "secret ca",
                "the authority cannot be replaced in one step: hosts would trust no one meanwhile",
                "docs/secrets.md says how to replace it",
                Exit.REFUSED,
            )
        with self._alone():
            old = self._file("passwords").get(secret_id)
            if old is not None:
                fresh = {secret_id: _generated(len(str(old)))}
                self._save("passwords", {**self._file("passwords"), **fresh})
                return
            if keys := self._file("keys").get(secret_id):
                self._save("keys", {**self._file("keys"), secret_id: signing.rotated(keys)})
                return
            entry = self._file("certificates").get(secret_id)
            if not entry:
                raise _unknown(secret_id, "password")
            names = (tuple(entry[k]) for k in ("dns", "addresses", "usages"))
            self._issue({Certificate(secret_id, entry["common_name"], *names): "asked for"})

    # What has to be done

    def _complete(self, wanted: Sequence[Secret]) -> bool:
        return "cert" in self._file("authority") and all(self._due(w) is None for w in wanted)

    def _due(self, wanted: Secret) -> str | None:
        """None: nothing to make; "": a first one; else why a certificate is needed anew."""
        if not isinstance(wanted, Certificate):
            name = "passwords" if isinstance(wanted, Password) else "keys"
            return None if wanted.id in self._file(name) else ""
        entry = self._file("certificates").get(wanted.id)
        if not entry:
            return ""
        expected = authority.issued_for(wanted)
        if any(entry.get(k) != v for k, v in expected.items()):
            return "its names changed"
        if entry.get("authority") != self._authority_id():
            return "the authority changed"
        if authority.days_left(entry, self._now()) < authority.REISSUE_DAYS:
            return f"less than {authority.REISSUE_DAYS} days left"
        return None

    def _new_passwords(self, wanted: Sequence[Password]) -> list[str]:
        known = self._file("passwords")
        fresh = {w.id: _generated(w.length) for w in wanted if w.id not in known}
        if fresh:
            self._save("passwords", {**known, **fresh})
        return list(fresh)

    def _new_keys(self, wanted: Sequence[SigningKey]) -> list[str]:
        known = self._file("keys")
        fresh = {w.id: signing.new() for w in wanted if w.id not in known}
        if fresh:
            self._save("keys", {**known, **fresh})
        return list(fresh)

    def _issue(self, due: dict[Any, str]) -> None:
        root, now = self._file("authority"), self._now()
        fresh = {
            w.id: {**authority.issue(w, root, now), "authority": self._authority_id()} for w in due
        }
        if fresh:
            self._save("certificates", {**self._file("certificates"), **fresh})

    def _authority_id(self) -> str:
        return hashlib.sha256(self._file("authority")["cert"].encode()).hexdigest()[:16]

    # Files

    def _path(self, name: str) -> Path:
        return self.directory / f"{name}.yml"

    def _file(self, name: str) -> dict[str, Any]:
        """One file's content, decrypted once. Raises HN-S001, HN-S002."""
        if name not in self._loaded:
            try:
                self._loaded[name] = vault.load(self._path(name), self._password)
            except vault.WrongPassword:
                raise self._closed(name) from None
            except vault.Damaged as damage:
                raise self._damaged(name, str(damage)) from None
        return self._loaded[name]

    def _save(self, name: str, content: dict[str, Any]) -> None:
        vault.save(self._path(name), content, self._password)
        self._loaded[name] = content

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process writes meanwhile, and what it wrote before is seen."""
        private_directory(self.directory)
        handle = os.open(self.directory / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._loaded.clear()
            yield
        finally:
            os.close(handle)

    def _closed(self, name: str) -> HanoiError:
        """The password opens another of the files: then it is right and this one is altered."""
        for other in FILES:
            try:
                if other != name and vault.load(self._path(other), self._password):
                    return self._damaged(name, "its content was altered")
            except (vault.WrongPassword, vault.Damaged):
                continue
        return error(
            "HN-S001",
            str(self._path(name)),
            "the vault password does not open this file",
            f"compare {vault.password_path(self.directory)} with the copy you keep",
            Exit.ENVIRONMENT,
        )

    def _damaged(self, name: str, why: str) -> HanoiError:
        return error(
            "HN-S002",
            str(self._path(name)),
            f"the vault file is damaged: {why}",
            "put back its latest copy; docs/secrets.md says what can be made anew",
            Exit.ENVIRONMENT,
        )


def _unknown(secret_id: str, part: str) -> HanoiError:
    return error(
        "HN-S005",
        f"secret {secret_id}#{part}",
        "there is no such secret",
        "a service module must name it in its secrets; run hanoi deploy to generate it",
    )


def _generated(length: int) -> str:
    return "".join(randomness.choice(ALPHABET) for _ in range(length))
