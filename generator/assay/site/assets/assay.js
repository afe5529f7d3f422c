/* A claim opens its proof under its paragraph. Without this the link leads to the same row below.
   Opening and closing move nothing that is being read and leave no entry in the history. */
const assayOpen = { link: null, card: null };

function assayMade(tag, name, ...children) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  node.append(...children);
  return node;
}

function assayButton(text, act) {
  const button = assayMade("button", "", text);
  button.type = "button";
  button.addEventListener("click", () => act(button));
  return button;
}

/* What a cell states is a sentence with the heads of its row and column. */
function assaySaid(row, link) {
  const said = row.dataset.sentence || link.textContent;
  const cell = link.closest("td");
  if (!cell || !cell.cellIndex) return said;
  const head = cell.closest("table").querySelectorAll("thead th")[cell.cellIndex];
  const heads = [cell.parentNode.cells[0], head].map((one) => (one ? one.textContent.trim() : ""));
  return `${heads.filter(Boolean).join(", ")}: ${said}`;
}

function assayCitation(row, link) {
  const address = location.href.split("#")[0] + "#" + link.id;
  const said = assaySaid(row, link);
  const ran = row.dataset.date;
  const text = `“${said}” ${document.title}. Checked by a run on ${ran}. ${address}`;
  const key = link.id.replace(/[^\w-]/g, "");
  const safe = (words) => words.replace(/[\\{}%&#$_^~]/g, (sign) => (/[\\^~]/.test(sign) ? " " : "\\" + sign));
  const bibtex = `@misc{${key},\n  title = {${safe(said)}},\n  howpublished = {${safe(document.title)}},\n  note = {checked by a run on ${ran}},\n  url = {${address}}\n}`;
  return `${text}\n\n${bibtex}`;
}

function assayActions(row, link) {
  const actions = assayMade("p", "assay-card-actions");
  if (navigator.clipboard) {
    actions.append(
      assayButton("Copy link", async (button) => {
        await navigator.clipboard.writeText(location.href.split("#")[0] + "#" + link.id);
        button.textContent = "Copied";
      }),
    );
  }
  actions.append(
    assayButton("Cite", (button) => {
      const shown = assayMade("pre", "", assayMade("code", "", assayCitation(row, link)));
      shown.tabIndex = 0;
      actions.after(shown);
      button.remove();
      shown.focus({ preventScroll: true });
    }),
  );
  const report = document.querySelector("a.assay-report");
  if (report) {
    const told = assayMade("a", "", "Report");
    told.href = report.href + encodeURIComponent(`\n\n${assaySaid(row, link)}\n${location.href.split("#")[0]}#${link.id}`);
    actions.append(told);
  }
  const whole = assayMade("a", "", "All proofs");
  whole.href = "#" + row.id;
  actions.append(whole);
  return actions;
}

function assayCard(link, row) {
  const heads = [...row.closest("table").querySelectorAll("thead th")];
  const list = assayMade("dl");
  [...row.cells].forEach((cell, number) => {
    const value = assayMade("dd", cell.className);
    if (number) value.append(...[...cell.childNodes].map((node) => node.cloneNode(true)));
    else value.append(link.textContent);
    list.append(assayMade("div", "", assayMade("dt", "", heads[number].textContent), value));
  });
  const ran = [...row.closest(".assay-proof").querySelectorAll(".assay-provenance")];
  const close = assayButton("×", () => assayClose(true));
  close.className = "assay-card-close";
  close.setAttribute("aria-label", "Close the proof");
  const said = assayMade("p", "assay-card-said", assaySaid(row, link));
  const status = [...link.classList].filter((name) => name !== "assay-claim").join(" ");
  const parts = [close, said, list, ...ran.map((node) => node.cloneNode(true))];
  const card = assayMade("div", `assay-card ${status}`, ...parts, assayActions(row, link));
  card.id = row.id + "-card";
  card.setAttribute("role", "region");
  card.setAttribute("aria-label", `Proof of ${link.textContent}`);
  return card;
}

function assayPlace(link, card) {
  const table = link.closest("table");
  const wrap = table && table.closest(".md-typeset__scrollwrap, .assay-scroll");
  const block = wrap || table || link.closest("p, li, dd, dt, summary, figcaption, h1, h2, h3, h4, h5, h6");
  if (!block) link.after(card);
  else if (/^(LI|DD|DT|FIGCAPTION)$/.test(block.tagName)) block.append(card);
  else block.after(card);
}

function assayStill(link, change) {
  const before = link.getBoundingClientRect().top;
  change();
  const moved = link.getBoundingClientRect().top - before;
  if (Math.abs(moved) >= 1) window.scrollBy({ top: moved, behavior: "instant" });
}

function assayClose(focus) {
  const { link, card } = assayOpen;
  if (!card) return;
  assayOpen.link = assayOpen.card = null;
  link.setAttribute("aria-expanded", "false");
  link.removeAttribute("aria-controls");
  if (focus || card.contains(document.activeElement)) link.focus({ preventScroll: true });
  assayStill(link, () => card.remove());
}

function assayShow(link) {
  const row = document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (!row || !row.closest(".assay-proof")) return false;
  assayStill(link, () => {
    assayClose(false);
    const card = assayCard(link, row);
    assayPlace(link, card);
    assayOpen.link = link;
    assayOpen.card = card;
    link.setAttribute("aria-expanded", "true");
    link.setAttribute("aria-controls", card.id);
  });
  history.replaceState(history.state, "", "#" + link.id);
  return true;
}

function assayOpenAddressed() {
  let name;
  try {
    name = decodeURIComponent(location.hash.slice(1));
  } catch {
    return;
  }
  const link = name && document.getElementById(name);
  const folded = link && link.matches(".assay-snippet") && link.nextElementSibling;
  if (folded && folded.matches("details")) folded.open = true;
  if (link && link.matches("a.assay-claim")) assayShow(link);
}

function assayProofs() {
  assayOpen.link = assayOpen.card = null;
  for (const link of document.querySelectorAll("a.assay-claim")) {
    link.setAttribute("aria-expanded", "false");
  }
  assayOpenAddressed();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.assay-claim");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  if (link === assayOpen.link) {
    event.preventDefault();
    assayClose(true);
  } else if (assayShow(link)) event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.target.closest(".md-search")) assayClose(false);
});
window.addEventListener("hashchange", assayOpenAddressed);

/* The filter of the claims page: words and a state, kept in the address. Without it the page is
   complete: each group opens by itself. */
function assayFilter() {
  const box = document.querySelector(".assay-filter");
  const rows = [...document.querySelectorAll(".assay-ledger tbody tr")];
  if (!box || !rows.length) return;
  const input = box.querySelector("input");
  const chips = [...box.querySelectorAll("button")];
  const shown = box.querySelector("[role=status]");
  const asked = new URLSearchParams(location.search);
  let state = asked.get("state") || "";
  if (!chips.some((chip) => chip.dataset.state === state)) state = "";
  input.value = asked.get("words") || "";
  box.hidden = false;
  const texts = new Map();
  for (const row of rows) {
    const name = row.closest("details").querySelector("summary strong").textContent;
    texts.set(row, `${name} ${row.textContent}`.toLowerCase());
  }
  const filter = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const isAll = !words.length && !state;
    let count = 0;
    for (const row of rows) {
      const fits = (!state || row.dataset.state === state) && words.every((word) => texts.get(row).includes(word));
      row.hidden = !fits;
      count += fits ? 1 : 0;
    }
    for (const group of document.querySelectorAll(".assay-group")) {
      group.hidden = !group.querySelector("tbody tr:not([hidden])");
      group.open = !isAll;
    }
    for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.dataset.state === state));
    shown.textContent = `${count} of ${rows.length}`;
    const kept = new URLSearchParams();
    if (input.value) kept.set("words", input.value);
    if (state) kept.set("state", state);
    const search = String(kept) ? `?${kept}` : "";
    if (search !== location.search) history.replaceState(history.state, "", location.pathname + search + location.hash);
  };
  input.addEventListener("input", filter);
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      state = chip.dataset.state;
      filter();
    });
  }
  filter();
}
if (window.document$) {
  window.document$.subscribe(assayProofs);
  window.document$.subscribe(assayFilter);
} else {
  document.addEventListener("DOMContentLoaded", assayProofs);
  document.addEventListener("DOMContentLoaded", assayFilter);
}
