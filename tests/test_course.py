"""The course is copied, refreshed, and never overwrites what a learner changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sfnbook import course
from sfnbook.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


ALL = (course.FIRST, "02.ipynb", "data/items.json")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course of two notebooks, one file of data, and what editors leave behind."""
    folder = tmp_path / "source"
    for name in (
        course.FIRST,
        "02.ipynb",
        "data/items.json",
        ".ipynb_checkpoints/02.ipynb",
        "__pycache__/a.pyc",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"first text of {name}", encoding="utf-8")
    monkeypatch.setattr(course, "notebooks", lambda: folder)
    return folder


def test_the_first_copy_writes_everything(source: Path, tmp_path: Path) -> None:
    mine = tmp_path / "deep" / "mine"
    assert course.copy_course(mine) == course.Copied(written=ALL, same=(), kept=())
    assert (mine / "data/items.json").read_text(encoding="utf-8") == "first text of data/items.json"
    assert sorted(file.name for file in mine.iterdir()) == [course.RECORD, course.FIRST, "02.ipynb", "data"]


def test_the_second_copy_writes_nothing(source: Path, tmp_path: Path) -> None:
    course.copy_course(tmp_path / "mine")
    assert course.copy_course(tmp_path / "mine") == course.Copied(written=(), same=ALL, kept=())


def test_a_changed_notebook_is_kept_and_an_untouched_one_is_refreshed(source: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    course.copy_course(mine)
    (mine / course.FIRST).write_text("my notes", encoding="utf-8")
    for name in ALL[:2]:
        (source / name).write_text("second text", encoding="utf-8")
    for _ in range(2):
        copied = course.copy_course(mine)
        assert copied.kept == (course.FIRST,)
        assert (mine / course.FIRST).read_text(encoding="utf-8") == "my notes"
        assert (mine / "02.ipynb").read_text(encoding="utf-8") == "second text"


def test_a_deleted_notebook_comes_back(source: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    course.copy_course(mine)
    (mine / "02.ipynb").unlink()
    assert course.copy_course(mine).written == ("02.ipynb",)


@pytest.mark.parametrize("damage", ["", "{", "[1]", "null", '{"02.ipynb": 7}', "\x00"])
def test_without_a_record_nothing_that_differs_is_overwritten(
    source: Path, tmp_path: Path, damage: str
) -> None:
    mine = tmp_path / "mine"
    course.copy_course(mine)
    (mine / course.RECORD).write_text(damage, encoding="utf-8")
    (source / "02.ipynb").write_text("second text", encoding="utf-8")
    assert course.copy_course(mine).kept == ("02.ipynb",)
    assert set(json.loads((mine / course.RECORD).read_text(encoding="utf-8"))) == {ALL[0], ALL[2]}


def test_a_file_in_the_way(source: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("a file", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be written"):
        course.copy_course(tmp_path / "mine")


def test_the_checkout_has_its_notebooks() -> None:
    assert (course.notebooks() / course.FIRST).is_file()


def test_an_installation_without_notebooks_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "_HERE", tmp_path)
    with pytest.raises(UsageError, match="install it again"):
        course.notebooks()
