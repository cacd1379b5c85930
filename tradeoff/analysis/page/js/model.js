"use strict";
// The table, what can be compared in it, and the two rules: what keeps a budget, and what is on the frontier.

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
const named = (row) => said(row, "label") ?? said(row, "run_id") ?? `row ${row.number + 1}`;

/** Whether a row keeps a limit {column, sense, bound}; one that lacks what is limited does not. */
function keeps(row, { column, sense, bound }) {
  const value = said(row, column);
  return value !== null && (sense === "most" ? value <= bound : value >= bound);
}

/** Rows that keep every limit, the best first: `rows` come ranked from Python (analysis/pick.py). */
const fitting = (rows, limits) => rows.filter((row) => limits.every((limit) => keeps(row, limit)));

/** For each limit the nearest better row that keeps all others: what a little more of it would buy. */
function bought(rows, limits, picked) {
  const better = rows.slice(0, picked ? rows.indexOf(picked) : rows.length);
  const gains = (row) => !picked || said(row, "ap") > said(picked, "ap") || row.look.sound !== picked.look.sound;
  return limits.flatMap((limit) => {
    const others = limits.filter((other) => other !== limit);
    const near = fitting(better, others).filter((row) => said(row, limit.column) !== null && gains(row));
    const row = near.reduce((one, other) => (one && over(one, limit) <= over(other, limit) ? one : other), null);
    return row ? [{ limit, row }] : [];
  });
}

/** By how much of the bound a row misses a limit; 0 where it keeps it, Infinity where it says nothing. */
function over(row, { column, sense, bound }) {
  const value = said(row, column);
  if (value === null) return Infinity;
  const excess = sense === "most" ? value - bound : bound - value;
  return excess <= 0 ? 0 : excess / (Math.abs(bound) || 1);
}

/** The row whose worst miss is the smallest, when none fits. */
function closest(rows, limits) {
  const worst = (row) => Math.max(0, ...limits.map((limit) => over(row, limit)));
  return rows.reduce((one, other) => (one && worst(one) <= worst(other) ? one : other), null);
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
