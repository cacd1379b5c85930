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
  const ties = others.filter((row) => said(row, "ap") !== null && said(row, "ap") === said(picked, "ap") && row.look.standing === picked.look.standing);
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
  if (!rows.length) return [element("p", { class: "lead" }, "No row is shown: choose more under “Signs, and what to show”.")];
  const near = nearestMiss(rows, limits, null);
  const none = `None of ${rows.length} models fits this budget.`;
  if (!near) return [element("p", { class: "lead" }, `${none} None says all that is limited: ${limits.map((limit) => limit.title).join(", ")}.`)];
  return [
    element("p", { class: "lead" }, `${none} The closest:`),
    element("h2", {}, opener(near, open)),
    numbers(group, near),
    element("p", { class: "warning" }, `It ${broken(near, limits)}.`),
  ];
}

/** In words which limits a row breaks. */
function broken(row, limits) {
  const way = { most: "at most", least: "at least" };
  return limits.filter((limit) => !keeps(row, limit)).map((limit) => `has ${amount(limit, said(row, limit.column))} of ${limit.title}, wanted ${way[limit.sense]} ${amount(limit, limit.bound)}`).join("; ");
}

/** A value with the unit of its limit, rounded to the loose side, so that a budget of what is read keeps it. */
function amount({ column, sense, unit }, value) {
  const notation = COLUMN.get(column)?.unit === "parameters" ? "compact" : "standard";
  return `${rounded(value, sense).toLocaleString("en", { notation, maximumSignificantDigits: 4, useGrouping: false })} ${unit}`.trim();
}

/** How far a value is from the bound that it misses, as the rounded value says. */
function distance(limit, value) {
  return amount({ ...limit, sense: "most" }, Math.abs(rounded(value, limit.sense) - limit.bound));
}

/** A button that opens a row's card. */
const opener = (row, open) => element("button", { type: "button", class: "link", onclick: () => open(row) }, named(row));

const brief = (group, row) => ["ap", "time_ms"].map((name) => `${name === "ap" ? "AP " : ""}${told(name, said(row, name), true, 3)}`).join(", ");

function numbers(group, row) {
  const shown = ["ap", "time_ms", "peak_memory_mb", "energy_j"].filter((name) => said(row, name) !== null);
  const title = { ap: "AP", time_ms: group.conditions.includes("mean time") ? "mean time" : "median time", peak_memory_mb: "memory", energy_j: "energy" };
  return element("dl", { class: "numbers" }, ...shown.map((name) => element("div", {}, element("dt", {}, title[name]), element("dd", {}, told(name, said(row, name), true, 3)))));
}

function doubts(row) {
  return row.look.sound ? [] : [element("p", { class: "warning" }, `Not trusted: ${said(row, "reasons") ?? "no reason given"}`)];
}

function binding(group, rows, limits, picked, open) {
  const found = steps(rows, limits, picked);
  const near = nearestMiss(rows, limits, picked);
  const apart = keptApart(rows, limits, picked).map((words) => element("p", {}, words));
  if (!near) return limits.length && !apart.length ? [element("p", {}, "No limit binds: nothing better is to be had for more.")] : apart;
  const lines = found.map(({ limit, row }) => {
    const value = said(row, limit.column);
    const step = `${distance(limit, value)} ${limit.sense === "most" ? "more" : "less"} (${amount(limit, value)}) buys `;
    return element("p", {}, element("strong", {}, `${capital(limit.title)} binds: `), step, opener(row, open), gain(row, picked), ".");
  });
  if (found.some(({ row }) => row === near)) return [...apart, ...lines];
  return [...apart, ...lines, element("p", {}, element("strong", {}, "Just misses: "), opener(near, open), gain(near, picked), `; it ${broken(near, limits)}.`)];
}

/** How many better models were not chosen for want of a number, or of trust, in words. */
function keptApart(rows, limits, picked) {
  const models = (count, kind) => (count === 1 ? `1 ${kind} model has` : `${count} ${kind} models have`);
  const lesser = doubted(rows, picked);
  const kind = lesser.some(isPublished) ? "published or untrusted" : "untrusted";
  return [
    ...untold(rows, limits, picked).map(({ limit, count }) => `${models(count, "better")} no number for ${limit.title}.`),
    ...(lesser.length ? [`${models(lesser.length, kind)} more AP than the pick.`] : []),
  ];
}

const gain = (row, picked) => (said(row, "ap") === null || said(picked, "ap") === null ? "" : `, AP ${signed(said(row, "ap") - said(picked, "ap"))}`);
const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
