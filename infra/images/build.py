"""Images onto an engine: taken as they are, loaded from the cache, or built."""

from __future__ import annotations

import contextlib
import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound

from infra.errors import Exit, HanoiError, error
from infra.images import archive, content, fetch
from infra.images.content import BASE, ImageSpec

TAIL = 20  # lines of a failed build that are shown; the whole log is kept


def ensure(
    engine: docker.DockerClient,
    run: Callable[[str], None],
    specs: Iterable[ImageSpec],
    cache: Path,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, str]:
    """Every image of `specs` on the engine: image name → image id (sha256:…).

    run: runs a root shell script on the engine's own host and raises when it fails; it is
    used only when the base has to be made. cache: archives are kept under <cache>/images.
    Raises HanoiError HN-I001 (no such image), HN-I002 (a build failed), HN-I003 (the base
    could not be made), HN-I004 (the engine did not answer or refused).
    """
    supply = _Supply(engine, run, cache, progress)
    return {spec.name: supply.have(spec) for spec in specs}


@dataclass
class _Supply:
    engine: docker.DockerClient
    run: Callable[[str], None]
    cache: Path
    progress: Callable[[str], None]

    def have(self, spec: ImageSpec) -> str:
        """The image's id, from the first source that has it."""
        name, tag, ref = spec.name, content.tag(spec), content.reference(spec)
        if found := self._present(ref) or self._load(name, tag, ref):
            return found
        self._have_base()
        self.progress(f"image {name}: building")
        self._build(spec, tag, ref)
        return self._built(name, tag, ref)

    def _have_base(self) -> None:
        tag, ref = content.base_tag(), content.base_reference()
        if self._present(ref) or self._load(BASE, tag, ref):
            return
        self.progress(f"image {BASE}: making Debian {content.SUITE} with mmdebstrap")
        try:
            self.run(content.base_script())
        except HanoiError:
            raise
        except Exception as failure:
            raise _base_failed(_output(failure)) from failure
        if not self._present(ref):
            raise _base_failed("the script ended well, but the engine does not have the image")
        self._built(BASE, tag, ref)

    def _present(self, ref: str) -> str | None:
        with _answering(self.engine, ref), contextlib.suppress(ImageNotFound):
            return str(self.engine.images.get(ref).id)
        return None

    def _load(self, name: str, tag: str, ref: str) -> str | None:
        """From the cache; a damaged archive is deleted, and the image is built again."""
        file = archive.path(self.cache, name, tag)
        if (state := archive.state(file)) == "absent":
            return None
        if state == "good":
            self.progress(f"image {name}: loading from the cache")
            with contextlib.suppress(DockerException), file.open("rb") as data:
                self.engine.images.load(data)
            if found := self._present(ref):
                return found
        self.progress(f"image {name}: its archive {file} is damaged; making it again")
        archive.remove(file)
        return None

    def _build(self, spec: ImageSpec, tag: str, ref: str) -> None:
        log = archive.directory(self.cache) / "logs" / f"{spec.name}-{tag}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        tail: deque[str] = deque(maxlen=TAIL)
        fetches = fetch.needed(content.dockerfile(spec.name))
        settings = fetch.files() if fetches else {}
        extra = {f"{fetch.FOLDER}/{name}": data for name, data in settings.items()}
        with (
            _answering(self.engine, ref),
            self._without_stages(fetches),
            log.open("w", encoding="utf-8") as kept,
        ):
            events = self.engine.api.build(
                fileobj=io.BytesIO(content.context(spec.name, extra)),
                custom_context=True,
                tag=ref,
                buildargs={"BASE": content.base_reference(), "UID": str(spec.uid)},
                rm=True,
                forcerm=True,
                decode=True,
            )
            for line, failed in _lines(events):
                kept.write(line + "\n")
                tail.append(line)
                if failed:
                    raise error(
                        "HN-I002",
                        f"image {spec.name}",
                        "the build failed; its last lines:\n" + _indent(tail),
                        f"the whole log is {log}; when a package could not be fetched, check"
                        " that the hub reaches its Debian mirror (and pip's and npm's registries,"
                        " by this machine's settings for them), then run again",
                    )

    @contextlib.contextmanager
    def _without_stages(self, fetches: bool) -> Iterator[None]:
        """Take the layers of first stages from the engine, well built or not: the operator's
        settings are in them."""
        try:
            yield
        finally:
            if fetches:
                self.engine.images.prune(filters={"dangling": True, "label": fetch.STAGE})

    def _built(self, name: str, tag: str, ref: str) -> str:
        """Keep what was built. Without room for the archive the image serves all the same."""
        found = self._present(ref)
        if found is None:
            raise error(
                "HN-I002",
                f"image {name}",
                "the build ended well, but the engine does not have the image",
                "see whether something removes images on that host, then run again",
            )
        try:
            with _answering(self.engine, ref):
                chunks = self.engine.images.get(ref).save(named=ref)
                archive.save(archive.path(self.cache, name, tag), chunks)
        except OSError as failure:
            self.progress(f"image {name}: not kept in the cache: {failure.strerror or failure}")
        return found


def _lines(events: Iterable[dict[str, Any]]) -> Iterator[tuple[str, bool]]:
    """The lines of a build's event stream, and whether the line is the failure."""
    for event in events:
        if "error" in event:
            yield str(event["error"]).strip(), True
        for line in str(event.get("stream", "")).splitlines():
            if line.strip():
                # apt and dpkg draw their progress over one line.
                yield line.rsplit("\r", 1)[-1].rstrip(), False


@contextlib.contextmanager
def _answering(engine: docker.DockerClient, ref: str) -> Iterator[None]:
    """Failures of the engine itself as HN-I004; "no such image" is left to the caller."""
    try:
        yield
    except ImageNotFound:
        raise
    except (DockerException, requests.RequestException) as failure:
        refused = isinstance(failure, APIError)
        raise error(
            "HN-I004",
            f"image {ref}",
            f"the Docker engine {'refused' if refused else 'did not answer'}: {_short(failure)}",
            "check `docker info` and the free disk space on that host, then run again",
            Exit.FAILED if refused else Exit.UNREACHABLE,
        ) from failure


def _base_failed(output: str) -> HanoiError:
    return error(
        "HN-I003",
        f"image {BASE}",
        "the Debian base could not be made; the last lines:\n"
        + _indent(output.strip().splitlines()[-TAIL:]),
        "check that the host reaches its Debian mirror and has 2 GB free in /var/tmp, then run"
        " again",
    )


def _output(failure: Exception) -> str:
    """What a failed script said: subprocess keeps it beside the exception."""
    said = getattr(failure, "stderr", None) or getattr(failure, "output", None) or failure
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


def _short(failure: Exception) -> str:
    return str(getattr(failure, "explanation", None) or failure)[:300]


def _indent(lines: Iterable[str]) -> str:
    return "\n".join(f"      {line}" for line in lines)
