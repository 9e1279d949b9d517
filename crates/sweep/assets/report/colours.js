// Colours: those of the page, from its style, and those of scores.

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
