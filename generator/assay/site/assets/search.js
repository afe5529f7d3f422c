/* Terms by name before all else that a search finds: exact names, then terms that hold every word.
   Where no term does, it says so, and what is nearest. Without this the theme's search stands alone. */
const ASSAY_COMMON = new Set(
  ("a an and are as at be by can did do does for from get go has have how i if in into is it its many me much my need needs not of on or " +
    "should so still than that the their there this to use using vs was what when where which why will with you your").split(" "),
);

function assayPlain(text) {
  return text.toLowerCase().replace(/(\d)[,'](?=\d{3})/g, "$1").match(/[a-z0-9]+(?:\.[0-9]+)?/g) || [];
}

function assayStem(word) {
  if (word.length < 5 || /\d/.test(word)) return word;
  return word.replace(/(?<![aisu])s$/, "").replace(/(?:ing|ed|e)$/, "");
}

function assayTerms(data) {
  const terms = data.map((one) => {
    const names = [one.name, ...one.names].map(assayPlain);
    const stems = (words) => new Set(words.map(assayStem));
    return {
      ...one,
      named: stems(names.flat()),
      plain: names.map((name) => name.map(assayStem).join(" ")),
      fields: [
        [3, stems([...assayPlain(one.summary), ...assayPlain(one.heads)])],
        [1, stems(one.often.split(" "))],
        [0.5, stems(one.seldom.split(" "))],
      ],
    };
  });
  const counts = new Map();
  for (const term of terms) {
    for (const word of new Set([...term.named, ...term.fields.flatMap(([, words]) => [...words])])) counts.set(word, (counts.get(word) || 0) + 1);
  }
  return { terms, rarity: (word) => Math.log(1 + terms.length / (counts.get(word) || terms.length)) };
}

/* The weight of a word that stands in a name: the more of the name is asked, the more it counts. */
function assayNamed(term, word, asked) {
  if (!term.named.has(word)) return 0;
  const shares = term.plain.map((name) => name.split(" ")).filter((name) => name.includes(word));
  return Math.max(...shares.map((name) => (8 * name.filter((one) => asked.includes(one)).length) / name.length));
}

/* The terms that a query means, best first; `exact` where one has its name or holds all of its words. */
function assayRank(index, query) {
  const all = assayPlain(query.replace(/([a-z])-([a-z])/gi, "$1 $2"));
  const asked = all.map(assayStem);
  const whole = ` ${asked.join(" ")} `;
  const said = all.filter((word) => !ASSAY_COMMON.has(word)).map(assayStem);
  const words = said.length ? said : asked;
  const found = [];
  for (const term of index.terms) {
    let score = 0;
    let held = 0;
    words.forEach((word, at) => {
      const weight = Math.max(assayNamed(term, word, words), ...term.fields.map(([one, has]) => (has.has(word) ? one : 0)));
      const begins = !weight && at === words.length - 1 && word.length > 2 && [...term.named].some((one) => one.startsWith(word));
      score += (begins ? 4 : weight) * index.rarity(word);
      held += weight >= 1 || begins ? 1 : 0;
    });
    score *= held / words.length + 0.1;
    const named = term.plain.filter((name) => whole.includes(` ${name} `));
    const longest = Math.max(0, ...named.map((name) => name.split(" ").length));
    score += (25 * longest) / words.length;
    if (term.plain.includes(whole.trim())) score += 1000;
    const alias = [term.name, ...term.names].find((_, at) => at && whole.includes(` ${term.plain[at]} `));
    if (score > 0) found.push({ term, score, alias, exact: held === words.length || longest > 1 || (longest && words.length > 2) });
  }
  found.sort((one, other) => other.score - one.score);
  return found;
}

function assayFound(index, query, base) {
  const ranked = assayRank(index, query);
  const isKnown = ranked.slice(0, 3).some((one) => one.exact);
  const box = document.createElement("div");
  box.className = "assay-found";
  if (!isKnown) {
    const none = document.createElement("p");
    none.setAttribute("role", "status");
    none.textContent = `No entry yet: ${query.trim()}.${ranked.length ? " Nearest:" : ""}`;
    box.append(none);
  }
  const list = document.createElement("ul");
  for (const { term, alias } of ranked.slice(0, 3)) {
    const link = document.createElement("a");
    link.href = new URL(term.url, base);
    link.textContent = term.name;
    const item = document.createElement("li");
    item.append(link, `${alias ? `, for ${alias}` : ""}: ${term.summary}`);
    list.append(item);
  }
  box.append(list);
  return box;
}

async function assaySearch() {
  const input = document.querySelector("[data-md-component=search-query]");
  const result = document.querySelector("[data-md-component=search-result]");
  const config = document.getElementById("__config");
  if (!input || !result || !config || input.dataset.assay) return;
  input.dataset.assay = "on";
  const base = new URL(`${JSON.parse(config.textContent).base}/`, location.href);
  let index = null;
  const show = async () => {
    result.parentNode.querySelector(".assay-found")?.remove();
    if (!input.value.trim()) return;
    index ||= fetch(new URL("glossary/terms.json", base))
      .then((answer) => answer.json()).then(assayTerms)
      .catch(() => null); // a copy on a disk may not fetch
    const known = await index;
    if (!known) return;
    result.parentNode.querySelector(".assay-found")?.remove();
    result.before(assayFound(known, input.value, base));
  };
  input.addEventListener("input", show);
  input.addEventListener("focus", show);
  if (input.value) show();
}
if (window.document$) window.document$.subscribe(assaySearch);
else document.addEventListener("DOMContentLoaded", assaySearch);
