"use strict";
// The table, what can be compared in it, and the rules of analysis/pick.py, decision.py and frontier.py.

const DATA = JSON.parse(document.getElementById("data").textContent);
const COLUMN = new Map(DATA.columns.map((column) => [column.name, column]));
const ROWS = DATA.rows.map((cells, number) => ({
  number,
  look: DATA.looks[number],
  value: new Map(DATA.columns.map((column, place) => [column.name, cells[place]])),
}));
const GROUPS = DATA.groups.map((group) => ({ ...group, ranked: group.ranked.map((number) => ROWS[number]) }));

/** What a row says in a column, null where it says nothing; the extractor's name includes its own options. */
const said = (row, name) => (name === "extractor_name" ? row.look.extractor_name : row.value.get(name) ?? null);
const isPublished = (row) => row.look.standing >= 2;
const named = (row) => `${said(row, "label") ?? said(row, "run_id") ?? `row ${row.number + 1}`}${isPublished(row) ? " (published)" : ""}`;

/** Whether a row keeps a limit {column, sense, bound}; one that lacks what is limited does not. */
function keeps(row, { column, sense, bound }) {
  const value = said(row, column);
  return value !== null && (sense === "most" ? value <= bound : value >= bound);
}

/** Rows that keep every limit, the best first: `rows` come ranked from Python (analysis/pick.py). */
const fitting = (rows, limits) => rows.filter((row) => limits.every((limit) => keeps(row, limit)));

/** Rows that would be picked instead: of better standing, or of higher AP at the same. */
function better(rows, picked) {
  const least = said(picked, "ap") ?? -Infinity;
  const higher = (row) => said(row, "ap") !== null && said(row, "ap") > least;
  return rows.filter(({ look }, place) => look.standing < picked.look.standing || (look.standing === picked.look.standing && higher(rows[place])));
}

/** For each limit that better rows have no number for, how many of them. */
function untold(rows, limits, picked) {
  const rivals = better(rows, picked);
  const counted = limits.map((limit) => ({ limit, count: rivals.filter((row) => said(row, limit.column) === null).length }));
  return counted.filter(({ count }) => count);
}

/** Rows of higher AP than the pick that come after it, for they are less trusted, or not measured here. */
function doubted(rows, picked) {
  const least = said(picked, "ap") ?? Infinity;
  return rows.filter((row) => row.look.standing > picked.look.standing && said(row, "ap") > least);
}

/** For each limit that alone keeps better rows away, the one of them that needs the least of it. */
function steps(rows, limits, picked) {
  const rivals = better(rows, picked);
  return limits.flatMap((limit) => {
    const others = limits.filter((other) => other !== limit);
    const alone = fitting(rivals, others).filter((row) => over(row, limit) > 0);
    const row = least(alone, (one) => [over(one, limit)]);
    return row ? [{ limit, row }] : [];
  });
}

/** By how much a row misses a limit, as a part of it: 0 where it keeps it, NaN where it says nothing. */
function over(row, { column, sense, bound }) {
  const value = said(row, column);
  if (value === null) return NaN;
  if (keeps(row, { column, sense, bound })) return 0;
  return (sense === "most" ? value / bound : bound / value) - 1;
}

/** The row whose worst miss is the smallest, then the sum of its misses; better than the pick, if there is one. */
function nearestMiss(rows, limits, picked) {
  const misses = (row) => limits.map((limit) => over(row, limit));
  const known = (picked ? better(rows, picked) : rows).filter((row) => !misses(row).some(Number.isNaN) && misses(row).some((miss) => miss > 0));
  return least(known, (row) => [Math.max(...misses(row)), misses(row).reduce((sum, miss) => sum + miss, 0)]);
}

/** The first row with the least key, an array compared from its first number on; null of none. */
function least(rows, key) {
  const below = (one, other) => { const place = one.findIndex((value, index) => value !== other[index]); return place >= 0 && one[place] < other[place]; };
  return rows.reduce((best, row) => (best === null || below(key(row), key(best)) ? row : best), null);
}

/** Rows that none beats in both columns: the rule of analysis/frontier.py. Only rows of the best standing are on it. */
function frontier(rows, x, y) {
  if (!COLUMN.get(x).better || !COLUMN.get(y).better) return [];
  const cost = (row) => (COLUMN.get(x).better === "lower" ? 1 : -1) * said(row, x);
  const gain = (row) => (COLUMN.get(y).better === "higher" ? 1 : -1) * said(row, y);
  const least = Math.min(...rows.map((row) => row.look.standing));
  const sorted = rows.filter((row) => row.look.standing === least).sort((a, b) => cost(a) - cost(b) || gain(b) - gain(a));
  const best = [];
  let before = -Infinity;
  for (let start = 0, end = 0; start < sorted.length; start = end) {
    while (end < sorted.length && cost(sorted[end]) === cost(sorted[start])) end += 1;
    const top = gain(sorted[start]);
    if (top > before) best.push(...sorted.slice(start, end).filter((row) => gain(row) === top));
    before = Math.max(before, top);
  }
  return best;
}

/** Units that say no more than the name of their column. */
const COUNTS = ["", "images", "calls", "steps", "parameters"];

/** A value as it is read: 0.412, 21.3, 848K. */
function told(name, value, unit = false, digits = 4) {
  if (value === null || value === undefined) return "–";
  const column = COLUMN.get(name);
  if (!column?.number) return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
  const text = figures(column, value, digits);
  return unit && !COUNTS.includes(column.unit) ? `${text} ${column.unit}` : text;
}

function figures(column, value, digits) {
  if (column.unit === "parameters") return value.toLocaleString("en", { notation: "compact", maximumSignificantDigits: 3 });
  if (!column.unit && column.better === "higher") return value.toFixed(3);
  return value.toLocaleString("en", { maximumSignificantDigits: Number.isInteger(value) ? 15 : digits, useGrouping: false });
}

/** An element with attributes and children; text is never read as HTML. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") made.toggleAttribute(name, value);
    else if (value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}
