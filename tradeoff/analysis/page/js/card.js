// The card of a row: what it is, all its numbers, its curves, examples of what it finds, and how to make it again.

function fillCard(dialog, row, group) {
  const close = element("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => dialog.close() }, "×");
  dialog.replaceChildren(
    close,
    element("h2", { id: "card-title", tabindex: "-1" }, named(row)),
    ...state(row),
    ...(group ? [element("p", { class: "note" }, group.conditions), numbers(group, row)] : []),
    ...curves(row),
    ...examples(row),
    ...reproduction(row),
    ...parts(row),
  );
  dialog.dataset.row = row.number;
  dialog.showModal();
  dialog.scrollTop = 0;
}

function state(row) {
  const status = said(row, "status");
  if (status !== "ok") return [element("p", { class: "warning" }, `${status ?? "no status"}: ${said(row, "reason") ?? "no reason given"}`)];
  return doubts(row);
}

function parts(row) {
  const names = [...new Set(DATA.columns.map((column) => column.part))].filter((name) => name !== null);
  return names.flatMap((part) => {
    const columns = DATA.columns.filter((column) => column.part === part && said(row, column.name) !== null);
    if (!columns.length) return [];
    const list = columns.map(({ name, doc }) => element("div", {}, element("dt", { title: doc || null }, name), element("dd", {}, told(name, said(row, name), true))));
    return [element("h3", {}, part), element("dl", { class: "all" }, ...list)];
  });
}

function reproduction(row) {
  const command = DATA.commands[row.number];
  if (!command) return said(row, "source") ? [element("h3", {}, "Where it comes from"), element("p", {}, said(row, "source"))] : [];
  const code = element("code", {}, command);
  const copy = element("button", { type: "button", onclick: async () => {
    getSelection().selectAllChildren(code);
    await navigator.clipboard?.writeText(command).catch(() => {});
    copy.textContent = "Copied";
  } }, "Copy");
  const code_version = said(row, "code_version");
  return [element("h3", {}, "How to make it again"), element("pre", { class: "command" }, code), copy, ...(code_version ? [element("p", { class: "note" }, `With version ${code_version} of this package.`)] : [])];
}

function curves(row) {
  const found = DATA.behind.curves[said(row, "evaluate_key")];
  if (!found) return said(row, "ap") === null ? [] : [element("p", { class: "note" }, DATA.behind.no_curves)];
  const places = ["precision", "classes", "sizes", "ious"].map((name) => [name, element("div", { class: `chart ${name}` })]);
  for (const [name, place] of places) vegaEmbed(place, CHARTS[name](found), { mode: "vega-lite", renderer: "svg", actions: false });
  return [element("h3", {}, "Accuracy in detail"), element("div", { class: "charts" }, ...places.map(([, place]) => place))];
}

const chart = (title, values, rest) => ({
  title: { text: title, anchor: "start", fontWeight: "normal", fontSize: 13 }, data: { values }, width: "container", height: 200,
  autosize: { type: "fit-x", contains: "padding" }, config: { font: "system-ui, sans-serif", view: { stroke: null }, axis: { gridColor: "#ececec", titleFontWeight: "normal" }, legend: { titleFontWeight: "normal" } }, ...rest,
});
const unit = (title, more = {}) => ({ type: "quantitative", title, scale: { domain: [0, 1] }, axis: { tickCount: 5 }, ...more });
const part = (value) => (value === null ? null : value / 1000);

/** One chart for each kind of curve, in Vega-Lite. */
const CHARTS = {
  precision: ({ recall, precision }) => chart("Precision against recall, mean of the classes", Object.entries(precision).flatMap(([name, values]) => values.map((value, place) => ({ name, recall: part(recall[place]), precision: part(value) }))), {
    mark: { type: "line", clip: true },
    encoding: {
      x: { field: "recall", ...unit("recall") }, y: { field: "precision", ...unit("precision") },
      color: { field: "name", title: "IoU", scale: { range: ["#0072B2", "#D55E00", "#444"] }, legend: { orient: "bottom" } }, strokeDash: { field: "name", title: "IoU" },
    },
  }),
  classes: ({ classes }) => chart(`AP by class${classes.length > 40 ? ", the 40 with most objects" : ""}`, [...classes].sort((a, b) => b[2] - a[2]).slice(0, 40).map(([name, ap, objects]) => ({ name, ap: part(ap), objects })), {
    height: 16 * Math.min(classes.length, 40), mark: { type: "bar", color: "#0072B2" },
    encoding: { y: { field: "name", type: "nominal", sort: "-x", title: null }, x: { field: "ap", ...unit("AP") }, tooltip: [{ field: "name" }, { field: "ap", format: ".3f" }, { field: "objects" }] },
  }),
  sizes: ({ sizes }) => chart("AP by size of the objects", sizes.map(([low, high, ap]) => ({ name: high === null ? `from ${low}` : `${low}–${high}`, ap: part(ap) })), {
    mark: { type: "bar", color: "#0072B2" },
    encoding: { x: { field: "name", type: "nominal", sort: null, title: "root of the area, px", axis: { labelAngle: 0, labelOverlap: true } }, y: { field: "ap", ...unit("AP") } },
  }),
  ious: ({ ious }) => chart("AP by IoU threshold", ious.map(([iou, ap]) => ({ iou, ap: part(ap) })), {
    mark: { type: "line", point: true, color: "#0072B2" },
    encoding: { x: { field: "iou", type: "quantitative", title: "IoU threshold", scale: { domain: [0.5, 0.95] }, axis: { values: [0.5, 0.6, 0.7, 0.8, 0.9], format: ".1f" } }, y: { field: "ap", ...unit("AP") } },
  }),
};

function examples(row) {
  const { found, sets } = DATA.behind.examples;
  const own = found[said(row, "predict_key")];
  if (!own) return said(row, "ap") === null ? [] : [element("p", { class: "note" }, !row.look.best && sets.length ? "Example detections are kept of the models on the frontier only." : DATA.behind.no_examples)];
  const { classes, pictures } = sets[own.set];
  const shots = pictures.map((picture, place) => shot(picture, own.boxes[place], classes));
  return [element("h3", {}, "Example detections"), element("p", { class: "note" }, "Solid: found, with class and score from 0.3 on. Dashed: what is there."), element("div", { class: "shots" }, ...shots)];
}

function shot({ uri, width, height, truth }, boxes, classes) {
  const words = boxes.map(([label, score]) => `${classes[label]} ${(score / 1000).toFixed(2)}`);
  const alt = `${truth.length} objects (${truth.map(([label]) => classes[label]).join(", ")}); found: ${words.join(", ") || "none"}`;
  const svg = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  for (const [, ...box] of truth) svg.append(boxOf(box, "truth"));
  boxes.forEach(([, , ...box], place) => svg.append(boxOf(box, "found"), wordOf(box, words[place], width)));
  return element("figure", {}, element("div", { class: "shot" }, element("img", { src: uri, alt, width, height }), svg), element("figcaption", {}, `${truth.length} objects, ${boxes.length} found`));
}

function svgElement(tag, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

const boxOf = ([x1, y1, x2, y2], kind) => svgElement("rect", { x: x1, y: y1, width: Math.max(x2 - x1, 0), height: Math.max(y2 - y1, 0), class: kind });
const wordOf = ([x1, y1], text, width) => svgElement("text", { x: Math.max(x1, 2), y: Math.max(y1 - width / 160, width / 34), "font-size": width / 34, class: "word" }, text);
