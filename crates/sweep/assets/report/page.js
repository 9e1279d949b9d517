// The page: summary, selects, and what draws everything.

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
  const middle = number ? number.edges[Math.floor(number.edges.length / 2)] : 0;
  const example = number ? `${/[\s<>=!"]/.test(number.label) ? `"${number.label}"` : number.label} < ${Number(middle.toPrecision(1))}` : "";
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
