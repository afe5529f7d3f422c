"""The content security policy of a page lets in what the theme and the configuration name."""

import functools
import http.server
import re
import threading

import pytest

from . import conftest

PAGE = """\
# A page

=== "a"
    text

=== "b"
    - [x] done

| a | b |
|--:|---|
| c | d |

```python exec="on" source="above" title="A title" hl_lines="1" linenums="1"
print("printed")
```

It is $a < b$. ![an image](https://example.org/image.png)
"""
SITES = {
    "mkdocs": "theme: mkdocs\n",
    "readthedocs": "theme: readthedocs\n",
    "material": """\
theme:
  name: material
  features: [navigation.instant, navigation.tabs, content.tabs.link, announce.dismiss]
  palette: [{scheme: default, toggle: {icon: material/brightness-7, name: Dark}}]
nav: [A <em>page</em>: index.md, other.md]
repo_url: https://github.com/example/example
extra_javascript: ["https://example.org/one.js?v=1", own.js]
extra_css: [https://example.org/one.css]
markdown_extensions:
  - attr_list
  - tables
  - pymdownx.superfences
  - pymdownx.tasklist
  - pymdownx.tabbed: {alternate_style: true}
""",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    @functools.cache
    def build(name):
        root = tmp_path_factory.mktemp(name)
        (root / "docs").mkdir()
        (root / "assay.toml").write_text('hosts = ["https://talk.example.org"]\n', encoding="utf-8")
        config = "site_name: A\nsite_url: https://example.org/\nplugins: [search, assay]\n"
        (root / "mkdocs.yml").write_text(config + SITES[name], encoding="utf-8")
        (root / "docs" / "index.md").write_text(PAGE, encoding="utf-8")
        (root / "docs" / "other.md").write_text(PAGE, encoding="utf-8")
        (root / "docs" / "old.xml").write_bytes("<a>ü</a>".encode("latin-1"))
        (root / "docs" / "own.js").write_text("window.own = 1;\n", encoding="utf-8")
        done = conftest.assay("build", cwd=root)
        assert done.returncode == 0, done.stderr
        return root / "site"

    return build


def policy(site, path="index.html"):
    """Return the directives of a page by name."""
    page = (site / path).read_text(encoding="utf-8")
    (content,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', page)
    return {name: sources for name, *sources in (part.split() for part in content.split("; "))}


@pytest.mark.parametrize("name", SITES)
def test_nothing_of_a_theme_is_refused(built, browser, name):
    """No page of a theme has a script or a style that its policy does not let in."""
    site = built(name)
    handler = functools.partial(conftest._Quiet, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page, said = browser.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    for path in ("", "other/", "claims/", "404.html"):
        page.goto(f"http://127.0.0.1:{server.server_port}/{path}", wait_until="domcontentloaded")
        page.wait_for_timeout(300)
    server.shutdown()
    page.close()
    assert [text for text in said if "Content Security Policy" in text] == []


@pytest.mark.parametrize("name", SITES)
def test_every_page_says_what_it_may_run(built, name):
    """Each page has one policy, which names no inline script but by its hash."""
    pages = sorted(built(name).rglob("*.html"))
    assert len(pages) >= 3
    for page in pages:
        found = policy(built(name), page.relative_to(built(name)))
        assert "'unsafe-inline'" not in found["script-src"] + found["style-src-elem"]
        assert "'unsafe-eval'" not in found["script-src"]
        assert any(source.startswith("'sha256-") for source in found["script-src"])
        assert found["object-src"] == ["'none'"]


def test_what_the_configuration_names_is_let_in(built):
    """Scripts and styles elsewhere are named by file, what the theme asks and the hosts by host."""
    found = policy(built("material"))
    assert "https://example.org/one.js" in found["script-src"]
    assert "https://example.org/one.css" in found["style-src-elem"]
    assert "https://fonts.googleapis.com/css" in found["style-src-elem"]
    assert "https://fonts.gstatic.com" in found["font-src"]
    assert "https://api.github.com" in found["connect-src"]
    for name in ("script-src", "style-src-elem", "connect-src", "frame-src"):
        assert "https://talk.example.org" in found[name]


def test_a_title_of_the_configuration_stays_as_it_is_written(built):
    """Who writes mkdocs.yml may put HTML into the navigation, as without assay."""
    assert "A <em>page</em>" in (built("material") / "other/index.html").read_text("utf-8")


def test_a_file_of_the_docs_is_published_as_it_is(built):
    """A data file in another encoding ends no build, and keeps its bytes."""
    assert (built("mkdocs") / "old.xml").read_bytes() == "<a>ü</a>".encode("latin-1")


def test_no_mark_of_the_build_stays_on_a_page(built):
    """What tells the theme's scripts from others is known during the build alone."""
    for page in built("material").rglob("*.html"):
        assert not re.search(r"data-assay-\w{16}", page.read_text(encoding="utf-8"))
