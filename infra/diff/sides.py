"""Two revisions → two sides: each description read from git, and planned by its own code."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra import paths
from infra.diff import own_code
from infra.diff.git import MODULE, Entry, Repository
from infra.diff.revisions import Revision, below, blob_id, extract, inside, on_disk
from infra.diff.side import Side
from infra.diff.tree import Once, Tree
from infra.errors import Exit, HanoiError, error
from infra.images.content import ImageSpec, tag
from infra.model.files import FOLDERS, IMAGES
from infra.model.loader import Known, load
from infra.model.schema import Model
from infra.placement import Places
from infra.plan import plan_after
from infra.resources import Plan

CHECKS = "tests/compliance/test_"
SUITE_FILE = "infra/images/content.py"
WAYS = ("playbooks/", "roles/")
VAULTS = ("authority.yml", "certificates.yml", "passwords.yml")
VAULT_MARK = b"$ANSIBLE_VAULT;"
POLICIES = "policies"


@dataclass(frozen=True)
class Sources:
    """What a side is made from: the description (a directory, or files of git), and the
    ministry's own policies (None: it has none). shown: what messages call the description;
    tree: the revision's files, of the working tree only those of the toolkit."""

    revision: Revision
    sites: Path | Tree
    shown: str
    policies: Path | None
    tree: Mapping[str, Entry] = field(default_factory=dict)


class Reader:
    """Reads both sides of one comparison. Use as a context manager: it keeps private copies."""

    def __init__(self, repository: Repository, directory: Path, through: str | None) -> None:
        self.repository = repository
        self.directory = directory
        self.through = through
        self.path = inside(repository, directory)
        self._disk = Once(directory)
        self._known: Known = {}
        self._blobs: dict[str, bytes] = {}
        self._running: dict[str, Entry] | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Reader:
        work = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="hanoi-diff-"))
        self._work = Path(work)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def sources(self, revision: Revision) -> Sources | None:
        """The files of a revision; None when it holds no description."""
        beside = self._beside()
        if revision.commit is None:
            if not self.directory.is_dir():
                return None
            own = self.directory.parent / POLICIES
            tree = self._working_tree()
            shown = str(self.path or self.directory)
            return Sources(revision, self.directory, shown, own if own.is_dir() else None, tree)
        tree = self.repository.tree(revision.commit)
        model = below(tree, self.path)
        if not any(p.endswith(".yaml") for p in model):
            return None
        rules = {p: e for p, e in tree.items() if p.startswith(f"{beside}/")} if beside else {}
        place = self._private() if rules else Path()
        if rules:
            extract(self.repository, {p[len(beside) + 1 :]: e for p, e in rules.items()},
                    place / POLICIES)  # fmt: skip
        shown = f"{revision.shown}:{self.path or '.'}"
        own_policies = place / POLICIES if rules else None
        return Sources(revision, Tree(model, self._contents(model)), shown, own_policies, tree)

    def _contents(self, entries: Mapping[str, Entry]) -> Mapping[str, bytes]:
        """Contents by id; what both sides have is read once."""
        wanted = {e.id for e in entries.values() if e.mode != MODULE}
        if missing := wanted - self._blobs.keys():
            self._blobs |= self.repository.blobs(missing)
        return self._blobs

    def offer_working_tree(self) -> None:
        """What is on disk need not be read from git: most files are the same in both."""
        for folder in ("", *FOLDERS):
            with contextlib.suppress(OSError):
                self._offer(folder)

    def _offer(self, folder: str) -> None:
        for name in self._disk.names(folder):
            path = f"{folder}/{name}" if folder else name
            if name.endswith(".yaml") and not self._disk.leaves(path):
                content = self._disk.content(path)
                if isinstance(content, bytes):
                    self._blobs[blob_id(content, self.repository.long_ids)] = content

    def _private(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._work))

    def _beside(self) -> str:
        """The path of the ministry's policies, beside the model; "" when that is outside."""
        if not self.path:
            return ""
        above, _, _ = self.path.rpartition("/")
        return f"{above}/{POLICIES}" if above else POLICIES

    def _working_tree(self) -> dict[str, Entry]:
        """The working tree's toolkit and vaults, as far as a comparison asks for them."""
        root = self.repository.root
        if not (root / "infra" / "plan.py").is_file():
            return {}
        names = (*own_code.CODE, *(w.rstrip("/") for w in WAYS), "tests/compliance")
        return on_disk(root, *names, long_ids=self.repository.long_ids)

    def side(self, sources: Sources, before: Plan | None = None, *, earlier: bool = False) -> Side:
        """The side, planned. earlier: it may lack the wave asked for; before: the earlier side's
        plan, as to where its data is, which a deploy carries to where this one wants it.

        Raises HanoiError with the description's problems; HN-P001 for an unknown wave.
        """
        places, copies = (before.places, before.copies) if before else ({}, {})
        code = own_code.code_of(sources.tree)
        if code and own_code.key(code) != own_code.key(self._own()):
            return self._by_its_own_code(sources, code, earlier, places)
        model = self._model(sources)
        known = self.through is None or self.through in {w.id for w in model.roadmap.waves}
        unknown = () if known else (self._no_wave(sources),)
        through = self.through if known or not earlier else None
        made = plan_after(places, model, through, copies)
        own = self._images(sources)
        tags = {name: tag(ImageSpec(name, uid), own) for name, uid in made.images}
        return self._side(sources, model, made, tags, unknown)

    def _images(self, sources: Sources) -> Path:
        """The ministry's own images as they are at the side's revision."""
        if not isinstance(sources.sites, Tree):
            return self.directory / IMAGES
        found = {p: e for p, e in sources.sites.entries.items() if p.startswith(f"{IMAGES}/")}
        private = self._private()
        extract(self.repository, found, private)
        return private / IMAGES

    def _model(self, sources: Sources) -> Model:
        place = sources.sites if isinstance(sources.sites, Tree) else self._disk
        return load(place, shown=sources.shown, known=self._known)

    def _no_wave(self, sources: Sources) -> str:
        shown = sources.revision.shown
        return f"{shown} has no wave {self.through}: it is planned up to its current one"

    def _own(self) -> dict[str, Entry]:
        """The files of the toolkit that runs, as git would name them."""
        if self._running is None:
            long_ids = self.repository.long_ids
            code = on_disk(paths.PACKAGE.parent, "infra", long_ids=long_ids)
            images = on_disk(paths.images().parent, "images", long_ids=long_ids)
            self._running = code | images
        return self._running

    def _by_its_own_code(
        self,
        sources: Sources,
        code: Mapping[str, Entry],
        earlier: bool,
        places: Places,
    ) -> Side:
        shown = sources.revision.shown
        if sources.revision.commit is None:
            where = self.repository.root
        else:
            where = own_code.copy(self.repository, code)
        sites = sources.sites
        if isinstance(sites, Tree):
            entries, sites = sites.entries, self._private()
            extract(self.repository, entries, sites)
        made = own_code.planned(where, sites, shown, self.through, places)
        if not (made.wave_known or earlier):
            raise own_code.no_such_wave(str(self.through), shown)
        unknown: tuple[str, ...] = () if made.wave_known else (self._no_wave(sources),)
        try:
            model = self._model(sources)
        except HanoiError:
            model = None
            unknown += (
                f"{shown}: the description has another form than this toolkit reads; only what is"
                " planned from it is compared",
            )
        if not made.tags:
            unknown += (f"{shown}: the content of its images cannot be told",)
        return self._side(sources, model, made.plan, made.tags, unknown)

    def _side(
        self,
        sources: Sources,
        model: Model | None,
        made: Plan,
        tags: Mapping[str, str],
        unknown: tuple[str, ...],
    ) -> Side:
        tree = sources.tree
        return Side(
            sources.revision.shown,
            model,
            made,
            tags,
            self._checks(sources),
            {p: e.id for p, e in tree.items() if p.startswith(WAYS)},
            self._vaults(sources),
            self._recipes(sources),
            unknown,
        )

    def _checks(self, sources: Sources) -> Mapping[str, str]:
        """Sources of the side's compliance checks; the running toolkit's where it has none."""
        mine = [p for p in sources.tree if p.startswith(CHECKS)]
        if not mine:
            return {p.name: p.read_text("utf-8") for p in sorted(paths.compliance().glob("test_*"))}
        return self._texts(sources, mine)

    def _recipes(self, sources: Sources) -> Mapping[str, str]:
        """What the side's images are made of; nothing where the repository holds no toolkit."""
        wanted = [p for p in sources.tree if p.startswith("images/") and p.endswith("/Dockerfile")]
        if not wanted or SUITE_FILE not in sources.tree:
            return {}
        texts = self._texts(sources, [*wanted, SUITE_FILE])
        suite = re.search(r'^SUITE = "(\w+)"', texts[SUITE_FILE], re.MULTILINE)
        return {p.split("/")[1]: texts[p] for p in wanted} | {"suite": suite[1] if suite else ""}

    def _texts(self, sources: Sources, names: Collection[str]) -> dict[str, str]:
        """Files of the side's revision by path."""
        if sources.revision.commit is None:
            root = self.repository.root
            return {p: (root / p).read_text("utf-8", errors="replace") for p in names}
        read = self.repository.blobs([sources.tree[p].id for p in names])
        return {p: read[sources.tree[p].id].decode(errors="replace") for p in names}

    def _vaults(self, sources: Sources) -> Mapping[str, str]:
        """Vault files of the repository by path; only those that are encrypted."""
        if sources.revision.commit is not None:
            found = {p: e.id for p, e in sources.tree.items() if p.endswith(VAULTS)}
            read = self.repository.blobs(found.values()) if found else {}
            return {p: i for p, i in found.items() if read[i].startswith(VAULT_MARK)}
        listed = self.repository.run("ls-files", "-z", "--", *(f"*{name}" for name in VAULTS))
        names = [n for n in listed.decode(errors="surrogateescape").split("\0") if n]
        root = self.repository.root
        contents = {n: (root / n).read_bytes() for n in names if (root / n).is_file()}
        return {
            n: blob_id(c, self.repository.long_ids)
            for n, c in contents.items()
            if c.startswith(VAULT_MARK)
        }


def empty(revision: Revision, why: str) -> Side:
    """A side of which nothing is known, and why."""
    return Side(revision.shown, unknown=(why,))


def both(reader: Reader, base: Revision, head: Revision) -> Iterator[tuple[Side, Sources | None]]:
    """The earlier side, then the later one, each with its sources.

    What is wrong with the earlier one is said in its `unknown`; it does not keep the later one
    from being judged. Raises HanoiError: the later one's problems, or HN-R009 when it holds no
    description.
    """
    if head.commit is None:
        reader.offer_working_tree()
    earlier = reader.sources(base)
    later = reader.sources(head)
    if later is None:
        raise error(
            "HN-R009",
            f"{head.shown}:{reader.path or '.'}",
            "there is no description (no .yaml file) at this revision",
            "name the description's directory with --sites, or another revision",
            Exit.USAGE,
        )
    before: Plan | None = None
    if earlier is None:
        yield (
            empty(base, f"{base.shown} has no {reader.path or 'description'}: everything is new"),
            None,
        )
    else:
        try:
            side = reader.side(earlier, earlier=True)
            before = side.plan
            yield side, earlier
        except HanoiError as failure:
            first = failure.problems[0]
            more = len(failure.problems) - 1
            told = f"{first.where}: {first.code}: {first.what}" + (
                f" (and {more} more)" * bool(more)
            )
            yield (
                empty(base, f"{base.shown} cannot be read, so nothing is compared: {told}"),
                earlier,
            )
    yield reader.side(later, before), later
