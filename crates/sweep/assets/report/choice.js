// One trial that is chosen, and copying its command.

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
