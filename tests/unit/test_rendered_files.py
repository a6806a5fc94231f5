"""Files put in place and taken away, on a host made of a temporary directory."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from infra import paths


@pytest.fixture
def module() -> ModuleType:
    made = ModuleType("rendered_files")
    source = paths.roles() / "files" / "library" / "rendered_files.py"
    exec(source.read_text(), made.__dict__)
    return made


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "var" / "pending"
    path.mkdir(parents=True)
    return path


def wanted(path: Path, content: str, *validate: str) -> dict[str, Any]:
    return {
        "path": str(path),
        "content": content,
        "mode": "0640",
        "owner": pwd.getpwuid(os.getuid()).pw_name,
        "group": grp.getgrgid(os.getgid()).gr_name,
        "validate": list(validate),
        "actions": ["reload"],
    }


def record(journal: Path) -> list[str]:
    return (journal.parent / "files").read_text().splitlines()


def test_only_files_that_differ_are_replaced_and_their_actions_are_on_record(
    module: ModuleType, journal: Path, tmp_path: Path
) -> None:
    path = tmp_path / "etc" / "app" / "settings"
    assert module.place([wanted(path, "a")], str(journal)) == [str(path)]
    assert (path.read_text(), oct(path.stat().st_mode)[-3:]) == ("a", "640")
    assert [p.name for p in journal.iterdir()] == ["reload"]
    (journal / "reload").unlink()
    assert module.place([wanted(path, "a")], str(journal)) == []
    assert list(journal.iterdir()) == []


def test_one_that_is_refused_leaves_all_as_they_were(
    module: ModuleType, journal: Path, tmp_path: Path
) -> None:
    good, bad = tmp_path / "etc" / "good", tmp_path / "etc" / "bad"
    with pytest.raises(module.Rejected):
        files = [wanted(good, "a"), wanted(bad, "b", "/bin/false", "{}")]
        module.place(files, str(journal))
    assert list((tmp_path / "etc").iterdir()) == []
    assert not (journal.parent / "files").exists()


def test_what_was_placed_is_taken_away_with_the_directories_that_are_empty_then(
    module: ModuleType, journal: Path, tmp_path: Path
) -> None:
    stays = tmp_path / "etc" / "app" / "settings"
    goes = tmp_path / "etc" / "app" / "units" / "one" / "password"
    module.place([wanted(stays, "a"), wanted(goes, "b")], str(journal))
    assert record(journal) == [str(stays), str(goes)]
    assert module.remove([str(goes)], str(journal)) == [str(goes)]
    assert [p.name for p in (tmp_path / "etc" / "app").iterdir()] == ["settings"]
    assert record(journal) == [str(stays)]
    assert module.remove([str(goes)], str(journal)) == []


def test_a_file_of_somebody_else_is_left_alone(
    module: ModuleType, journal: Path, tmp_path: Path
) -> None:
    ours, theirs = tmp_path / "etc" / "app" / "settings", tmp_path / "etc" / "app" / "theirs"
    module.place([wanted(ours, "a")], str(journal))
    theirs.touch()
    assert module.remove([str(ours), str(theirs)], str(journal)) == [str(ours)]
    assert theirs.exists()


def test_one_that_is_away_already_is_struck_off(
    module: ModuleType, journal: Path, tmp_path: Path
) -> None:
    """A run that was killed between the removal and the record is done again."""
    path = tmp_path / "etc" / "app" / "settings"
    module.place([wanted(path, "a")], str(journal))
    path.unlink()
    assert module.remove([str(path)], str(journal)) == [str(path)]
    assert record(journal) == []
