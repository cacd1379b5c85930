// The table: sorted by any column, of the rows shown; failed and skipped ones stand last.

const FEW = ["label", "ap", "ap_small", "ap_medium", "ap_large", "time_ms", "peak_memory_mb", "energy_j", "gmacs", "params", "status"];

/** The columns to show: a choice, or all that hold anything. */
function shownColumns(whole) {
  const names = whole ? DATA.columns.map((column) => column.name) : FEW.filter((name) => COLUMN.has(name));
  return names.includes("label") ? ["label", ...names.filter((name) => name !== "label")] : names;
}

/** Sort rows by a column; what is empty comes last whichever way. */
function sortedRows(rows, { name, down }) {
  const order = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
  return [...rows].sort((one, other) => {
    const [a, b] = [said(one, name), said(other, name)];
    if (a === null || b === null) return (a === null) - (b === null);
    return down ? order(b, a) : order(a, b);
  });
}

function fillTable(table, rows, { whole, sort, best, picked, fits, open, again }) {
  const names = shownColumns(whole);
  table.tHead.replaceChildren(element("tr", {}, ...names.map((name) => head(name, sort, again))));
  table.tBodies[0].replaceChildren(...sortedRows(rows, sort).map((row) => {
    const classes = [row === picked ? "picked" : "", fits.has(row) ? "" : "out"].join(" ").trim();
    return element("tr", { class: classes || null, "data-row": row.number }, ...names.map((name) => cell(row, name, best.has(row), open)));
  }));
}

function head(name, sort, again) {
  const column = COLUMN.get(name);
  const way = sort.name === name ? (sort.down ? "descending" : "ascending") : null;
  const sign = way ? (sort.down ? " ▾" : " ▴") : "";
  const down = sort.name === name ? !sort.down : column.better === "higher";
  const button = element("button", { type: "button", title: column.doc || null, onclick: () => again({ name, down }) }, name, ...(column.unit ? [element("small", {}, ` ${column.unit}`)] : []), sign);
  return element("th", { scope: "col", "aria-sort": way, class: column.number ? "number" : null, "data-column": name }, button);
}

function cell(row, name, best, open) {
  const value = said(row, name);
  if (name === "label") {
    return element("th", { scope: "row" }, element("button", { type: "button", class: "link", onclick: () => open(row) }, named(row)), ...(best ? [element("abbr", { title: "on the frontier of the scatter" }, " ★")] : []));
  }
  if (name === "status" && value === "ok" && !row.look.sound) return element("td", { title: said(row, "reasons") }, "untrusted");
  return element("td", { class: COLUMN.get(name).number ? "number" : null, title: name === "status" ? said(row, "reason") : null }, told(name, value));
}

/** Save the rows shown as a CSV file; the lines were written, and formulas quoted, by Python. */
function download(rows) {
  const text = [DATA.csv[0], ...rows.map((row) => DATA.csv[row.number + 1])].map((line) => `${line}\n`).join("");
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  element("a", { href: url, download: DATA.file }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
