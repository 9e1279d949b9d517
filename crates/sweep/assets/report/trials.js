// The trials, each with all that the page asks of it, and the columns of table and filter.

const asText = (value) => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value));

/** A trial with all that the page asks of it: `at` is where it is on each axis. */
function rowOf(trial) {
  const parameters = trial.parameters ? trial.parameters.trained + trial.parameters.fixed : null;
  const own = { score: trial.score, parameters, seconds: trial.seconds };
  const at = axes.map((axis) => {
    if (!axis.key) return own[axis.name];
    const value = trial.point[axis.name];
    if (value === undefined || value === null) return null;
    if (axis.categories.length === 0) return value;
    return axis.categories.indexOf(asText(value));
  });
  const of = trial.seeds.map((seed) => seed[results.judged]).filter((score) => score !== null && score !== undefined);
  const mean = of.reduce((sum, score) => sum + score, 0) / of.length;
  const squares = of.reduce((sum, score) => sum + (score - mean) ** 2, 0);
  return {
    trial, at, parameters,
    number: trial.trial,
    score: trial.score,
    deviation: of.length > 1 ? Math.sqrt(squares / (of.length - 1)) : null,
    failed: trial.score === null,
  };
}

const rows = results.trials.map(rowOf);
const better = (one, other) => (results.higher_is_better ? one > other : one < other);
const best = rows.reduce((found, row) => (!row.failed && (!found || better(row.score, found.score)) ? row : found), null);

const size = extent(rows.map((row) => (row.score === null ? null : Math.abs(row.score))))[1];

/** A score with as many decimals as all scores have, so that they stand below one another. */
function even(value) {
  return size > 0 && size < 1e6 ? value.toFixed(Math.max(0, Math.min(8, 3 - Math.floor(Math.log10(size))))) : short(value);
}

/** The columns of the table and of the filter's conditions. */
const columns = [
  { names: ["trial"], label: "trial", of: (row) => row.number },
  ...axes.filter((axis) => axis.key).map((axis) => ({
    names: [axis.name, axis.label], label: axis.label, title: axis.name, text: axis.categories.length > 0,
    of: (row) => {
      const value = row.trial.point[axis.name];
      return value === undefined || value === null ? null : typeof value === "number" ? value : asText(value);
    },
  })),
  { names: ["score", results.metric], label: scoreName, of: (row) => row.score, show: even },
  { names: ["deviation"], label: "± seeds", title: "sample deviation of the score over seeds", of: (row) => row.deviation, show: even },
  { names: ["parameters"], label: "parameters", title: "trained and fixed", of: (row) => row.parameters, show: whole },
  { names: ["trained"], label: "trained", title: "trained parameters", of: (row) => (row.trial.parameters ? row.trial.parameters.trained : null), show: whole },
  { names: ["seeds"], label: "seeds", of: (row) => row.trial.seeds.length, hidden: true },
  { names: ["seconds"], label: "seconds", of: (row) => row.trial.seconds },
  { names: ["problem"], label: "problem", text: true, of: (row) => row.trial.problem, hidden: !rows.some((row) => row.trial.problem) },
  { names: ["command"], label: "command", text: true, of: (row) => row.trial.command },
];
for (const row of rows) row.words = columns.map((column) => asText(column.of(row))).join("\u0000").toLowerCase();
