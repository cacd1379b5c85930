// The answer: the pick in large type, what binds it, and what comes next.

function fillAnswer(place, group, rows, limits, open) {
  const fits = fitting(rows, limits);
  const picked = fits[0] ?? null;
  const parts = picked ? answered(group, rows, fits, limits, open) : missed(group, rows, limits, open);
  place.dataset.picked = picked ? said(picked, "run_id") ?? picked.number : "";
  place.replaceChildren(...parts);
  return picked;
}

function answered(group, rows, fits, limits, open) {
  const [picked, ...others] = fits;
  const count = limits.length ? `${fits.length} of ${rows.length} models fit. The best of them:` : `The best of ${rows.length} models, without any limit:`;
  const next = others.slice(0, 3).map((row) => element("li", {}, opener(row, open), ` ${brief(group, row)}`));
  const ties = others.filter((row) => said(row, "ap") !== null && said(row, "ap") === said(picked, "ap") && row.look.sound === picked.look.sound);
  return [
    element("p", { class: "lead" }, count),
    element("h2", {}, opener(picked, open)),
    numbers(group, picked),
    ...doubts(picked),
    ...(ties.length ? [element("p", {}, `${ties.length} more ${ties.length > 1 ? "have" : "has"} the same AP; the lower time stands first.`)] : []),
    ...binding(group, rows, limits, picked, open),
    ...(next.length ? [element("details", {}, element("summary", {}, "Next best"), element("ol", { start: 2 }, ...next))] : []),
  ];
}

function missed(group, rows, limits, open) {
  if (!rows.length) return [element("p", { class: "lead" }, "No row is shown: choose more under “Show only”.")];
  const near = closest(rows, limits);
  const misses = limits.filter((limit) => !keeps(near, limit)).map((limit) => {
    const value = said(near, limit.column);
    const way = limit.sense === "most" ? "at most" : "at least";
    return value === null ? `says no ${limit.title.toLowerCase()}` : `has ${told(limit.column, value, true)}, wanted ${way} ${told(limit.column, limit.bound, true)}`;
  });
  return [
    element("p", { class: "lead" }, `None of ${rows.length} models fits this budget. The closest:`),
    element("h2", {}, opener(near, open)),
    numbers(group, near),
    element("p", { class: "warning" }, `It ${misses.join("; ")}.`),
    ...binding(group, rows, limits, null, open),
  ];
}

/** A button that opens a row's card. */
const opener = (row, open) => element("button", { type: "button", class: "link", onclick: () => open(row) }, named(row));

const brief = (group, row) => ["ap", group.time].map((name) => `${name === "ap" ? "AP " : ""}${told(name, said(row, name), true, 3)}`).join(", ");

function numbers(group, row) {
  const shown = ["ap", group.time, "peak_memory_mb", "energy_j"].filter((name) => said(row, name) !== null);
  const title = { ap: "AP", [group.time]: group.time.endsWith("mean") ? "mean time" : "median time", peak_memory_mb: "memory", energy_j: "energy" };
  return element("dl", { class: "numbers" }, ...shown.map((name) => element("div", {}, element("dt", {}, title[name]), element("dd", {}, told(name, said(row, name), true, 3)))));
}

function doubts(row) {
  return row.look.sound ? [] : [element("p", { class: "warning" }, `Not trusted: ${said(row, "reasons") ?? "no reason given"}`)];
}

function binding(group, rows, limits, picked, open) {
  const found = bought(rows, limits, picked);
  if (!found.length) return picked && limits.length ? [element("p", {}, "No limit binds: nothing better is to be had by lifting one of them.")] : [];
  return found.map(({ limit, row }) => {
    const value = said(row, limit.column);
    const more = limit.sense === "most" ? "more" : "less";
    const gain = picked && said(row, "ap") !== null ? `, AP ${signed(said(row, "ap") - said(picked, "ap"))}` : "";
    const step = `${told(limit.column, Math.abs(value - limit.bound), true)} ${more} `;
    return element("p", {}, element("strong", {}, picked ? `${limit.title} binds: ` : "Or: "), step, `(${told(limit.column, value, true)}) buys `, opener(row, open), gain, ".");
  });
}

const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
