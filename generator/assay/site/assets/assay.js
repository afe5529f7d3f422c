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
  window.document$.subscribe(assayFilter);
} else {
  document.addEventListener("DOMContentLoaded", assayFilter);
}
