"""Staged files are what MkDocs is given: other generators render the same pages."""

import shutil

from assay import check_root
from assay.site import guard, pages, stage


def test_a_staged_page_is_the_text_that_mkdocs_is_given(project, tmp_path):
    """Each page is there, byte for byte, without the marks for MkDocs' other plugins."""
    checked, report = check_root(project)
    made = pages.site_of(checked, report, "", directory_urls=True)
    stage.stage(made, tmp_path)
    for path, text in pages.pages(made).items():
        assert (tmp_path / path).read_bytes() == guard.removed(text).encode()
    assert (tmp_path / "assets" / "assay.css").is_file()


def test_staging_again_writes_what_changed_alone(project, tmp_path):
    """An unchanged page keeps its time, and what is no page any more goes."""
    checked, report = check_root(project)
    made = pages.site_of(checked, report, "", directory_urls=True)
    stage.stage(made, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    (tmp_path / "old").mkdir()
    shutil.copy(tmp_path / "index.md", tmp_path / "old" / "page.md")
    stage.stage(made, tmp_path)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before
    assert not (tmp_path / "old").exists()
