"""What a check is about: a check of nothing is not a pass."""

from __future__ import annotations

import json
import subprocess

import pytest

from .conftest import Make
from .lab import Project, page

PAPERS = '[a2020]\ntitle = "T"\nauthors = ["A"]\nyear = 2020\nvenue = "V"\nurl = "https://e.org"\n'
GIVENS = '[k]\nvalue = "2 GB"\nsource = "https://e.org"\nquote = "2 GB"\nread = 2026-11-20\n'
FILES = {
    "README.md": "It takes 12 GB.\n",
    "docs/a.md": page("import tool\nx = tool.x", "[1](claim:x)"),
    "docs/b.md": '```python exec="on" file="part.py"\n```\n\n[2](claim:y), [2 GB](given:k)\n',
    "docs/img/x.svg": "<svg/>",
    "docs/draft.md": "It takes 12 GB.\n",
    "mkdocs.yml": "site_name: x\nextra: !ENV [A, b]\nexclude_docs: |\n  draft.md\n",
    "snippets/part.py": "y = 2\n",
    "snippets/tool.py": "x = 1\n",
    "glossary/papers.toml": PAPERS,
    "glossary/givens/g.toml": GIVENS,
    "other/nothing.txt": "",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a README, pages that depend on files, and a page that is left out."""
    root = tmp_path_factory.mktemp("selection")
    (root / "project").mkdir()
    return Project(root / "project", root / "store").write(FILES)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("README.md", 1, "README.md:1:10: error A201"),
        ("docs", 0, "2 claims: 2 verified"),
        ("docs/a.md", 0, "1 claim: 1 verified"),
        ("snippets/part.py", 0, "1 claim: 1 verified"),
        ("snippets/tool.py", 0, "1 claim: 1 verified"),
        ("glossary/givens/g.toml", 0, "1 claim: 1 verified"),
        ("docs/draft.md", 0, "the site leaves these files out"),
        ("docs/img/x.svg", 2, "docs/img/x.svg is no page and no page depends on it"),
        ("glossary/papers.toml", 2, "no page depends on it"),
        ("other", 2, "holds no Markdown file"),
        ("no-such-folder", 2, "does not exist"),
        ("..", 2, "is not inside of the project"),
    ],
)
def test_a_path_selects_pages_or_is_refused(
    project: Project, path: str, status: int, said: str
) -> None:
    """A named page is checked, wherever it lies; a file selects what depends on it; else 2."""
    done = project.assay("check", path)
    assert said in done.stdout + done.stderr
    assert done.returncode == status, done.stdout + done.stderr


def test_what_the_site_leaves_out_is_not_checked(project: Project) -> None:
    """A check of all looks at what is published, and at nothing that exclude_docs names."""
    assert project.assay("check").returncode == 0


def test_files_of_the_settings_are_checked_too(make: Make) -> None:
    """A README that the settings name under `also` is a part of every check; its links work."""
    made = make(
        {
            "assay.toml": 'also = ["README.md"]\n',
            "README.md": "See [the licence](LICENSE): 12 GB.\n",
            "LICENSE": "",
            "docs/a.md": "A page.\n",
        }
    )
    done = made.assay("check")
    assert (done.returncode, done.stdout.count("error A")) == (1, 1)
    assert "README.md:1:29: error A201" in done.stdout


def test_docs_lie_where_mkdocs_says(make: Make) -> None:
    """`docs_dir` of mkdocs.yml is followed where the settings name no folder."""
    made = make({"mkdocs.yml": "docs_dir: text\n", "text/a.md": "It takes 12 GB.\n"})
    assert "text/a.md:1:10: error A201" in made.assay("check").stdout


def test_a_finding_in_an_included_file_is_found_again_by_its_command(make: Make) -> None:
    """The command under a finding names the page, not the file that the page includes."""
    made = make({"docs/b.md": FILES["docs/b.md"], "snippets/part.py": "1 / 0\n"})
    done = made.assay("check")
    (command,) = {x.split("again: assay ")[1] for x in done.stdout.splitlines() if "again:" in x}
    assert command == "check docs/b.md"
    again = made.assay(*command.split())
    assert (again.returncode, "snippets/part.py:1:1: error A301" in again.stdout) == (1, True)


# --- only what has changed -----------------------------------------------------------------------


@pytest.fixture
def committed(make: Make) -> Project:
    """A project of two good pages, all of it committed."""
    made = make(
        {
            "docs/grün.md": page(
                "import tool\nx = tool.x * int(open('data/x.txt').read())", "[1](claim:x)"
            ),
            "data/x.txt": "1",
            "docs/другая.md": page("y = 2", "[2](claim:y)"),
            "snippets/tool.py": "x = 1\n",
            "notes.txt": "",
        }
    )
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        who = ["-c", "user.name=maintainers", "-c", "user.email=m@example.org"]
        subprocess.run(["git", *who, *command], cwd=made.root, check=True)
    return made


def test_nothing_changed_is_said(committed: Project) -> None:
    """With nothing changed, the check ends with 0 and says so."""
    done = committed.assay("check", "--changed")
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing differs" in done.stderr


def test_named_pages_are_checked_where_they_changed(committed: Project) -> None:
    """Paths and --changed together mean the pages that are both named and changed."""
    committed.edit("docs/grün.md", "[1]", "[3]")
    done = committed.assay("check", "--changed", "docs/другая.md")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no page that is named differs" in done.stderr
    assert committed.assay("check", "--changed", "docs/grün.md").returncode == 1


@pytest.mark.parametrize(
    ("path", "old", "new", "checked"),
    [
        ("docs/другая.md", "[2]", "[3]", "1 claim"),
        ("docs/grün.md", "[1]", "[3]", "1 claim"),
        ("snippets/tool.py", "x = 1", "x = 5", "2 claims"),
        ("data/x.txt", "1", "5", "2 claims"),
    ],
)
def test_a_change_is_checked_whatever_its_name_and_kind(
    committed: Project, path: str, old: str, new: str, checked: str
) -> None:
    """A page in another script is found; a changed input of pages means all of them."""
    committed.edit(path, old, new)
    done = committed.assay("check", "--changed")
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{checked}: " in done.stdout


def git(project: Project, *arguments: str) -> None:
    who = ["-c", "user.name=maintainers", "-c", "user.email=m@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=project.root, check=True, capture_output=True)


def test_what_asks_a_changed_page_is_checked_with_it(make: Make) -> None:
    """Of many pages, the one that changed and those whose claims ask its sessions."""
    others = {f"docs/p{n}.md": page(f"x = {n}", f"[{n}](claim:x)") for n in range(20)}
    asking = {"docs/asks.md": "It is [3](claim:p3/x).\n", "docs/other.md": "[4](claim:p4/x)\n"}
    made = make({**others, **asking})
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "all"]):
        git(made, *command)
    made.edit("docs/p3.md", "x = 3", "x = 33")
    done = made.assay("check", "--changed", "--format", "json")
    found = json.loads(done.stdout)
    assert {claim["path"] for claim in found["claims"]} == {"docs/p3.md", "docs/asks.md"}
    assert {claim["verdict"] for claim in found["claims"]} == {"fails"}
    assert found["summary"]["sessions"] == 1


def test_a_branch_is_compared_with_where_it_left_its_base(committed: Project) -> None:
    """What the base has changed since is not this branch's; a base that is not here is an error."""
    git(committed, "branch", "base")
    committed.edit("docs/другая.md", "[2]", "[3]")
    git(committed, "commit", "-qam", "ours")
    assert "nothing differs" in committed.assay("check", "--changed").stderr
    done = committed.assay("check", "--base", "base")
    assert done.returncode == 1
    assert "1 claim: 1 failing" in done.stdout
    done = committed.assay("check", "--base", "nowhere")
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_no_page_is_found_again_by_a_check_of_all(make: Make) -> None:
    """A broken file of citations matters to any page, and the command under it finds it."""
    made = make({"glossary/givens/g.toml": "[k\n", "docs/a.md": "A page.\n"})
    assert "again: assay check\n" in made.assay("check").stdout
    assert made.assay("check", "docs/a.md").returncode == 1


def test_a_page_that_no_check_has_read_is_not_published(make: Make) -> None:
    """MkDocs would publish it, so the build ends, names it and says what to do."""
    made = make(
        {
            "mkdocs.yml": "site_name: x\nplugins: [assay]\n",
            "docs/index.md": "A page.\n",
            "docs/other.markdown": "It takes 12 GB.\n",
        }
    )
    done = made.assay("build")
    assert done.returncode == 1
    assert "no check has read other.markdown" in done.stderr
    assert not (made.root / "site").exists()
