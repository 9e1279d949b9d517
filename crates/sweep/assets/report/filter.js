// The filter: one text that says which trials are shown, everywhere.

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
