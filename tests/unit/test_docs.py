"""The documentation is true where a program can tell: codes, links, commands, exit codes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.errors import Exit

REPOSITORY = Path(__file__).resolve().parents[2]
CODE = re.compile(r"HN-[A-Z]\d{3}")
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
SOURCES = ("cli.py", "infra", "roles", "playbooks", "scripts", "images", "benchmarks", "Makefile")


def tracked() -> list[Path]:
    """Every text file of the project: what git has or would take; all files where git is not."""
    listed = subprocess.run(
        ["git", "-C", str(REPOSITORY), "ls-files", "-co", "--exclude-standard", "-z"],
        capture_output=True,
        check=False,
    )
    names = listed.stdout.decode().split("\0") if listed.returncode == 0 else []
    found = [REPOSITORY / n for n in names if n] or [
        p for p in REPOSITORY.rglob("*") if not {".venv", ".git"} & set(p.parts)
    ]
    return [p for p in found if p.is_file() and b"\0" not in p.read_bytes()[:4096]]


def raised() -> set[str]:
    """Codes that the source names."""
    files = [p for p in tracked() if p.relative_to(REPOSITORY).parts[0] in SOURCES]
    return {code for p in files for code in CODE.findall(p.read_text(encoding="utf-8"))}


def explained() -> list[tuple[str, str]]:
    """(code, title) of every paragraph of docs/errors.md, as they stand there."""
    text = (REPOSITORY / "docs" / "errors.md").read_text(encoding="utf-8")
    return re.findall(r"^## (HN-[A-Z]\d{3}): (\S.*)$", text, re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The names that headings of a page can be linked by."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}


def test_every_code_is_explained_and_every_explanation_is_of_a_code() -> None:
    codes = {code for code, _ in explained()}
    assert len(codes) > 100
    assert raised() - codes == set(), "raised in the source, not in docs/errors.md"
    assert codes - raised() == set(), "in docs/errors.md, not in the source"


def test_codes_stand_once_and_in_order() -> None:
    found = explained()
    text = (REPOSITORY / "docs" / "errors.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^## ", text, re.MULTILINE)) == len(found), "a heading without a code"
    assert [c for c, n in Counter(c for c, _ in found).items() if n > 1] == []
    assert [c for c, _ in found] == sorted(c for c, _ in found)
    assert [t for t, n in Counter(t for _, t in found).items() if n > 1] == []


def test_every_explanation_says_something() -> None:
    text = (REPOSITORY / "docs" / "errors.md").read_text(encoding="utf-8")
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert [p.splitlines()[0] for p in parts if len(p.split("\n", 1)[1].split()) < 6] == []


def test_the_families_of_codes_are_listed() -> None:
    text = (REPOSITORY / "docs" / "errors.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| (HN-[A-Z]) \|", text, re.MULTILINE))
    assert listed == {code[:4] for code in raised()}


def test_exit_codes_are_those_of_the_program() -> None:
    text = (REPOSITORY / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| ([A-Z]+) \| \S", text, re.MULTILINE)
    assert {(int(number), name) for number, name in rows} == {(e.value, e.name) for e in Exit}
    assert len(rows) == len(Exit)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(REPOSITORY).as_posix())
def test_relative_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        other = (page.parent / name).resolve() if name else page
        if not other.exists() or (anchor and anchor not in anchors(other)):
            broken.append(target)
    assert broken == []


def test_every_page_is_reached_from_the_index() -> None:
    seen: set[Path] = set()
    waiting = [REPOSITORY / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.is_file():
            continue
        seen.add(page)
        links = re.findall(r"\]\(([^)\s#]+\.md)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        waiting += [(page.parent / link).resolve() for link in links]
    assert [p.name for p in PAGES if p not in seen] == []


def test_the_readmes_commands_exist() -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:^ {4}|`)make ([a-z]+)", text, re.MULTILINE))
    assert {"lab", "test"} <= named <= targets


def test_the_commands_that_pages_name_exist() -> None:
    from cli import main

    known = set(main.commands)
    named = {
        (page.name, command)
        for page in PAGES
        for command in re.findall(r"`(?:\.venv/bin/)?hanoi ([a-z]+)", page.read_text("utf-8"))
    }
    assert named, "the pages name commands"
    assert {(page, command) for page, command in named if command not in known} == set()


# Joined, so that this file does not name them.
REGISTRIES = [
    "".join(parts)
    for parts in (
        ("py", "pi.org"), ("python", "hosted.org"), ("registry.npm", "js.org"),
        ("proxy.go", "lang.org"), ("sum.go", "lang.org"), ("deb.de", "bian.org"),
        ("security.de", "bian.org"), ("ftp.de", "bian.org"), ("registry-1.do", "cker.io"),
        ("hub.do", "cker.com"), ("gh", "cr.io"), ("qu", "ay.io"), ("repo1.ma", "ven.org"),
        ("repo.ma", "ven.apache.org"), ("index.cr", "ates.io"),
    )
]  # fmt: skip
MACHINES = [
    "".join(parts) for parts in (("/work", "/main"), ("/work", "/shared"), ("/tmp/", "brief"))
]


def configured_mirrors() -> list[str]:
    """Host names of the mirrors that this machine's package clients are told to use."""
    values = [os.environ.get(n, "") for n in ("PIP_INDEX_URL", "GOPROXY", "NPM_CONFIG_REGISTRY")]
    hosts = {urlsplit(v).hostname or "" for value in values for v in re.split(r"[,|]", value)}
    return sorted(h for h in hosts if "." in h)


def test_no_registry_and_no_machine_is_named() -> None:
    names = [*REGISTRIES, *configured_mirrors()]
    places = [*MACHINES, *([str(REPOSITORY)] if len(REPOSITORY.parts) > 2 else [])]
    pattern = re.compile(
        "|".join([*(rf"(?<![\w-]){re.escape(n)}" for n in names), *map(re.escape, places)])
    )
    found = []
    for path in tracked():
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        hits = [n for n, line in enumerate(lines, 1) if pattern.search(line)]
        found += [f"{path.relative_to(REPOSITORY)}:{n}" for n in hits]
    assert found == []


def test_the_search_for_names_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above could fail: a file with a registry's name is found."""
    file = tmp_path / "page.md"
    monkeypatch.setattr(sys.modules[__name__], "tracked", lambda: [file])
    monkeypatch.setattr(sys.modules[__name__], "REPOSITORY", tmp_path)
    for name in (*REGISTRIES, *MACHINES):
        file.write_text(f"see https://{name}/simple\n" if name in REGISTRIES else f"in {name}/x\n")
        with pytest.raises(AssertionError):
            test_no_registry_and_no_machine_is_named()
    file.write_text("golang.org/x/net and docker.io are modules and packages\n")
    test_no_registry_and_no_machine_is_named()
