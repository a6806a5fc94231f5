"""The description as files: read with their texts, checked as edited, written together or not."""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra import paths
from infra.errors import Exit, HanoiError, Problem, error
from infra.model.files import FOLDERS, SINGLE, Disk, collect, shown_path
from infra.model.loader import Known, load
from infra.model.schema import Model

Texts = Mapping[str, str]  # path in the model's directory → text
_PLACES = {kind: f"{folder}/" for folder, kind in FOLDERS.items()}
_SINGLE = {kind: name for name, kind in SINGLE.items()}


@dataclass(frozen=True)
class Description:
    """A sound description: root, how messages call it, the model and the texts it came from."""

    root: Path
    shown: str
    model: Model
    texts: Texts

    def has_schemas(self) -> bool:
        return (self.root / ".schema" / "unit.schema.json").is_file()


class _Edited(Disk):
    """The directory as it would be with other texts in some files."""

    def __init__(self, directory: Path, texts: Texts) -> None:
        super().__init__(directory)
        self._texts = texts

    def names(self, path: str) -> list[str]:
        top = f"{path}/" if path else ""
        new = {t[len(top) :].split("/")[0] for t in self._texts if t.startswith(top)}
        there = super().names(path) if path == "" or self.is_directory(path) else []
        return sorted({*there, *new})

    def is_directory(self, path: str) -> bool:
        return super().is_directory(path) or any(t.startswith(f"{path}/") for t in self._texts)

    def content(self, path: str) -> bytes | tuple[str, str, str]:
        text = self._texts.get(path)
        return super().content(path) if text is None else text.encode()


def own_directory() -> Path:
    """The description to edit: never the sample that the toolkit comes with. Raises HN-U015."""
    if os.environ.get("HANOI_SITES") or (Path.cwd() / "sites").is_dir():
        return paths.sites()
    raise error(
        "HN-U015",
        str(Path.cwd()),
        "there is no directory sites/ here, and none was named",
        "go to the directory that has it, or name it: hanoi --sites DIR unit ...",
        Exit.USAGE,
    )


def read(root: Path) -> Description:
    """Raises HanoiError with the description's own problems."""
    known: Known = {}
    model = load(root, known=known)
    found = collect(root)
    texts = {
        _SINGLE.get(s.kind) or f"{_PLACES[s.kind]}{s.stem}.yaml": s.text for s in found.sources
    }
    return Description(root, shown_path(root), model, texts)


def checked(before: Description, texts: Texts) -> Model:
    """The model of the edited description.

    Raises HanoiError with what `hanoi check` would say of it, and HN-U010.
    """
    try:
        return load(_Edited(before.root, texts), shown=before.shown)
    except HanoiError as refusal:
        said = Problem(
            before.shown,
            "HN-U010",
            "the description would be refused, so nothing was written; the lines named above are"
            " those that its files would have",
            "correct the wish, or what stands in its way",
        )
        raise HanoiError([*refusal.problems, said], refusal.exit_code) from None


def difference(before: Description, texts: Texts) -> str:
    """The edits as a unified diff, as `git diff` names files; empty where nothing changes."""
    parts = []
    for path, text in sorted(texts.items()):
        old, name = before.texts.get(path), f"{before.shown}/{path}".lstrip("/")
        lines = difflib.unified_diff(
            (old or "").splitlines(keepends=True),
            text.splitlines(keepends=True),
            "/dev/null" if old is None else f"a/{name}",
            f"b/{name}",
        )
        parts += [x if x.endswith("\n") else f"{x}\n\\ No newline at end of file\n" for x in lines]
    return "".join(parts)


def write(before: Description, texts: Texts) -> None:
    """Puts the edited texts in place: all are written beside their files first, then renamed.

    A failure half way puts back what stood there. Raises HN-U011 when a file is no longer as it was
    read (HN-U012: cannot be written); then nothing is changed.
    """
    with _alone(before.root):
        for path in texts:
            _unchanged(before, path)
        staged: dict[str, str] = {}
        try:
            for path, text in texts.items():
                staged[path] = _staged(before.root / path, text)
            _renamed(before, staged)
        except OSError as failure:
            raise error(
                "HN-U012",
                f"{before.shown}/{next((p for p in texts if p not in staged), next(iter(texts)))}",
                f"cannot be written: {failure.strerror or 'input or output error'}",
                "correct the permissions or the room on the disk; nothing was changed",
                Exit.ENVIRONMENT,
            ) from None
        finally:
            for name in staged.values():
                with contextlib.suppress(OSError):
                    os.unlink(name)


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """One writer at a time; the kernel lets go of it with the process."""
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _unchanged(before: Description, path: str) -> None:
    try:
        now = (before.root / path).read_bytes().decode(errors="replace")
    except FileNotFoundError:
        now = None
    if now != before.texts.get(path):
        raise error(
            "HN-U011",
            f"{before.shown}/{path}",
            "the file was changed by somebody else meanwhile",
            "look at it, and run the command again; nothing was written",
            Exit.REFUSED,
        )


def _staged(target: Path, text: str) -> str:
    """The text in a file beside its target, which the model passes over; its name."""
    real = Path(os.path.realpath(target))
    real.parent.mkdir(exist_ok=True)
    fd, name = tempfile.mkstemp(prefix=f".{real.name}.", suffix=".tmp", dir=real.parent)
    with os.fdopen(fd, "wb") as stream:
        stream.write(text.encode())
        stream.flush()
        os.fsync(stream.fileno())
    os.chmod(name, real.stat().st_mode & 0o777 if real.exists() else 0o666 & ~_umask())
    return name


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _renamed(before: Description, staged: Mapping[str, str]) -> None:
    done: list[str] = []
    try:
        for path, name in staged.items():
            os.replace(name, os.path.realpath(before.root / path))
            done.append(path)
    except BaseException:
        for path in done:
            old = before.texts.get(path)
            if old is None:
                os.unlink(before.root / path)
            else:
                Path(os.path.realpath(before.root / path)).write_bytes(old.encode())
        raise
