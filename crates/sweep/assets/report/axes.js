// Axes. Every axis is linear in "places": the value, its logarithm, or the number of its category. The ticks are ours.

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
