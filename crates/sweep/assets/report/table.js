// The table of trials, and the sentences of those that failed.

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
