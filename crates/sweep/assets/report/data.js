// The report's data, read from the page itself, and how it is written. The files of this folder are one script, in the order in
// which page.rs names them.

const byId = (id) => document.getElementById(id);
const results = JSON.parse(byId("results").textContent);
const { axes, colours, importance, curves } = JSON.parse(byId("derived").textContent);

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
