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

function assayCitation(row, link) {
  const address = location.href.split("#")[0] + "#" + link.id;
  const said = row.dataset.sentence || link.textContent;
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
  const said = assayMade("p", "assay-card-said", row.dataset.sentence || link.textContent);
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

/* The filter of the claims page. The page is complete without it. */
function assayFilter() {
  const box = document.querySelector(".assay-filter");
  const rows = [...document.querySelectorAll(".assay-ledger tbody tr")];
  if (!box || !rows.length) return;
  const input = box.querySelector("input");
  const shown = box.querySelector("[role=status]");
  box.hidden = false;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      count += row.hidden ? 0 : 1;
    }
    shown.textContent = `${count} of ${rows.length}`;
  });
}
if (window.document$) {
  window.document$.subscribe(assayProofs);
  window.document$.subscribe(assayFilter);
} else {
  document.addEventListener("DOMContentLoaded", assayProofs);
  document.addEventListener("DOMContentLoaded", assayFilter);
}
