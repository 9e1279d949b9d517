// The charts of two keys: each trial, and the mean score of cells.

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
    this.place = new Map(scored.map((row, index) => [row, index]));
    const series = { type: "scatter", z: 3, symbolSize: (_, { data }) => (data.row === state.chosen ? size + 6 : size), data: scored.map(point) };
    const failed = { type: "scatter", z: 2, symbol: CROSS, symbolSize: 9, data: present.filter((row) => row.failed).map((row) => ({ value: place(row), row, itemStyle: { color: theme.faint } })) };
    option.series = [series, failed, ...curveSeries(pair, divided, chart.clientHeight / chart.clientWidth)];
    return option;
  },
  items() {
    return this.rows.map((row) => ({ seriesIndex: 0, dataIndex: this.place.get(row), text: () => describe(row), act: () => choose(row) }));
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
    return this.data.map((cell, dataIndex) => ({ seriesIndex: 0, dataIndex, text: () => cell.says.replace(/\n/g, ", "), act: () => this.narrow(cell) }));
  },
  says: () => `Heat map of the mean score over ${axes[state.x].label} and ${axes[state.y].label}`,
};
