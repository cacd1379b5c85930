// The scatter: Vega draws it from scatter.vg.json; here are only the points, and how keys reach them.

const SPEC = DATA.scatter;
const SIGNALS = Object.fromEntries(SPEC.signals.map((signal) => [signal.name, true]));

/** Draw points into a place; the drawing can `show` others, and ends with `finalize`. */
async function drawScatter(place, { log, open, points, signals }) {
  const spec = structuredClone(SPEC);
  const across = spec.scales.find((scale) => scale.name === "x");
  if (log) Object.assign(across, { type: "log", zero: undefined });
  Object.assign(spec.data[0], { values: points });
  Object.assign(spec.data[1], { values: stepsOf(points, signals) });
  for (const signal of spec.signals) if (signal.name in signals) signal.value = signals[signal.name];
  const actions = { export: true, source: false, compiled: false, editor: false };
  const { view, finalize } = await vegaEmbed(place, spec, { mode: "vega", renderer: "svg", actions, downloadFileName: "scatter", tooltip: { theme: "custom" } });
  view.addEventListener("click", (event, item) => { if (item?.mark?.name === "dots") open(ROWS[item.datum.number]); });
  let at = 0;
  const dots = () => [...place.querySelectorAll(".dots path")].sort((a, b) => a.__data__.datum.x - b.__data__.datum.x);
  const reach = (place) => {
    const all = dots();
    at = Math.max(0, Math.min(place, all.length - 1));
    all.forEach((dot, index) => dot.setAttribute("tabindex", index === at ? 0 : -1));
    return all[at];
  };
  place.onkeydown = (event) => {
    if (!event.target.closest?.(".dots")) return;
    const way = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1, Home: 0, End: Infinity }[event.key];
    if (way !== undefined) reach(way)?.focus();
    else if (event.key === "Enter" || event.key === " ") open(ROWS[event.target.__data__.datum.number]);
    else return;
    event.preventDefault();
  };
  const show = async (points, signals) => {
    view.data("points", points).data("frontier", stepsOf(points, signals));
    for (const [name, value] of Object.entries(signals)) if (name in SIGNALS) view.signal(name, value);
    await view.runAsync();
    reach(at);
  };
  reach(0);
  return { show, finalize };
}

/** The corners of the frontier, and its end at the edge where more cost buys nothing. */
function stepsOf(points, { xBetter }) {
  const best = points.filter((point) => point.best).sort((a, b) => a.x - b.x);
  if (!best.length) return [];
  const corners = best.map(({ x, y }) => ({ x, y, edge: null }));
  return xBetter === "lower" ? [...corners, { ...corners.at(-1), edge: 1 }] : [{ ...corners[0], edge: 0 }, ...corners];
}

/** Points for the shown rows that have both values. */
function pointsOf(rows, { x, y, fits, picked }) {
  const there = rows.filter((row) => said(row, x) !== null && said(row, y) !== null);
  const best = new Set(frontier(there, x, y));
  return there.map((row, order) => ({
    number: row.number, order, x: said(row, x), y: said(row, y), label: named(row),
    colour: row.look.colour, shape: row.look.shape, sound: row.look.sound, published: isPublished(row),
    best: best.has(row), fits: fits.has(row), picked: row === picked,
    words: `${named(row)}: ${axisTitle(y)} ${told(y, said(row, y))}, ${axisTitle(x)} ${told(x, said(row, x))}${best.has(row) ? ", on the frontier" : ""}${row === picked ? ", the pick" : ""}`,
    tip: { title: named(row), ...tip(row, [y, x]), ...(row.look.sound ? {} : { "not trusted": said(row, "reasons") ?? "no reason given" }) },
  }));
}

const tip = (row, names) => Object.fromEntries([...new Set([...names, "ap", "peak_memory_mb"])].filter((name) => said(row, name) !== null).map((name) => [name, told(name, said(row, name), true)]));

/** What an axis is called: AP and the time in words, other columns by their names, with the unit. */
function axisTitle(name) {
  const { unit } = COLUMN.get(name);
  const words = { ap: "AP (COCO, IoU 0.50:0.95)", time_ms: "time of a call", latency_ms_p50: "median time of a call", latency_ms_mean: "mean time of a call", peak_memory_mb: "peak memory", energy_j: "energy per image" };
  return `${words[name] ?? name}${unit ? `, ${unit}` : ""}`;
}
