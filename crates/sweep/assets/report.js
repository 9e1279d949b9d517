// The report's page: reads the results from the page itself, draws the charts, and lets one filter act on everything.
//
// Every axis is linear in "places": the value, its logarithm, or the number of its category. The ticks are ours.
"use strict";
(() => {
const byId = (id) => document.getElementById(id);
const results = JSON.parse(byId("results").textContent);
const { axes, colours, importance, curves } = JSON.parse(byId("derived").textContent);

// ---------------------------------------------------------------- Texts

/** A number with about four digits. */
function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? String(Number(value.toPrecision(3)).toExponential()) : String(Number(value.toPrecision(4)));
}

/** A whole number with its thousands apart. */
const whole = (value) => (value === null ? "–" : value.toLocaleString("en"));

function time(seconds) {
  if (seconds < 120) return `${short(seconds)} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

const judged = results.judged === "valid" ? "validation" : results.judged;
const scoreName = `${judged} ${results.metric}`;

/** An element with attributes and children; texts are texts and never markup. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

function say(text) {
  byId("said").textContent = text;
}

// ---------------------------------------------------------------- Trials

const asText = (value) => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value));

/** A trial with all that the page asks of it: `at` is where it is on each axis. */
function rowOf(trial) {
  const parameters = trial.parameters ? trial.parameters.trained + trial.parameters.fixed : null;
  const own = { score: trial.score, parameters, seconds: trial.seconds };
  const at = axes.map((axis) => {
    if (!axis.key) return own[axis.name];
    const value = trial.point[axis.name];
    if (value === undefined || value === null) return null;
    if (axis.categories.length === 0) return value;
    return axis.categories.indexOf(asText(value));
  });
  const of = trial.seeds.map((seed) => seed[results.judged]).filter((score) => score !== null && score !== undefined);
  const mean = of.reduce((sum, score) => sum + score, 0) / of.length;
  const squares = of.reduce((sum, score) => sum + (score - mean) ** 2, 0);
  return {
    trial, at, parameters,
    number: trial.trial,
    score: trial.score,
    deviation: of.length > 1 ? Math.sqrt(squares / (of.length - 1)) : null,
    failed: trial.score === null,
  };
}

const rows = results.trials.map(rowOf);
const better = (one, other) => (results.higher_is_better ? one > other : one < other);
const best = rows.reduce((found, row) => (!row.failed && (!found || better(row.score, found.score)) ? row : found), null);

const size = extent(rows.map((row) => (row.score === null ? null : Math.abs(row.score))))[1];

/** A score with as many decimals as all scores have, so that they stand below one another. */
function even(value) {
  return size > 0 && size < 1e6 ? value.toFixed(Math.max(0, Math.min(8, 3 - Math.floor(Math.log10(size))))) : short(value);
}

/** The columns of the table and of the filter's conditions. */
const columns = [
  { names: ["trial"], label: "trial", of: (row) => row.number },
  ...axes.filter((axis) => axis.key).map((axis) => ({
    names: [axis.name, axis.label], label: axis.label, title: axis.name, text: axis.categories.length > 0,
    of: (row) => {
      const value = row.trial.point[axis.name];
      return value === undefined || value === null ? null : typeof value === "number" ? value : asText(value);
    },
  })),
  { names: ["score", results.metric], label: scoreName, of: (row) => row.score, show: even },
  { names: ["deviation"], label: "± seeds", title: "sample deviation of the score over seeds", of: (row) => row.deviation, show: even },
  { names: ["parameters"], label: "parameters", title: "trained and fixed", of: (row) => row.parameters, show: whole },
  { names: ["trained"], label: "trained", title: "trained parameters", of: (row) => (row.trial.parameters ? row.trial.parameters.trained : null), show: whole },
  { names: ["seeds"], label: "seeds", of: (row) => row.trial.seeds.length, hidden: true },
  { names: ["seconds"], label: "seconds", of: (row) => row.trial.seconds },
  { names: ["problem"], label: "problem", text: true, of: (row) => row.trial.problem, hidden: !rows.some((row) => row.trial.problem) },
  { names: ["command"], label: "command", text: true, of: (row) => row.trial.command },
];
for (const row of rows) row.words = columns.map((column) => asText(column.of(row))).join("\u0000").toLowerCase();

// ---------------------------------------------------------------- Filter

const PIECE = /("[^"]*"|[^\s<>=!"]+)\s*(<=|>=|!=|==?|<|>)\s*("[^"]*"|[^\s<>=!"]+)|("[^"]*"|\S+)/g;
const unquoted = (text) => (/^".*"$/.test(text) ? text.slice(1, -1) : text);

/** What a condition compares: numbers as numbers, all else as text. */
function condition(name, sign, wanted) {
  const wantedName = unquoted(name).toLowerCase();
  const column = columns.find((column) => column.names.some((known) => known.toLowerCase() === wantedName));
  if (!column) throw new Error(`There is no column ${unquoted(name)}. The columns are ${columnNames().join(", ")}.`);
  const options = wanted.startsWith('"') ? [unquoted(wanted)] : wanted.split("|");
  const same = (value) => options.some((option) => (typeof value === "number" ? value === Number(option) : asText(value).toLowerCase() === option.toLowerCase()));
  if (sign === "=" || sign === "==") return (row) => same(column.of(row) ?? "");
  if (sign === "!=") return (row) => !same(column.of(row) ?? "");
  const limit = Number(options[0]);
  if (options[0] === "" || Number.isNaN(limit)) throw new Error(`${unquoted(name)} ${sign} needs a number, and ${unquoted(wanted)} is none.`);
  const holds = { "<": (x) => x < limit, ">": (x) => x > limit, "<=": (x) => x <= limit, ">=": (x) => x >= limit }[sign];
  return (row) => {
    const value = column.of(row);
    return typeof value === "number" && holds(value);
  };
}

function columnNames() {
  return columns.map((column) => column.names[column.names.length > 1 && column.title ? 1 : 0]);
}

/** The tests that a row must pass. */
function parsed(text) {
  return [...text.matchAll(PIECE)].map(([, name, sign, wanted, word]) => {
    if (sign) return condition(name, sign, wanted);
    if (/^[<>=!]+$/.test(word)) throw new Error(`${word} needs a column before it and a value behind it, as in score > 0.9.`);
    const small = unquoted(word).toLowerCase();
    return (row) => row.words.includes(small);
  });
}

const state = {
  shown: rows, chosen: null, x: 0, y: 1, logarithmic: [false, false],
  sort: { column: columns.findIndex((column) => column.names[0] === "score"), descending: results.higher_is_better }, most: 50,
};

function applyFilter() {
  const text = byId("filter").value;
  let problem = "";
  try {
    const tests = parsed(text);
    state.shown = rows.filter((row) => tests.every((test) => test(row)));
  } catch (error) {
    problem = error.message;
  }
  byId("filter").setAttribute("aria-invalid", String(problem !== ""));
  byId("filter-problem").textContent = problem;
  byId("count").textContent = `${whole(state.shown.length)} of ${whole(rows.length)} trials`;
  state.most = 50;
  drawAll();
}

/** Adds conditions; those on the same column and in the same direction are replaced. */
function narrow(conditions) {
  let text = byId("filter").value;
  for (const { name, sign } of conditions) {
    const [column, wanted] = [name.toLowerCase(), sign[0]];
    text = text.replace(PIECE, (piece, had, hadSign) => (hadSign && unquoted(had).toLowerCase() === column && hadSign[0] === wanted ? "" : piece));
  }
  const quoted = (value) => (/[\s<>=!]/.test(value) ? `"${value}"` : value);
  const added = conditions.map(({ name, sign, value }) => `${quoted(name)}${sign}${value}`);
  byId("filter").value = [text.replace(/\s+/g, " ").trim(), ...added].filter(Boolean).join(" ");
  applyFilter();
}

/** Conditions for a range of places on an axis; `open` leaves its end out. */
function range(axis, low, high, place, open = false) {
  if (axis.categories.length > 0) {
    const kept = axis.categories.filter((_, at) => low <= at && at <= high);
    if (kept.length === 0) return [];
    // A text that the grammar would cut can stand alone only, in quotes.
    return [{ name: axis.label, sign: "=", value: kept.some((text) => /[\s<>=!|"]/.test(text)) ? `"${kept[0]}"` : kept.join("|") }];
  }
  return [
    { name: axis.label, sign: ">=", value: outward(place.value(low), -1) },
    { name: axis.label, sign: open ? "<" : "<=", value: outward(place.value(high), 1) },
  ];
}

/** Six digits of a number, rounded down or up, so that what is at the end of a range stays in it. */
function outward(value, direction) {
  const digits = Number(value.toPrecision(6));
  if (value === 0 || (digits - value) * direction >= 0) return digits;
  return Number((digits + direction * 10 ** (Math.floor(Math.log10(Math.abs(value))) - 5)).toPrecision(6));
}

// ---------------------------------------------------------------- Copying and choosing

async function copy(text, button) {
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without a secure context there is the older way alone.
    const area = element("textarea", { style: "position: fixed; top: 0; opacity: 0" });
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
    button.focus();
  }
  const before = button.dataset.label;
  button.textContent = done ? "Copied" : "Not allowed";
  say(done ? "Command copied" : "The browser did not allow to copy");
  setTimeout(() => (button.textContent = before), 1500);
}

function copyButton(row, label = "Copy") {
  const button = element("button", { type: "button", "data-label": label, "aria-label": `${label} the command of trial ${row.number}` }, label);
  button.addEventListener("click", () => copy(row.trial.command, button));
  return button;
}

function pointText(row) {
  const keys = axes.filter((axis) => axis.key && row.trial.point[axis.name] !== undefined);
  return keys.map((axis) => {
    const value = row.trial.point[axis.name];
    return `${axis.label} ${typeof value === "number" ? short(value) : asText(value)}`;
  }).join(", ");
}

function scoreText(row) {
  if (row.failed) return row.trial.problem || "no score";
  const spread = row.deviation === null ? "" : ` ± ${short(row.deviation)}`;
  return `${scoreName} ${short(row.score)}${spread}`;
}

function describe(row) {
  const parameters = row.parameters === null ? "" : `, ${whole(row.parameters)} parameters`;
  return `Trial ${row.number}: ${scoreText(row)}; ${pointText(row)}${parameters}`;
}

function choose(row) {
  state.chosen = row;
  const panel = byId("selected");
  panel.hidden = row === null;
  if (row) {
    const close = element("button", { type: "button", onclick: () => choose(null) }, "Close");
    panel.replaceChildren(
      element("div", { class: "head" }, element("p", {}, element("strong", {}, `Trial ${row.number}`), ` – ${scoreText(row)}`), close),
      element("p", { class: "values" }, `${pointText(row)}${row.parameters === null ? "" : `; ${whole(row.parameters)} parameters`}; ${time(row.trial.seconds)}`),
      element("code", { class: "command" }, row.trial.command),
      copyButton(row, "Copy command"),
    );
    say(describe(row));
  } else {
    panel.replaceChildren();
  }
  for (const name of ["scatter", "parallel", "convergence"]) draw(name);
  for (const line of byId("table").tBodies[0].rows) line.classList.toggle("chosen", row !== null && line.dataset.trial === String(row.number));
}

// ---------------------------------------------------------------- Colours

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
let theme = {};

function readTheme() {
  theme = { paper: css("--paper"), raised: css("--raised"), ink: css("--ink"), faint: css("--faint"), line: css("--line"), accent: css("--accent") };
}

const stops = (colours ? colours.stops : []).map((stop) => [1, 3, 5].map((at) => parseInt(stop.slice(at, at + 2), 16)));

/** The colour of a score: the better, the brighter. */
function paint(score) {
  if (!colours || score === null) return theme.faint;
  const span = colours.best - colours.worst;
  const part = span === 0 ? 1 : Math.min(1, Math.max(0, (score - colours.worst) / span));
  const at = part * (stops.length - 1);
  const step = Math.min(Math.floor(at), stops.length - 2);
  const mixed = stops[step].map((from, channel) => Math.round(from + (stops[step + 1][channel] - from) * (at - step)));
  return `rgb(${mixed.join(",")})`;
}

function drawLegend() {
  const legend = byId("legend");
  if (!colours) return legend.replaceChildren("No trial has a score yet.");
  const clip = colours.clipped ? (results.higher_is_better ? "≤ " : "≥ ") : "";
  const ramp = element("span", { class: "ramp", role: "img", "aria-label": "from dark to bright" });
  ramp.style.background = `linear-gradient(to right, ${colours.stops.join(", ")})`;
  const failed = rows.some((row) => row.failed) ? [element("span", { class: "cross" }, "× without a score")] : [];
  legend.replaceChildren(element("strong", {}, scoreName), `${clip}${short(colours.worst)}`, ramp, `${short(colours.best)} best`, ...failed);
}

// ---------------------------------------------------------------- Axes

/** Whether an axis can be logarithmic: all its values are above 0. */
function canBeLogarithmic(index) {
  const axis = axes[index];
  return axis.categories.length === 0 && rows.every((row) => row.at[index] === null || row.at[index] > 0) && axis.edges.length > 1;
}

/** How an axis is divided: places of values and back, its ends, its ticks and their names. */
function division(index, logarithmic) {
  const axis = axes[index];
  if (axis.categories.length > 0) {
    const name = (at) => axis.categories[at] ?? "";
    return { of: (x) => x, value: (x) => x, edges: axis.edges, ends: [-0.5, axis.categories.length - 0.5], ticks: (count) => thinned(axis.categories.map((_, at) => at), count), name };
  }
  const of = logarithmic ? Math.log10 : (x) => x;
  const value = logarithmic ? (x) => 10 ** x : (x) => x;
  let values = axis.edges;
  if (logarithmic && values[0] <= 0) {
    // The cells were cut for a linear axis: the first may begin below 0.
    const [least] = extent(rows.map((row) => row.at[index]));
    values = [least / 1.1, ...values.filter((edge) => edge > least)];
  }
  const edges = values.length > 1 ? values.map(of) : [0, 1];
  const ends = [edges[0], edges[edges.length - 1]];
  // A grid's few values are the ticks themselves.
  const own = [...new Set(rows.map((row) => row.at[index]))].filter((x) => x !== null && x !== undefined).sort((one, other) => one - other);
  const ticks = (count) => (own.length <= 8 ? own.map(of) : logarithmic ? logTicks(ends, count) : linearTicks(...ends, count));
  return { of, value, edges, ends, ticks, name: (place) => tickName(value(place)) };
}

/** The score's axis where outliers must not press all others together: what is much worse than the dark end is at the edge. */
function scoreDivision() {
  let [low, high] = extent(rows.map((row) => row.score));
  if (colours && colours.clipped) {
    const room = 0.3 * Math.abs(colours.best - colours.worst);
    if (results.higher_is_better) low = Math.max(low, colours.worst - room);
    else high = Math.min(high, colours.worst + room);
  }
  if (!(low < high)) [low, high] = [low - 0.5, high + 0.5];
  return { of: (x) => Math.min(high, Math.max(low, x)), value: (x) => x, edges: [low, high], ends: [low, high], ticks: (count) => linearTicks(low, high, count), name: tickName };
}

function extent(values) {
  const present = values.filter((value) => value !== null);
  return present.length > 0 ? [present.reduce((one, other) => Math.min(one, other)), present.reduce((one, other) => Math.max(one, other))] : [0, 1];
}

const thinned = (all, count) => all.filter((_, at) => at % Math.ceil(all.length / Math.max(count, 1)) === 0);

function tickName(value) {
  const size = Math.abs(value);
  const unit = size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  if (size !== 0 && size < 1e-3) return value.toExponential(1).replace(".0", "");
  return `${Number((value / unit[0]).toPrecision(4))}${unit[1]}`;
}

/** Multiples of 1, 2 or 5 times a power of ten. */
function linearTicks(low, high, count) {
  const rough = (high - low) / Math.max(count, 1);
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((x) => x * power).find((x) => x >= rough * 0.999) ?? 10 * power;
  const ticks = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at++) ticks.push(Number((at * step).toPrecision(12)));
  return ticks;
}

function logTicks([low, high], count) {
  if (high - low < 1) return linearTicks(10 ** low, 10 ** high, count).filter((x) => x > 0).map(Math.log10).filter((x) => x >= low - 1e-9 && x <= high + 1e-9);
  const steps = high - low >= 2.5 ? [1] : count >= 5 ? [1, 2, 5] : [1, 3];
  const all = [];
  for (let decade = Math.floor(low); decade <= Math.ceil(high); decade++) all.push(...steps.map((step) => decade + Math.log10(step)));
  return thinned(all.filter((place) => place >= low - 1e-9 && place <= high + 1e-9), steps.length > 1 ? 99 : count);
}

/** Cut to a number of letters, so that no name runs over another. */
const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** ECharts' options of an axis in places. */
function axisOption(divided, count, { name, gap, margin = 0, letters = 12, grid = true }) {
  const [low, high] = divided.ends;
  const pad = (high - low) * margin;
  const ticks = divided.ticks(count);
  return {
    type: "value", min: low - pad, max: high + pad, name, nameLocation: "middle", nameGap: gap,
    nameTextStyle: { color: theme.ink, fontSize: 13 },
    axisLine: { show: true, onZero: false, lineStyle: { color: theme.faint } },
    axisTick: { show: true, customValues: ticks, lineStyle: { color: theme.faint } },
    axisLabel: { customValues: ticks, color: theme.ink, fontSize: 12, hideOverlap: true, formatter: (place) => cut(divided.name(nearest(ticks, place)), letters) },
    splitLine: { show: grid, lineStyle: { color: theme.line } },
  };
}

const nearest = (ticks, place) => ticks.reduce((found, tick) => (Math.abs(tick - place) < Math.abs(found - place) ? tick : found), ticks[0] ?? place);

// ---------------------------------------------------------------- Charts

/** Charts by their name: `option` makes ECharts' option, `items` lists what the arrow keys go through. */
const charts = {};

function tooltip() {
  return {
    trigger: "item", confine: true, backgroundColor: theme.raised, borderColor: theme.faint, textStyle: { color: theme.ink, fontSize: 13 },
    formatter: (hovered) => {
      const { row, says: own = "" } = hovered.data || {};
      const text = row ? says(row) : own;
      const box = element("div", { style: "white-space: normal; max-width: 18rem" });
      text.split("\n").forEach((line) => box.append(element("div", {}, line)));
      return text ? box : "";
    },
  };
}

/** What a tooltip says of a trial. */
function says(row) {
  const parameters = row.parameters === null ? [] : [`${whole(row.parameters)} parameters`];
  return [`Trial ${row.number}`, scoreText(row), ...pointText(row).split(", "), ...parameters].join("\n");
}

function base() {
  return { animation: false, textStyle: { fontFamily: "system-ui, sans-serif" }, tooltip: tooltip() };
}

const byGoodness = (one, other) => (one.score === other.score ? 0 : better(one.score, other.score) ? 1 : -1);
const ring = (row) => (row === state.chosen ? { borderColor: theme.accent, borderWidth: 3, opacity: 1 } : { borderColor: theme.faint, borderWidth: 0.5, opacity: 1 });
const CROSS = "path://M1,0L5,4L9,0L10,1L6,5L10,9L9,10L5,6L1,10L0,9L4,5L0,1Z";

/** The lines of equal parameters and their names, over two axes. */
function curveSeries([x, y], divided, size) {
  const found = curves.find((pair) => (pair.x === x && pair.y === y) || (pair.x === y && pair.y === x));
  const turned = found && found.x !== x;
  const lines = [], names = [];
  for (const { name, pieces } of found ? found.curves : []) {
    const placed = pieces.map((piece) => piece.map(([one, other]) => [divided[0].of(turned ? other : one), divided[1].of(turned ? one : other)]));
    const data = placed.flatMap((piece) => [...piece, [null, null]]);
    const common = { type: "line", data, showSymbol: false, silent: true, connectNulls: false, tooltip: { show: false } };
    lines.push({ ...common, z: 4, lineStyle: { color: theme.paper, width: 4 } }, { ...common, z: 5, lineStyle: { color: theme.ink, width: 1.75 } });
    // The name goes where it is farthest from the names and the frame.
    const unit = (at, side) => (at - divided[side].ends[0]) / (divided[side].ends[1] - divided[side].ends[0]);
    const room = (point) => {
      const [across, up] = [unit(point[0], 0), unit(point[1], 1)];
      const frame = Math.min(across, 1 - across, up, 1 - up);
      const others = names.map((other) => Math.hypot(across - unit(other.value[0], 0), (up - unit(other.value[1], 1)) * size));
      return Math.min(frame * 1.5, ...others);
    };
    const points = placed.flat();
    if (points.length === 0) continue;
    const at = points.reduce((most, point) => (room(point) > room(most) ? point : most), points[0]);
    if (room(at) > 0.06) names.push({ value: at, label: { formatter: name } });
  }
  const label = { show: true, position: "inside", color: theme.ink, backgroundColor: theme.paper, padding: [1, 3], fontSize: 12 };
  return [...lines, { type: "scatter", data: names, symbolSize: 1, silent: true, z: 6, label, itemStyle: { color: "transparent", opacity: 1 }, tooltip: { show: false } }];
}

/** An axis whose texts have paper behind them, since lines cross it. */
function onPaper(axis) {
  const paper = { backgroundColor: theme.paper, padding: [1, 3] };
  return { ...axis, axisLabel: { ...axis.axisLabel, ...paper }, nameTextStyle: { ...paper, ...axis.nameTextStyle } };
}

/** Two axes of the selects. */
function twoAxes(chart, margin) {
  const pair = [state.x, state.y];
  const divided = pair.map((index, side) => division(index, state.logarithmic[side]));
  const width = chart.clientWidth;
  const axis = (side, gap, count) => axisOption(divided[side], count, { name: cut(axes[pair[side]].label, 40), gap, margin, letters: side === 0 ? 10 : 9 });
  return {
    pair, divided,
    option: {
      ...base(),
      grid: { left: 72, right: 16, top: 12, bottom: 56, containLabel: false },
      xAxis: axis(0, 30, Math.max(3, Math.floor(width / 90))),
      yAxis: axis(1, 54, 6),
    },
  };
}

const onBoth = (row, pair) => pair.every((index) => row.at[index] !== null && row.at[index] !== undefined);

charts.scatter = {
  option(chart) {
    const { pair, divided, option } = twoAxes(chart, 0.03);
    const place = (row) => pair.map((index, side) => divided[side].of(row.at[index]));
    const present = state.shown.filter((row) => onBoth(row, pair));
    const point = (row) => ({ value: place(row), row, itemStyle: { color: paint(row.score), ...ring(row) } });
    const scored = present.filter((row) => !row.failed).sort(byGoodness);
    const size = scored.length > 300 ? 7 : 11;
    this.rows = [...scored].sort((one, other) => place(one)[0] - place(other)[0] || place(one)[1] - place(other)[1]);
    this.order = scored;
    const series = { type: "scatter", z: 3, symbolSize: (_, { data }) => (data.row === state.chosen ? size + 6 : size), data: scored.map(point) };
    const failed = { type: "scatter", z: 2, symbol: CROSS, symbolSize: 9, data: present.filter((row) => row.failed).map((row) => ({ value: place(row), row, itemStyle: { color: theme.faint } })) };
    option.series = [series, failed, ...curveSeries(pair, divided, chart.clientHeight / chart.clientWidth)];
    return option;
  },
  items() {
    return this.rows.map((row) => ({ seriesIndex: 0, dataIndex: this.order.indexOf(row), text: describe(row), act: () => choose(row) }));
  },
  says: () => `Scatter of ${axes[state.y].label} over ${axes[state.x].label}, coloured by score`,
};

charts.cells = {
  option(chart) {
    const { pair, divided, option } = twoAxes(chart, 0);
    const found = new Map();
    for (const row of state.shown.filter((row) => !row.failed && onBoth(row, pair))) {
      const at = pair.map((index, side) => {
        const edges = divided[side].edges;
        const place = divided[side].of(row.at[index]);
        const after = edges.findIndex((edge) => edge > place);
        return Math.max(0, (after < 0 ? edges.length - 1 : after) - 1);
      });
      const key = at.join();
      if (!found.has(key)) found.set(key, { at, scores: [] });
      found.get(key).scores.push(row.score);
    }
    const name = (side, at) => {
      const axis = axes[pair[side]];
      if (axis.categories.length > 0) return `${axis.label} ${axis.categories[at]}`;
      const [low, high] = [at, at + 1].map((edge) => divided[side].value(divided[side].edges[edge]));
      return `${axis.label} ${short(low)} to ${short(high)}`;
    };
    const data = [...found.values()].map(({ at, scores }) => {
      const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
      const sides = at.map((cell, side) => [divided[side].edges[cell], divided[side].edges[cell + 1]]);
      const text = `mean ${scoreName} ${short(mean)}\n${whole(scores.length)} ${scores.length === 1 ? "trial" : "trials"}\n${name(0, at[0])}\n${name(1, at[1])}`;
      return { value: [...sides[0], ...sides[1], mean], cell: at, says: text };
    });
    data.sort((one, other) => one.cell[0] - other.cell[0] || one.cell[1] - other.cell[1]);
    this.data = data;
    const last = divided.map(({ edges }) => edges.length - 2);
    this.narrow = ({ value, cell }) => narrow(pair.flatMap((index, side) => range(axes[index], value[2 * side], value[2 * side + 1], divided[side], cell[side] < last[side])));
    const cells = {
      type: "custom", clip: true, data, encode: { x: [0, 1], y: [2, 3] }, z: 2,
      renderItem: (_, api) => {
        const [left, top] = api.coord([api.value(0), api.value(3)]);
        const [right, bottom] = api.coord([api.value(1), api.value(2)]);
        // Half a pixel more than needed closes the seams between cells.
        const shape = { x: left, y: top, width: right - left + 0.5, height: bottom - top + 0.5 };
        return { type: "rect", shape, style: { fill: paint(api.value(4)) }, emphasis: { style: { stroke: theme.ink, lineWidth: 2 } } };
      },
    };
    option.series = [cells, ...curveSeries(pair, divided, chart.clientHeight / chart.clientWidth)];
    return option;
  },
  items() {
    return this.data.map((cell, dataIndex) => ({ seriesIndex: 0, dataIndex, text: cell.says.replace(/\n/g, ", "), act: () => this.narrow(cell) }));
  },
  says: () => `Heat map of the mean score over ${axes[state.x].label} and ${axes[state.y].label}`,
};

charts.parallel = {
  option(chart) {
    const listed = axes.map((axis, index) => ({ axis, index })).filter(({ axis }) => axis.key || axis.name === "score");
    const upright = chart.parentElement.clientWidth < 110 * listed.length;
    chart.classList.toggle("upright", upright);
    chart.style.height = upright ? `${listed.length * 62 + 30}px` : "";
    this.listed = listed.map(({ axis, index }) => ({ axis, divided: axis.key ? division(index, axis.logarithmic) : scoreDivision() }));
    const parallelAxis = this.listed.map(({ axis, divided }, dim) => onPaper({
      ...axisOption(divided, upright ? 4 : 5, { name: cut(axis.name === "score" ? scoreName : axis.label, upright ? 40 : 16), gap: upright ? 8 : 14, margin: 0.03, letters: upright ? 8 : 10, grid: false }),
      dim, realtime: false, areaSelectStyle: { width: 24, color: theme.accent, opacity: 0.25, borderColor: theme.accent },
      nameLocation: upright ? "start" : "end", ...(upright ? { nameTextStyle: { color: theme.ink, fontSize: 12, align: "left", verticalAlign: "bottom", padding: [0, 0, 8, -4] }, nameGap: 0 } : {}),
    }));
    const scored = state.shown.filter((row) => !row.failed).sort(byGoodness);
    this.order = scored;
    const opacity = Math.max(0.2, Math.min(0.9, 60 / Math.max(1, scored.length)));
    const line = (row) => {
      const value = this.listed.map(({ divided }, dim) => {
        const at = row.at[listed[dim].index];
        return at === null || at === undefined ? "-" : divided.of(at);
      });
      const chosen = row === state.chosen;
      return { value, row, lineStyle: { color: chosen ? theme.accent : paint(row.score), width: chosen ? 4 : 1.2, opacity: chosen ? 1 : opacity } };
    };
    return {
      ...base(),
      parallel: upright ? { layout: "vertical", left: 16, right: 24, top: 26, bottom: 34 } : { left: 48, right: 64, top: 40, bottom: 24 },
      parallelAxis,
      series: { type: "parallel", smooth: 0, data: scored.map(line), inactiveOpacity: 0.03, activeOpacity: 0.9, emphasis: { lineStyle: { width: 3, opacity: 1 } } },
    };
  },
  items() {
    const best = [...this.order].reverse();
    return best.map((row) => ({ seriesIndex: 0, dataIndex: this.order.indexOf(row), text: describe(row), act: () => choose(row) }));
  },
  says: () => `Parallel coordinates of ${axes.filter((axis) => axis.key).length} keys and the score`,
};

charts.convergence = {
  option(chart) {
    const scored = state.shown.filter((row) => !row.failed);
    this.order = scored;
    const up = scoreDivision();
    const line = [];
    let found = null;
    for (const row of scored) {
      found = found === null || better(row.score, found) ? row.score : found;
      line.push([row.number, up.of(found)]);
    }
    const last = Math.max(1, extent(rows.map((row) => row.number))[1]);
    if (line.length > 0) line.push([last, line[line.length - 1][1]]);
    const across = { ends: [0, last], ticks: (count) => linearTicks(0, last, count), name: tickName };
    return {
      ...base(),
      grid: { left: 72, right: 16, top: 12, bottom: 56 },
      xAxis: axisOption(across, Math.max(3, Math.floor(chart.clientWidth / 90)), { name: "trial", gap: 30, margin: 0.02 }),
      yAxis: axisOption(up, 6, { name: cut(scoreName, 36), gap: 54, margin: 0.05 }),
      series: [
        { type: "scatter", z: 3, symbolSize: (_, { data }) => (data.row === state.chosen ? 13 : 6), data: scored.map((row) => ({ value: [row.number, up.of(row.score)], row, itemStyle: { color: paint(row.score), ...ring(row) } })) },
        { type: "line", z: 4, step: "end", showSymbol: false, silent: true, data: line, lineStyle: { color: theme.accent, width: 2 }, tooltip: { show: false } },
      ],
    };
  },
  items() {
    return this.order.map((row, dataIndex) => ({ seriesIndex: 0, dataIndex, text: describe(row), act: () => choose(row) }));
  },
  says: () => "Score of each trial in their order, and the best so far",
};

charts.importance = {
  option(chart) {
    const label = (name) => axes.find((axis) => axis.name === name).label;
    const pairs = importance.pairs.slice(0, 4).filter(([, , share]) => share >= 0.01);
    const bars = [
      ...importance.keys.map(([name, share]) => ({ name: label(name), share, alone: true })),
      ...pairs.map(([one, other, share]) => ({ name: `${label(one)} × ${label(other)}`, share, alone: false })),
    ];
    bars.sort((one, other) => one.share - other.share);
    this.bars = bars;
    chart.style.height = `${Math.max(120, bars.length * 34 + 60)}px`;
    const letters = chart.clientWidth < 480 ? 18 : 30;
    const widest = Math.max(0, ...bars.map(({ name }) => Math.min(name.length, letters)));
    const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
    return {
      ...base(),
      grid: { left: widest * 7.2 + 16, right: 56, top: 8, bottom: 48 },
      xAxis: { type: "value", min: 0, name: "share of the score's variance", nameLocation: "middle", nameGap: 28, nameTextStyle: { color: theme.ink, fontSize: 13 }, splitNumber: chart.clientWidth < 480 ? 3 : 5, axisLabel: { color: theme.ink, fontSize: 12, formatter: (share) => `${Math.round(100 * share)} %` }, splitLine: { lineStyle: { color: theme.line } } },
      yAxis: { type: "category", data: bars.map(({ name }) => name), axisLabel: { color: theme.ink, fontSize: 12, interval: 0, formatter: (name) => cut(name, letters) }, axisTick: { show: false }, axisLine: { lineStyle: { color: theme.faint } } },
      series: {
        type: "bar", barMaxWidth: 20,
        data: bars.map((bar) => ({ value: bar.share, says: `${bar.name}\n${percent(bar.share)} of the score's variance${bar.alone ? "" : ", beyond both alone"}`, itemStyle: { color: bar.alone ? theme.accent : `${theme.accent}8c` } })),
        label: { show: true, position: "right", color: theme.ink, fontSize: 12, formatter: ({ value }) => percent(value) },
      },
    };
  },
  items() {
    return this.bars.map((bar, dataIndex) => ({ seriesIndex: 0, dataIndex, text: `${bar.name}: ${(100 * bar.share).toFixed(1)} % of the score's variance`, act: () => {} })).reverse();
  },
  says: () => "Importance of keys",
};

/** Why a chart has nothing to show; empty where it has. */
function nothing(name) {
  if (name === "importance") return importance.problem || "";
  if (!rows.some((row) => !row.failed)) return "No trial has a score.";
  return "";
}

function draw(name) {
  const [chart, box] = [charts[name], byId(name)];
  const problem = nothing(name);
  if (problem) {
    box.className = "chart empty";
    box.textContent = problem;
    return;
  }
  const option = chart.option(box);
  if (!chart.drawn) {
    chart.drawn = echarts.init(box, null, { renderer: "canvas" });
    chart.drawn.on("click", ({ data }) => {
      if (data && data.row) choose(data.row);
      else if (data && data.cell) chart.narrow(data);
    });
    if (name === "parallel") chart.drawn.on("axisareaselected", keepArea);
    byKeys(chart, box);
  } else {
    chart.drawn.resize();
  }
  chart.drawn.setOption(option, true);
  box.setAttribute("aria-label", `${chart.says()}. ${whole(state.shown.length)} trials; the table has them all. Arrow keys go through them, Enter chooses.`);
}

/** A range that was drawn along an axis becomes a condition of the filter. */
function keepArea({ parallelAxisId, intervals }) {
  const axis = charts.parallel.drawn.getModel().queryComponents({ mainType: "parallelAxis", id: parallelAxisId })[0];
  const [low, high] = (intervals && intervals[0]) || [];
  if (!axis || low === undefined) return;
  const { axis: kept, divided } = charts.parallel.listed[axis.componentIndex];
  narrow(range(kept, Math.min(low, high), Math.max(low, high), divided));
}

/** Arrow keys go through a chart's items, Enter chooses, Escape leaves. */
function byKeys(chart, box) {
  let at = -1;
  box.tabIndex = 0;
  box.setAttribute("role", "application");
  box.setAttribute("aria-roledescription", "chart");
  // ECharts has no place for the tooltip of a line of parallel coordinates: its text stands below the chart.
  const note = byId(`${box.id}-said`);
  const leave = () => {
    chart.drawn.dispatchAction({ type: "hideTip" });
    chart.drawn.dispatchAction({ type: "downplay" });
    if (note) note.textContent = "";
  };
  box.addEventListener("blur", leave);
  box.addEventListener("keydown", (event) => {
    const items = chart.items();
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      leave();
      if (state.chosen) choose(null);
    } else if (event.key === "Enter" && items[at]) {
      items[at].act();
    } else if (items.length > 0 && (step || event.key === "Home" || event.key === "End")) {
      if (event.key === "Home" || (at < 0 && step > 0)) at = 0;
      else if (event.key === "End" || (at < 0 && step < 0)) at = items.length - 1;
      else at = (Math.min(at, items.length - 1) + step + items.length) % items.length;
      const { seriesIndex, dataIndex, text } = items[at];
      leave();
      chart.drawn.dispatchAction({ type: "highlight", seriesIndex, dataIndex });
      if (note) note.textContent = text;
      else chart.drawn.dispatchAction({ type: "showTip", seriesIndex, dataIndex });
      say(text);
    } else {
      return;
    }
    event.preventDefault();
  });
}

// ---------------------------------------------------------------- Table and failures

function drawHead() {
  const cells = columns.map((column, index) => {
    if (column.hidden) return null;
    const sorted = state.sort.column === index && (state.sort.descending ? "descending" : "ascending");
    const button = element("button", { type: "button", title: column.title, onclick: () => sortBy(index) }, column.label);
    return element("th", { scope: "col", class: column.text ? "text" : undefined, "aria-sort": sorted }, button);
  });
  byId("table").tHead.replaceChildren(element("tr", {}, ...cells.filter(Boolean)));
}

function sortBy(index) {
  const again = state.sort.column === index;
  const first = columns[index].names[0] === "score" && results.higher_is_better;
  state.sort = { column: index, descending: again ? !state.sort.descending : first };
  drawTable();
  byId("table").tHead.querySelectorAll("th")[columns.filter((column) => !column.hidden).indexOf(columns[index])].firstChild.focus();
}

function sorted(shown) {
  const { column, descending } = state.sort;
  const of = columns[column].of;
  const compared = (one, other) => (typeof one === "number" && typeof other === "number" ? one - other : asText(one).localeCompare(asText(other), "en", { numeric: true }));
  return [...shown].sort((one, other) => {
    const [a, b] = [of(one), of(other)];
    // What is absent comes last in either direction.
    if (a === null || b === null) return (a === null) - (b === null) || one.number - other.number;
    return (descending ? compared(b, a) : compared(a, b)) || one.number - other.number;
  });
}

function drawTable() {
  drawHead();
  const all = sorted(state.shown);
  const cell = (row, column) => {
    const name = column.names[0];
    const value = column.of(row);
    if (name === "trial") return element("td", {}, element("button", { type: "button", "aria-label": `Show trial ${row.number}`, onclick: () => choose(row) }, `${row.number}`));
    if (name === "command") return element("td", { class: "text" }, copyButton(row), " ", element("code", {}, cut(row.trial.command, 60)));
    if (name === "problem") return element("td", { class: "text problem" }, value || "");
    const text = value === null ? "–" : column.show ? column.show(value) : typeof value === "number" ? short(value) : value;
    if (name !== "score" || row.failed) return element("td", { class: column.text ? "text" : undefined, title: text.length > 40 ? text : undefined }, cut(text, 40));
    const swatch = element("span", { class: "swatch" });
    swatch.style.background = paint(row.score);
    return element("td", {}, swatch, text);
  };
  const shown = all.slice(0, state.most).map((row) => element("tr", { class: row === state.chosen ? "chosen" : undefined, "data-trial": row.number }, ...columns.filter((column) => !column.hidden).map((column) => cell(row, column))));
  byId("table").tBodies[0].replaceChildren(...shown);
  byId("more").hidden = all.length <= state.most;
  byId("more").textContent = `Show all ${whole(all.length)} trials`;
}

function drawFailed() {
  const groups = new Map();
  for (const row of state.shown.filter((row) => row.failed)) {
    const sentence = row.trial.problem || "It has no score.";
    groups.set(sentence, [...(groups.get(sentence) || []), row]);
  }
  byId("failed-section").hidden = !rows.some((row) => row.failed);
  const blocks = [...groups].sort((one, other) => other[1].length - one[1].length).map(([sentence, failed]) => element("div", {},
    element("p", {}, element("strong", {}, `${whole(failed.length)} ${failed.length === 1 ? "trial" : "trials"}: `), sentence),
    ...failed.slice(0, 50).map((row) => element("button", { type: "button", "aria-label": `Show trial ${row.number}`, onclick: () => choose(row) }, `${row.number}`)),
    failed.length > 50 ? `and ${whole(failed.length - 50)} more, which the table has` : "",
  ));
  byId("failed").replaceChildren(...(blocks.length > 0 ? blocks : ["None passes the filter."]));
}

// ---------------------------------------------------------------- The page

function drawSummary() {
  byId("name").textContent = results.name;
  byId("what").textContent = `Judged by ${scoreName}; ${results.higher_is_better ? "higher" : "lower"} is better. Varied: ${results.keys.length > 0 ? axes.filter((axis) => axis.key).map((axis) => axis.label).join(", ") : "nothing"}.`;
  const failed = rows.filter((row) => row.failed).length;
  const seconds = rows.reduce((sum, row) => sum + row.trial.seconds, 0);
  const facts = [["planned", whole(results.planned)], ["done", whole(rows.length - failed)], ["failed", whole(failed)], ["time of all trials", time(seconds)], [`best ${scoreName}`, best ? short(best.score) : "–"]];
  byId("facts").replaceChildren(...facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
  const card = byId("best");
  if (!best) return card.replaceChildren(element("p", {}, rows.length > 0 ? "No trial has a score." : "No trial has ended yet."));
  card.replaceChildren(
    element("p", {}, element("strong", {}, `Best: trial ${best.number}`), ` – ${describe(best).split(": ").slice(1).join(": ")}`),
    element("code", { class: "command" }, best.trial.command),
    element("div", { class: "buttons" }, copyButton(best, "Copy command"), element("button", { type: "button", onclick: () => choose(best) }, "Show it in the charts")),
  );
}

/** The two selects and their checkboxes; at first the two keys that matter most. */
function setUpAxes() {
  const keys = axes.map((_, index) => index).filter((index) => axes[index].key && axes[index].edges.length > 1);
  const weight = (index) => (importance.keys.find(([name]) => name === axes[index].name) || ["", 0])[1];
  const chosen = [...keys].sort((one, other) => weight(other) - weight(one) || one - other).slice(0, 2).sort((one, other) => one - other);
  const other = (name) => axes.findIndex((axis) => axis.name === name && !axis.key);
  [state.x, state.y] = chosen.length === 2 ? chosen : chosen.length === 1 ? [chosen[0], other("score")] : [other("parameters"), other("score")];
  for (const [side, name] of ["x", "y"].entries()) {
    const [select, box] = [byId(name), byId(`${name}-log`)];
    const listed = axes.map((axis, index) => ({ axis, index })).filter(({ axis }) => axis.edges.length > 1);
    select.append(...listed.map(({ axis, index }) => element("option", { value: index, title: axis.name }, axis.name === "score" && !axis.key ? scoreName : axis.label)));
    const follow = () => {
      box.disabled = !canBeLogarithmic(state[name]);
      box.checked = state.logarithmic[side] = !box.disabled && axes[state[name]].logarithmic;
    };
    select.value = state[name];
    follow();
    const redraw = () => {
      draw("scatter");
      draw("cells");
      drawNote();
    };
    select.addEventListener("change", () => {
      state[name] = Number(select.value);
      follow();
      redraw();
    });
    box.addEventListener("change", () => {
      state.logarithmic[side] = box.checked;
      redraw();
    });
  }
}

function drawNote() {
  const pair = [state.x, state.y];
  const without = state.shown.filter((row) => !onBoth(row, pair)).length;
  const drawn = curves.some((both) => pair.includes(both.x) && pair.includes(both.y) && state.x !== state.y);
  const notes = [
    drawn ? "Curves: equal numbers of parameters, trained and fixed together." : "No curves of equal parameters: these two axes do not determine the number.",
    without > 0 ? `${whole(without)} trials have no place on these axes.` : "",
    "A click on a trial shows it; a click on a cell narrows the filter to it.",
  ];
  byId("two-note").textContent = notes.filter(Boolean).join(" ");
}

function drawAll() {
  for (const name of Object.keys(charts)) draw(name);
  drawNote();
  drawTable();
  drawFailed();
}

function setUp() {
  readTheme();
  drawSummary();
  drawLegend();
  setUpAxes();
  const number = axes.find((axis) => axis.key && axis.categories.length === 0 && axis.edges.length > 1);
  const example = number ? `${number.label} < ${tickName(linearTicks(number.edges[0], number.edges[number.edges.length - 1], 4)[1])}` : "";
  byId("filter").placeholder = [colours ? `score ${results.higher_is_better ? ">" : "<"} ${Number(colours.worst.toPrecision(2))}` : "", example].filter(Boolean).join(" ");
  byId("columns").textContent = columnNames().join(", ");
  const far = colours && colours.clipped ? " Scores far worse than most lie at the edge." : "";
  byId("convergence-note").textContent = colours ? `Line: the best so far.${far}` : "";
  byId("importance-note").textContent = importance.problem ? "" : `fANOVA over ${whole(importance.trials)} trials, whatever the filter. A lighter bar: two keys together, beyond both alone.`;
  let waiting = 0;
  byId("filter").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(applyFilter, 120);
  });
  byId("clear").addEventListener("click", () => {
    byId("filter").value = "";
    applyFilter();
    byId("filter").focus();
  });
  byId("more").addEventListener("click", () => {
    state.most = Infinity;
    drawTable();
    byId("table").tBodies[0].rows[50].querySelector("button").focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && state.chosen) choose(null);
  });
  applyFilter();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readTheme();
    drawAll();
  });
  let width = document.body.clientWidth;
  new ResizeObserver(() => {
    if (document.body.clientWidth === width) return;
    width = document.body.clientWidth;
    drawAll();
  }).observe(document.body);
  // The time from the start of loading until all charts are on the screen, for whoever measures it.
  requestAnimationFrame(() => setTimeout(() => (document.documentElement.dataset.drawn = performance.now().toFixed(0))));
}

setUp();
})();
