// Drawing the charts, and going through what they show by mouse and keyboard.

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
      if (note) note.textContent = text();
      else chart.drawn.dispatchAction({ type: "showTip", seriesIndex, dataIndex });
      say(text());
    } else {
      return;
    }
    event.preventDefault();
  });
}
