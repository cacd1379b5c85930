// What is chosen, and what follows from it: one state, drawn anew when it changes.

const $ = (id) => document.getElementById(id);
const now = {
  group: GROUPS[DATA.start.group],
  x: null,
  y: null,
  bounds: new Map(DATA.limits.filter(({ word }) => word in DATA.start.budget).map(({ word, column }) => [column, DATA.start.budget[word]])),
  hidden: new Map(), // axis -> set of values that are not shown
  sort: { name: "ap", down: true },
  scatter: null,
};

const hiddenOf = (axis) => now.hidden.get(axis) ?? new Set();
const isShown = (row) => DATA.axes.every((axis) => !hiddenOf(axis).has(String(said(row, axis))));
const others = ROWS.filter((row) => !GROUPS.some((group) => group.ranked.includes(row)));

/** The limits that are set. */
function limitsNow() {
  return DATA.limits.filter(({ column }) => now.bounds.has(column)).map((limit) => ({ ...limit, bound: now.bounds.get(limit.column) }));
}

/** Draw everything that depends on the state; the scatter `anew` where its scales change. */
async function render(anew = false) {
  const { group, x, y } = now;
  const rows = group.ranked.filter(isShown);
  const limits = limitsNow();
  const picked = fillAnswer($("answer"), group, rows, limits, open);
  const fits = new Set(fitting(rows, limits));
  const points = pointsOf(rows, { x, y, fits, picked });
  const best = new Set(points.filter((point) => point.best).map((point) => ROWS[point.number]));
  const bound = (name, sense) => limits.find((limit) => limit.column === name && limit.sense === sense)?.bound ?? null;
  fillTable($("rows"), [...rows, ...others], { whole: $("whole").checked, sort: now.sort, best, picked, fits, open, again: (sort) => { now.sort = sort; render().then(() => document.querySelector(`[data-column="${CSS.escape(sort.name)}"] button`)?.focus()); } });
  $("count").textContent = `${rows.length} of ${group.ranked.length} models shown${others.length ? `, and ${others.length} rows that did not finish` : ""}`;
  $("key").replaceChildren(...keyOf(points, rows.length));
  const signals = { xTitle: axisTitle(x), yTitle: axisTitle(y), xMost: bound(x, "most"), yLeast: bound(y, "least"), xBetter: COLUMN.get(x).better };
  if (anew) {
    now.scatter?.finalize();
    now.scatter = await drawScatter($("scatter"), { log: $("log").checked && !$("log").disabled, open, points, signals });
  } else await now.scatter.show(points, signals);
  document.body.dataset.drawn = Number(document.body.dataset.drawn ?? 0) + 1;
}

/** What the signs of the scatter mean, and what is not in it. */
function keyOf(points, count) {
  const words = [points.some((point) => point.best) ? "Dashed: the frontier of what is shown, in steps; its models are named where there is room. " : "No frontier: of one of these columns neither way is better. "];
  if (points.some((point) => !point.sound)) words.push("Hollow: not trusted. ");
  if (points.some((point) => point.published)) words.push("Grey: published, not measured here. ");
  if (points.some((point) => !point.fits)) words.push("Pale: does not fit the budget. ");
  if (points.length < count) words.push(`${count - points.length} rows lack a value and are not drawn. `);
  return [...words, "Click a point, or move with the arrow keys and press Enter, for its card."];
}

/** Draw with other axes: the kind of a scale is part of the drawing's specification. */
function redraw() {
  const values = now.group.ranked.map((row) => said(row, now.x)).filter((value) => value !== null);
  $("log").disabled = values.some((value) => value <= 0);
  return render(true);
}

/** Show another group: its columns, filters and budget. */
function chooseGroup(number) {
  now.group = GROUPS[number];
  now.hidden = new Map();
  $("conditions").textContent = GROUPS.length > 1 ? "" : now.group.conditions;
  const there = DATA.columns.filter((column) => column.number && now.group.ranked.some((row) => said(row, column.name) !== null));
  const options = (chosen) => there.map(({ name }) => element("option", { value: name, selected: name === chosen }, axisTitle(name)));
  const pickAxis = (wanted, otherwise) => (there.some(({ name }) => name === wanted) ? wanted : there.some(({ name }) => name === otherwise) ? otherwise : there[0].name);
  now.x = pickAxis(now.x ?? DATA.start.x, "time_ms");
  now.y = pickAxis(now.y ?? DATA.start.y, "ap");
  $("x").replaceChildren(...options(now.x));
  $("y").replaceChildren(...options(now.y));
  $("log").checked = isSpread(now.x);
  fillBudget($("limits"), now.group, now.bounds, () => render());
  fillFilters();
  return redraw();
}

/** Whether a cost spans so much that a logarithmic axis shows it better. */
function isSpread(name) {
  const values = now.group.ranked.map((row) => said(row, name)).filter((value) => value !== null);
  return COLUMN.get(name).better === "lower" && Math.min(...values) > 0 && Math.max(...values) > 4 * Math.min(...values);
}

/** A group of boxes for every axis with several values; colours and shapes make it the legend as well. */
function fillFilters() {
  const fields = DATA.axes.flatMap((axis) => {
    const values = new Map([...now.group.ranked].reverse().map((row) => [String(said(row, axis)), row]));
    if (values.size < 2) return [];
    const sorted = [...values].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
    return [element("fieldset", { "data-axis": axis }, element("legend", {}, axis === "extractor_name" ? "extractor" : axis), ...sorted.map(([value, row]) => filterBox(axis, value, row)))];
  });
  const all = element("button", { type: "button", onclick: () => { now.hidden = new Map(); fillFilters(); render(); } }, "Show all");
  $("boxes").replaceChildren(...fields, ...(fields.length ? [all] : [element("p", {}, "All rows agree in every axis.")]));
}

function filterBox(axis, value, row) {
  const box = element("input", { type: "checkbox", value, checked: !hiddenOf(axis).has(value) });
  box.addEventListener("change", () => {
    const hidden = hiddenOf(axis);
    if (box.checked) hidden.delete(value);
    else hidden.add(value);
    now.hidden.set(axis, hidden);
    render();
  });
  const swatch = { extractor_name: () => [sign("M-1-1L1-1L1 1L-1 1Z", row.look.colour)], meta_arch: () => [sign(row.look.shape, "#555")] }[axis]?.() ?? [];
  return element("label", { class: "check" }, box, ...swatch, value === "null" ? "none" : value);
}

/** An outline as a small picture beside a word. */
function sign(outline, fill) {
  const picture = svgElement("svg", { class: "sign", viewBox: "-1.5 -1.5 3 3", width: 16, height: 16, "aria-hidden": "true" });
  picture.append(svgElement("path", { d: outline, fill }));
  return picture;
}

function open(row) {
  fillCard($("card"), row, GROUPS.find((group) => group.ranked.includes(row)));
}

function start() {
  $("group").replaceChildren(...GROUPS.map((group, number) => element("option", { value: number }, group.title)));
  $("group").hidden = GROUPS.length === 1;
  $("group").addEventListener("change", () => chooseGroup($("group").value));
  for (const axis of ["x", "y"]) $(axis).addEventListener("change", () => { now[axis] = $(axis).value; $("log").checked = isSpread(now.x); redraw(); });
  $("log").addEventListener("change", redraw);
  $("whole").addEventListener("change", () => render());
  $("download").addEventListener("click", () => download(sortedRows([...now.group.ranked.filter(isShown), ...others], now.sort)));
  $("card").addEventListener("click", (event) => { if (event.target === $("card")) $("card").close(); });
  for (const button of document.querySelectorAll(".zoom")) button.addEventListener("click", () => button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true"));
  for (const form of document.forms) form.addEventListener("submit", (event) => event.preventDefault());
  $("group").value = DATA.start.group;
  chooseGroup(DATA.start.group);
}

start();
