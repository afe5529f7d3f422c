"""How the entries hang together: slugs, prerequisites, papers, links, length.

Law: every fault found is reported at its own place, in one run; none hides another.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .. import ids
from ..hints import nearest
from ..nouns import Claim, Edit, Entry, Finding, Given, Opinion, Paper, Place, Settings, Snippet

_MADE = frozenset({"proofs", "snippet", "session", "given", "opinion", "quote", "papers"})
"""How the ids begin that assay gives to parts of a page."""
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def check(
    entries: Sequence[Entry], papers: Mapping[str, Paper], files: Iterable[str], settings: Settings
) -> list[Finding]:
    """Return what is wrong between the entries and with each as a whole."""
    terms = [entry for entry in entries if entry.front is not None]
    return [
        *_slugs(entries),
        *_prerequisites(terms),
        *_cycles(terms),
        *_named_twice(terms),
        *_papers(terms, papers),
        *_ids(entries),
        *_taken(entries),
        *_sessions(entries),
        *_links(entries, set(files)),
        *_anchors(entries),
        *_lengths(terms, settings.words),
        *_facts(terms, settings.facts),
    ]


def words_of(entry: Entry) -> int:
    """Count the words that a reader reads: prose and claims, not code or math."""
    bound: list[Claim | Given | Opinion] = [*entry.claims, *entry.givens, *entry.opinions]
    texts = (*(block.text for block in entry.blocks), *(item.text for item in bound))
    return sum(len(re.findall(r"\w[\w'’-]*", text)) for text in texts)


def _slugs(entries: Sequence[Entry]) -> Iterator[Finding]:
    seen: dict[str, Entry] = {}
    for entry in entries:
        if entry.keys and not _SLUG.fullmatch(entry.slug):
            message = f"the file name {entry.slug!r} makes no address"
            hint = "use small letters, digits and single hyphens"
            yield Finding(code="A504", place=Place(entry.path), message=message, hint=hint)
        first = seen.setdefault(entry.slug.lower(), entry)
        if first is not entry:
            message = f"the slug {entry.slug!r} is taken by {first.path}"
            hint = "rename one of the two files"
            yield Finding(code="A503", place=Place(entry.path), message=message, hint=hint)


def _prerequisites(terms: Sequence[Entry]) -> Iterator[Finding]:
    slugs = {entry.slug: entry for entry in terms}
    for entry in terms:
        for index, wanted in enumerate(_wanted(entry)):
            if wanted not in slugs:
                yield Finding(
                    code="A501",
                    place=entry.keys[f"prerequisites[{index}]"],
                    message=f"the prerequisite {wanted!r} is no entry",
                    hint=nearest(wanted, slugs) or "name the file of an entry, without .md",
                )


def _cycles(terms: Sequence[Entry]) -> Iterator[Finding]:
    """Yield one finding a cycle, at the prerequisite that closes it."""
    by_slug = {entry.slug: entry for entry in terms}
    done: set[str] = set()
    for slug, entry in by_slug.items():
        # The terms on the way here, in order, each with those of its needs that are to come.
        way = {} if slug in done else {slug: iter(enumerate(_wanted(entry)))}
        while way:
            here, rest = next(reversed(way.items()))
            for index, wanted in rest:
                if wanted in way:
                    yield _circle(by_slug[here], index, [*way], wanted)
                elif wanted in by_slug and wanted not in done:
                    way[wanted] = iter(enumerate(_wanted(by_slug[wanted])))
                    break
            else:
                done.add(here)
                del way[here]


def _circle(entry: Entry, index: int, way: list[str], wanted: str) -> Finding:
    around = [*way[way.index(wanted) :], wanted]
    return Finding(
        code="A502",
        place=entry.keys[f"prerequisites[{index}]"],
        message="prerequisites in a circle: " + " → ".join(around),
        hint="take one of them out; what is read first cannot need what follows",
    )


def _named_twice(terms: Sequence[Entry]) -> Iterator[Finding]:
    """Yield the terms and aliases that another entry has already."""
    seen: dict[str, Entry] = {}
    for entry in terms:
        assert entry.front is not None
        names = {"term": entry.front.term}
        names |= {f"aliases[{n}]": alias for n, alias in enumerate(entry.front.aliases)}
        names |= {f"code_names[{n}]": name for n, name in enumerate(entry.front.code_names)}
        for key, name in names.items():
            first = seen.setdefault(name.casefold(), entry)
            if first is not entry:
                yield Finding(
                    code="A514",
                    place=entry.keys.get(key, Place(entry.path)),
                    message=f"{name!r} is a name of {first.path} already",
                    hint="name it otherwise, or make one entry of the two",
                )


def _papers(terms: Sequence[Entry], papers: Mapping[str, Paper]) -> Iterator[Finding]:
    for entry in terms:
        for index, key in enumerate(entry.front.papers if entry.front else ()):
            if key not in papers:
                yield Finding(
                    code="A505",
                    place=entry.keys[f"papers[{index}]"],
                    message=f"the paper {key!r} is not in papers.toml",
                    hint=nearest(key, papers) or f"add a table [{key}] to papers.toml",
                )


def _ids(entries: Sequence[Entry]) -> Iterator[Finding]:
    for entry in entries:
        seen: dict[str, Place] = {}
        for snippet in entry.snippets:
            first = seen.setdefault(snippet.id, snippet.place)
            if first is not snippet.place:
                message = f"the snippet id {snippet.id!r} is taken at line {first.line}"
                yield Finding(
                    code="A506", place=snippet.place, message=message, hint="choose another id"
                )


def _taken(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Yield, of each page, the claims whose id another owns, with the edits that give them one."""
    for entry in entries:
        known = zip(entry.claims, ids.of_claims(entry.claims), strict=True)
        late = [(claim, own) for claim, own in known if own.taken]
        if late:
            first, own = late[0]
            title = f"{first.title}, id={own.name}" if first.title else f"id={own.name}"
            more = f"; {len(late) - 1} more of the page need one" if late[1:] else ""
            yield Finding(
                code="A113",
                place=first.place,
                end=first.end,
                message=f"another claim of this page is known as {own.taken!r}",
                hint=f'give it an id, so that links to it stay: "{title}"{more}',
                severity="warning",
                fix=tuple(edit for claim, own in late for edit in _named(entry, claim, own.name)),
            )


def _named(entry: Entry, claim: Claim, name: str) -> tuple[Edit, ...]:
    """Return the edit that gives a claim its id, where the link itself holds the title."""
    if "](claim:" not in entry.text[claim.span.start : claim.span.end]:
        return ()
    back = 2 if claim.title else 1  # before the quote that ends the title, or the bracket
    at = Place(claim.end.path, claim.end.line, claim.end.column - back)
    return (Edit(at, at, f", id={name}" if claim.title else f' "id={name}"'),)


def _sessions(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Yield the snippets that would share a process with others by mistake, or a device."""
    for entry in entries:
        named = {s.options.session: s for s in reversed(entry.snippets) if s.options.session}
        devices: dict[str, Snippet] = {}
        for snippet in entry.snippets:
            if not snippet.options.session and snippet.session in named:
                line = named[snippet.session].place.line
                yield Finding(
                    code="A511",
                    place=snippet.place,
                    message=f"the id {snippet.id!r} is the name of the session at line {line}",
                    hint=f'join it with session="{snippet.id}", or choose another id',
                )
            if snippet.options.device is None:
                continue
            first = devices.setdefault(snippet.session, snippet)
            if first.options.device is not snippet.options.device:
                yield Finding(
                    code="A512",
                    place=snippet.place,
                    message=f"session {snippet.session!r} already asks for another device "
                    f"at line {first.place.line}",
                    hint="one session runs on one device; give this snippet a session of its own",
                )


def _links(entries: Sequence[Entry], files: set[str]) -> Iterator[Finding]:
    for entry in entries:
        for link in entry.links:
            if link.target not in files:
                yield Finding(
                    code="A507",
                    place=link.place,
                    message=f"the link goes to {link.target!r}, which does not exist",
                    hint=_as_seen_from(entry.path, link.target, files) or "correct the path",
                )


def _anchors(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Yield the links to a place of a page that has no such place."""
    pages = {entry.path: entry for entry in entries}
    for entry in entries:
        for link in entry.links:
            page = pages.get(link.target)
            if page and link.fragment and not _has_place(page, link.fragment):
                yield Finding(
                    code="A515",
                    place=link.place,
                    message=f"{link.target} has no heading or id {link.fragment!r}",
                    hint=nearest(link.fragment, page.anchors) or "correct what stands behind #",
                )


def _has_place(page: Entry, fragment: str) -> bool:
    """Whether a page has what a link names; of what it prints or includes nothing is known."""
    kind, _, name = fragment.partition("-")
    if kind in {"claim", "proof"} and name:
        return any(own.name == name for own in ids.of_claims(page.claims))
    is_made = kind in _MADE or ":" in fragment
    is_open = any(not s.prints and not s.options.result for s in page.snippets)
    return is_made or is_open or "--8<--" in page.text or fragment.lower() in page.anchors


def _as_seen_from(page: str, target: str, files: set[str]) -> str:
    """Return the hint for a link of *page*: the nearest file's address, as that page writes it."""
    folder = posixpath.dirname(page) or "."
    return nearest(
        posixpath.relpath(target, folder), {posixpath.relpath(file, folder) for file in files}
    )


def _lengths(terms: Sequence[Entry], words: int) -> Iterator[Finding]:
    for entry in terms:
        count = words_of(entry)
        if count > words:
            yield Finding(
                code="A508",
                place=Place(entry.path),
                message=f"the entry has {count} words; a term has at most {words}",
                hint="shorten it, or split off a term of its own",
            )


def _facts(terms: Sequence[Entry], least: int) -> Iterator[Finding]:
    """Yield the terms with too few key facts, and the facts that show no figure that is bound."""
    for entry in terms:
        if len(entry.facts) < least and entry.front and len(entry.front.facts) < least:
            message = f"the entry states {len(entry.facts)} key facts; the settings ask for {least}"
            hint = "add to facts: - {label: ..., figure: '[12 GB](claim:name \"id=...\")'}"
            place = entry.keys.get("facts", Place(entry.path))
            yield Finding(code="A516", place=place, message=message, hint=hint)
        items: list[Claim | Given | Opinion] = [*entry.claims, *entry.givens, *entry.opinions]
        bound = [item.span for item in items]
        for number, fact in enumerate(entry.facts):
            ends = (fact.note or fact.figure).end
            leads = any(fact.label.start <= x.destination.start < ends for x in entry.links)
            if fact.figure not in bound or leads:
                yield Finding(
                    code="A517",
                    place=entry.keys[f"facts[{number}].figure"],
                    message="the key fact shows something else than one figure that is bound",
                    hint="write one claim as its figure, '[12 GB](claim:name \"id=...\")', and no "
                    "link to a page into its label or note",
                )


def _wanted(entry: Entry) -> tuple[str, ...]:
    return entry.front.prerequisites if entry.front else ()
