// The other charts: parallel coordinates, the course of the search, the importance of keys.

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
    const last = best.length - 1;
    return best.map((row, back) => ({ seriesIndex: 0, dataIndex: last - back, text: () => describe(row), act: () => choose(row) }));
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
    return this.order.map((row, dataIndex) => ({ seriesIndex: 0, dataIndex, text: () => describe(row), act: () => choose(row) }));
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
    return this.bars.map((bar, dataIndex) => ({ seriesIndex: 0, dataIndex, text: () => `${bar.name}: ${(100 * bar.share).toFixed(1)} % of the score's variance`, act: () => {} })).reverse();
  },
  says: () => "Importance of keys",
};
