/* The filter of the claims page. The page is complete without it. */
function assayFilter() {
  const box = document.querySelector(".assay-filter");
  const table = document.querySelector(".assay-ledger");
  if (!box || !table) return;
  const input = box.querySelector("input");
  const shown = box.querySelector("[role=status]");
  const rows = [...table.tBodies[0].rows];
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
