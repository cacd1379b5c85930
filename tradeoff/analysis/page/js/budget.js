// Budgets: a slider and a number for each column that can be limited. A slider's stops are the values of the rows, so
// that every step changes what fits.

/** The limits that make sense for a group: those of columns with several values, and those that are set. */
function limitable(group, bounds) {
  return DATA.limits.filter(({ column, sense }) => bounds.has(column) || stops(group, column, sense).length > 1);
}

/** Values of a column, rising, rounded to four digits towards the loose side, so that the row itself keeps its own. */
function stops(group, column, sense) {
  const values = group.ranked.map((row) => said(row, column)).filter((value) => value !== null);
  return [...new Set(values.map((value) => rounded(value, sense)))].sort((a, b) => a - b);
}

function rounded(value, sense) {
  if (value === 0) return 0;
  const step = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 3);
  const whole = sense === "most" ? Math.ceil(value / step - 1e-9) : Math.floor(value / step + 1e-9);
  return Number((whole * step).toPrecision(4));
}

/** Fill the form of limits; `change` is called after each change of `bounds`, a map of column to number. */
function fillBudget(form, group, bounds, change) {
  const all = limitable(group, bounds);
  const fields = (first) => all.filter((limit) => limit.first === first).map((limit) => limitField(limit, stops(group, limit.column, limit.sense), bounds, change));
  const others = fields(false);
  const open = all.some((limit) => !limit.first && bounds.has(limit.column));
  form.replaceChildren(...fields(true), ...(others.length ? [element("details", { open }, element("summary", {}, "More limits"), ...others)] : []));
}

function limitField(limit, values, bounds, change) {
  const { column, sense, unit } = limit;
  const title = capital(limit.title);
  const id = `limit-${column}`;
  const free = sense === "most" ? values.length : -1;
  const number = element("input", { id, type: "number", step: "any", min: 0, inputmode: "decimal", placeholder: "no limit", "aria-label": `${title}, ${sense === "most" ? "at most" : "at least"}${unit ? `, ${unit}` : ""}` });
  const slider = element("input", { id: `${id}-slider`, type: "range", min: Math.min(0, free), max: Math.max(values.length - 1, free), step: 1 });
  const show = () => {
    const bound = bounds.get(column) ?? null;
    number.value = bound ?? "";
    slider.value = bound === null ? free : nearest(values, bound, sense);
    slider.setAttribute("aria-valuetext", bound === null ? "no limit" : `${sense === "most" ? "at most" : "at least"} ${bound} ${unit}`.trim());
  };
  const set = (bound) => {
    if (bound === null) bounds.delete(column);
    else bounds.set(column, bound);
    change();
  };
  slider.addEventListener("input", () => { set(values[slider.value] ?? null); show(); });
  number.addEventListener("input", () => { set(number.value === "" || !number.checkValidity() ? null : Number(number.value)); });
  number.addEventListener("change", show);
  const label = element("label", { for: `${id}-slider` }, title);
  const entry = element("span", { class: "entry" }, sense === "most" ? "≤ " : "≥ ", number, element("span", { class: "unit" }, unit));
  show();
  return element("div", { class: "limit" }, label, entry, slider);
}

/** The stop that means the same as a bound: the last one below it, or the first one above. */
function nearest(values, bound, sense) {
  const inside = values.filter((value) => (sense === "most" ? value <= bound : value >= bound));
  return sense === "most" ? Math.max(inside.length - 1, 0) : Math.min(values.length - inside.length, values.length - 1);
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
