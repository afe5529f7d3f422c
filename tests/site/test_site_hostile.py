"""What a page prints, names or quotes runs in no reader's browser, and passes for nothing else.

`hostile/printed.txt` holds what programs print here: a line `%% name`, then the text, in which RUN
stands for a script. Each is printed in every way in which a page can show output.
"""

import functools
import html
import http.server
import json
import re
import threading
from pathlib import Path

import pytest
from assay import plain

from . import conftest

MARKS = "`" * 10
RUN = "(window.ran=1,alert(1))"
HOME = """\
# Home

```python exec="on" id="home"
pages = 1 + 1
```

Welcome to [2](claim:pages) pages.
"""
PRINTED = Path(__file__).with_name("hostile") / "printed.txt"
BLOCKS = (block.partition("\n") for block in PRINTED.read_text("utf-8").split("%% ")[1:])
TEXTS = {name: text.rstrip("\n").replace("RUN", RUN) for name, _, text in BLOCKS} | {
    "other ends of lines": f"a\r<script>{RUN}</script>\x0b\x0c\x1c\x85\u2028{{: onclick='{RUN}' }}",
    "marks that turn text around": f"\u202e<script>{RUN}</script>\x1b[31m\x02\x03\x00",
    "marks of assay's own": f"\U0010fff1script\U0010fff2{RUN}\U0010fff1/script\U0010fff2\U0010fff0",
}
FORMS = {
    "text": 'exec="on"',
    "below": 'exec="on" source="below"',
    "colours": 'exec="on" source="above" result="html"',
    "html": 'exec="on" html="1"',
    "markdown": 'exec="on" output="markdown"',
    "tabs": 'exec="on" source="tabbed-left" html="1"',
    "console": 'exec="on" source="console" result="pycon"',
    "block": 'exec="on" source="block" output="markdown"',
}
PLACES = {
    "alone": ("", ""),
    "admonition": ('!!! note "A title"\n\n', "    "),
    "tab": ('=== "A tab"\n\n', "    "),
    "item": ("* An item\n\n", "    "),
    "footnote": ("Text[^1]\n\n[^1]: A note\n\n", "    "),
}
CONFIG = """\
site_name: Hostile
site_url: https://example.org/
theme:
  name: material
  font: false
  features: [navigation.instant, navigation.footer, navigation.path, content.code.copy]
  palette:
    - {scheme: default, toggle: {icon: material/brightness-7, name: Dark}}
    - {scheme: slate, toggle: {icon: material/brightness-4, name: Light}}
plugins: [search, tags, assay]
markdown_extensions:
  - abbr
  - admonition
  - attr_list
  - def_list
  - footnotes
  - md_in_html
  - tables
  - toc: {permalink: true}
  - pymdownx.details
  - pymdownx.highlight
  - pymdownx.superfences
  - pymdownx.snippets: {base_path: [.]}
  - pymdownx.tabbed: {alternate_style: true}
"""


def printing(text):
    """A page that prints *text* in each form, and in each place."""
    parts = ["# Printed\n"]
    for place, (before, margin) in PLACES.items():
        for form, options in FORMS.items():
            info = f'python {options} id="{place}-{form}" session="one"'
            code = f"{MARKS}{info}\nprint({text!a})\n{MARKS}"
            indented = "\n".join(margin + line for line in code.split("\n"))
            parts.append(f"{before.replace('[^1]', f'[^{form}]')}{indented}\n")
    return "\n".join([*parts, "See [how we check][]. HTML.\n\n[how we check]: ../index.md\n"])


NAMES = {
    "tag": f"<img src=x onerror={RUN}>",
    "title": f"</title><script>{RUN}</script>",
    "entities": f"&lt;/title&gt;&lt;script&gt;{RUN}&lt;/script&gt;",
    "twice": f"&amp;lt;img src=x onerror={RUN}&amp;gt;",
    "quotes": f'a" onmouseover="{RUN}" b="',
    "list": f"Word {{: onclick='{RUN}' }}",
    "link": f"[x](javascript:{RUN})",
    "template": "{{ 6 * 7 }}",
    "claim": "[9](#proofs){: .assay-claim .assay-verified }",
    "script": f"</script><script>{RUN}</script>",
}
"""What front matter, papers and citations say, each in every field that is shown."""


def term(name, text):
    quoted = json.dumps(text)
    return (
        f"---\nterm: {json.dumps(name + ' ' + text)}\ncategory: {json.dumps('c ' + text)}\n"
        f"summary: {quoted}\nprerequisites: []\naliases: [{json.dumps('alias ' + text)}]\n"
        f"papers: [{name}]\nreviewed: {{by: {quoted}, on: 2026-11-25}}\n---\n\n"
        f'It takes [12 GB](given:{name}) or [13 GB](opinion: "{name}").\n'
    )


def paper(name, text):
    quoted = json.dumps(text)
    return (
        f"[{name}]\ntitle = {quoted}\nauthors = [{quoted}]\nyear = 2020\nvenue = {quoted}\n"
        f'note = {quoted}\nurl = "https://example.org/{name}"\n'
    )


def citation(name, text):
    quoted = json.dumps(f"12 GB {text}")
    return (
        f'[{name}]\nvalue = "12 GB"\nquote = {quoted}\nread = 2026-11-25\n'
        f'source = "https://example.org/{name}"\n'
    )


def other(name, text):
    quoted = json.dumps(text)
    shown = f"title: {quoted}\ndescription: {quoted}\ntags: [{quoted}]\nauthor: {quoted}\n"
    return f"---\n{shown}---\n\nText.\n"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    root = tmp_path_factory.mktemp("hostile")
    files = {"mkdocs.yml": CONFIG, "assay.toml": "", "docs/index.md": HOME}
    files |= {f"docs/printed/{n:02}.md": printing(text) for n, text in enumerate(TEXTS.values())}
    files |= {f"glossary/{name}.md": term(name, text) for name, text in NAMES.items()}
    files |= {f"docs/other/{name}.md": other(name, text) for name, text in NAMES.items()}
    files |= {f"docs/heading/{n}.md": f"# `{t}`\n\nText.\n\n## `{t}`\n" for n, t in NAMES.items()}
    files["glossary/papers.toml"] = "\n".join(paper(*name) for name in NAMES.items())
    files["glossary/givens/all.toml"] = "\n".join(citation(*name) for name in NAMES.items())
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    done = conftest.assay("build", cwd=root)
    assert done.returncode == 0, done.stderr[-3000:]
    return root / "site"


@pytest.fixture(scope="module")
def served(hostile):
    handler = functools.partial(conftest._Quiet, directory=str(hostile))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture
def reader(browser):
    """A page of a browser that notes dialogs, errors, and what the policy refused."""
    context = browser.new_context()
    page = context.new_page()
    page.noted = []
    page.on("dialog", lambda dialog: (page.noted.append(f"dialog {page.url}"), dialog.dismiss()))
    page.on("pageerror", lambda error: page.noted.append(f"error {error}"))
    page.on(
        "console",
        lambda m: (
            page.noted.append(f"{page.url} {m.text}")
            if m.type == "error" and "404" not in m.text  # of images that are not there
            else None
        ),
    )
    yield page
    context.close()


LIVE = """() => {
  const all = [...document.querySelectorAll("*")];
  const article = document.querySelector("article") || document.body;
  const runs = (value) => /^(java|vb)script:/i.test(value.replace(/[\\x00-\\x20]/g, ""));
  const within = (...selectors) => [...article.querySelectorAll(selectors.join(","))];
  return [
    ...(window.ran ? ["a script ran"] : []),
    ...all.flatMap((e) => [...e.attributes].filter((a) => /^on/i.test(a.name)).map((a) => a.name)),
    ...all.flatMap((e) => ["href", "src", "action", "xlink:href"].map((n) => e.getAttribute(n)))
      .filter((value) => value && runs(value)),
    ...within("iframe", "object", "embed", "form", "style", "base", "script:not([type])")
      .filter((e) => !/getElementById|__md_get/.test(e.textContent)).map((e) => e.outerHTML),
    ...within("a.assay-claim", ".assay-output [class*=assay]", ".assay-output [id]:not(pre)")
      .map((e) => e.outerHTML),
    ...within(".assay-output [data-md-component]", ".assay-output [data-md-toggle]")
      .map((e) => e.outerHTML),
  ];
}"""
"""What on a page could run, passes for a claim, or for a part of the site."""


def pages_below(site, folder):
    found = sorted(path.parent for path in (site / folder).rglob("index.html"))
    return [f"{path.relative_to(site).as_posix()}/" for path in found]


@pytest.mark.parametrize(
    "folder", ["printed", "glossary", "categories", "other", "heading", "claims"]
)
def test_no_page_runs_what_it_shows(reader, hostile, served, folder):
    """No dialog, no script, no handler, no imitation of a claim, and nothing to refuse."""
    reader.goto(served)
    for path in pages_below(hostile, folder):
        reader.goto(served + path)
        assert reader.evaluate(LIVE) == [], path
        assert reader.locator("main").count() == 1, path
    assert reader.noted == []


@pytest.mark.parametrize("number", range(len(TEXTS)), ids=TEXTS)
def test_what_was_printed_is_shown_in_its_frame(hostile, number):
    """Each output stands whole in a frame of its own, and as text it is what was printed."""
    text = plain.escaped(list(TEXTS.values())[number].strip("\n"))
    page = (hostile / f"printed/{number:02}/index.html").read_text(encoding="utf-8")
    frames = page.count('<div data-assay class="assay-output"')
    assert frames == len(PLACES) * (len(FORMS) - 1)
    block = r'aria-label="Output"><div class="highlight"><pre><span></span><code>(.*?)</code>'
    shown = re.findall(block, page, re.DOTALL)
    as_text = [html.unescape(one).removesuffix("\n") for one in shown if "<span" not in one]
    assert as_text.count(text) >= 2 * len(PLACES)


def test_a_search_shows_names_as_text(reader, served):
    """What the search lists are the names as they are written."""
    reader.goto(served)
    reader.locator("input[name=query]").click()
    for name, text in NAMES.items():
        reader.keyboard.press("Control+A")
        reader.keyboard.type(name, delay=20)
        found = reader.locator(".md-search-result__item h1", has_text=text).first
        found.wait_for(timeout=10_000)
    assert reader.evaluate(LIVE) == []
    assert reader.locator(".md-search-result :is(img, script, [onclick])").count() == 0
    assert reader.noted == []


def test_a_name_reads_as_it_was_written(reader, served):
    """A term is called on its page, in the title, in the navigation and in indexes what it is."""
    for name, text in NAMES.items():
        reader.goto(f"{served}glossary/{name}/")
        written = " ".join(f"{name} {text}".split())
        assert reader.title() == f"{written} - Hostile"
        assert reader.locator("h1").inner_text().removesuffix("¶") == written
        links = reader.locator(".md-nav--primary .md-ellipsis").all_text_contents()
        assert written in {" ".join(link.split()) for link in links}
        described = reader.locator("meta[name=description]").get_attribute("content")
        assert described == text


def test_the_policy_stops_what_a_page_should_not_hold(reader, hostile, served, tmp_path):
    """Were a script, a handler or an address in the content, no browser would run it."""
    file = hostile / "index.html"
    page = file.read_text(encoding="utf-8")
    bad = f"<script>{RUN}</script><img src=x onerror='{RUN}'><svg onload='{RUN}'></svg>"
    bad += (
        f"<iframe srcdoc='<script>parent.ran=1</script>'></iframe><a href='javascript:{RUN}'>x</a>"
    )
    file.write_text(page.replace("<p>Welcome", f"{bad}<p>Welcome"), encoding="utf-8")
    try:
        reader.goto(served)
        reader.locator("article a[href^=javascript]").click()
        reader.wait_for_timeout(300)
        assert reader.evaluate("window.ran") is None
        assert not any(note.startswith("dialog") for note in reader.noted)
        assert sum("Content Security Policy" in note for note in reader.noted) >= 5
    finally:
        file.write_text(page, encoding="utf-8")


def test_the_site_works_under_its_policy(reader, served):
    """The palette, the copy of code, and going from page to page work, and nothing is refused."""
    reader.goto(f"{served}printed/00/")
    before = reader.evaluate("document.body.getAttribute('data-md-color-scheme')")
    reader.locator("label.md-header__button[for^=__palette]:visible").click()
    reader.wait_for_function(
        "b => document.body.getAttribute('data-md-color-scheme') !== b", arg=before
    )
    reader.locator("a.md-nav__link", has_text="Claims").first.click()
    reader.wait_for_url("**/claims/")
    assert reader.locator("h1").inner_text().startswith("Claims")
    assert reader.noted == []


def test_the_page_of_an_error_runs_nothing(reader, hostile, served):
    """The page for what is not found has the names of all terms, and runs none of them."""
    reader.goto(f"{served}404.html")
    ours = '<form class="assay-lost" action="/" '
    assert [found for found in reader.evaluate(LIVE) if not found.startswith(ours)] == []
    assert "Content-Security-Policy" in (hostile / "404.html").read_text(encoding="utf-8")
