//! The space of roles: attention that is told what queries, keys and values read, and how late.

use ran_reservoir::Inputs;
use ran_tasks::Dataset;
use toml::{Table, Value};

use super::{SearchSpace, line, table};

/// Groups of inputs, at most, that roles are told apart by; where there are more, all inputs are one.
const MOST_GROUPS: usize = 6;

/// Lines and sums that remember, and a population of attention that reads them or inputs by role.
pub(super) fn space(mut base: Table, dataset: &Dataset) -> SearchSpace {
    let inputs = Inputs::named(dataset.d_input, &dataset.input_names);
    let groups = inputs.groups();
    let (names, singles): (Vec<&str>, Vec<&str>) = match groups.len() <= MOST_GROUPS {
        true => {
            let single = groups.iter().filter(|(_, inputs)| inputs.len() == 1);
            (
                groups.iter().map(|(name, _)| *name).collect(),
                single.map(|(name, _)| *name).collect(),
            )
        }
        false => (vec![Inputs::ALL], Vec::new()),
    };
    // Where something is counted, what is made of it comes late, and inputs may be read as late as it: a step more to hold.
    let held = if singles.is_empty() { 1 } else { 2 };
    let mut populations = vec![line("before", held * dataset.d_input, &names)];
    let mut keys = Table::new();
    let one = |name: &str| Value::Array(vec![name.into()]);
    let before = |name: &str| {
        Value::Table(Table::from_iter([
            ("from".to_string(), name.into()),
            ("delay".to_string(), Value::Integer(1)),
        ]))
    };
    let values = |values: Vec<Value>| {
        Value::Table(Table::from_iter([(
            "values".to_string(),
            Value::Array(values),
        )]))
    };
    if let Some(first) = singles.first() {
        populations.push(line("clock", 10, &[first]));
        keys.insert(
            "reservoir.population.1.reads".into(),
            values(singles.iter().map(|name| one(name)).collect()),
        );
        keys.insert(
            "reservoir.population.1.units".into(),
            values(vec![5.into(), 10.into(), 20.into()]),
        );
        let mut count = table(
            "name = 'count'\nkind = 'tanh-unit'\nunits = 1\nd_unit = 1\nlinear = true\nrecurrence = 'accumulate'",
        );
        count.insert("reads".into(), one(first));
        populations.push(count);
        let pairs = singles
            .iter()
            .enumerate()
            .flat_map(|(at, one)| singles[at + 1..].iter().map(move |other| (one, other)));
        let differences = pairs.map(|(one, other)| {
            let minus = Table::from_iter([
                ("from".to_string(), Value::from(*other)),
                ("scale".to_string(), Value::Float(-1.0)),
            ]);
            Value::Array(vec![Value::Array(vec![(*one).into(), Value::Table(minus)])])
        });
        let counted = singles.iter().map(|name| one(name)).chain(differences);
        keys.insert(
            "reservoir.population.2.reads".into(),
            values(counted.collect()),
        );
        populations.push(table("name = 'codes'\nkind = 'tanh-unit'\nunits = 16\nd_unit = 1\nbias = 10.0\nreads = [{ from = 'count', scale = 2.0 }]"));
        keys.insert(
            "reservoir.population.3.units".into(),
            values(vec![16.into(), 200.into()]),
        );
        keys.insert(
            "reservoir.population.3.bias".into(),
            Value::Table(table("from = 4.0\nto = 30.0\nlog = true")),
        );
    }
    let at = populations.len();
    populations.push(table(
        "name = 'recall'\nkind = 'qkv-unit'\nunits = 20\nd_unit = 32\nvalue = 'identity'",
    ));
    let of_recall = |key: &str| format!("reservoir.population.{at}.{key}");
    let now = || names.iter().map(|name| one(name));
    let then = || names.iter().map(|name| Value::Array(vec![before(name)]));
    let own = |own: &[&str]| match singles.is_empty() {
        true => Vec::new(),
        false => own.iter().map(|name| one(name)).collect(),
    };
    let nothing = || [Value::Array(Vec::new())].into_iter();
    let memories = ["clock", "codes", "count"];
    keys.insert(
        of_recall("reads.query"),
        values(nothing().chain(now()).chain(own(&memories)).collect()),
    );
    keys.insert(
        of_recall("reads.key"),
        values(
            nothing()
                .chain(now())
                .chain(then())
                .chain(own(&memories))
                .collect(),
        ),
    );
    keys.insert(
        of_recall("reads.value"),
        values(now().chain(then()).chain(own(&["count"])).collect()),
    );
    if !singles.is_empty() {
        keys.insert(of_recall("reads.delay"), values(vec![0.into(), 1.into()]));
        let now = singles.iter().map(|name| Value::from(*name));
        let gates: Vec<Value> = now
            .chain(singles.iter().map(|name| before(name)))
            .chain(["count".into()])
            .collect();
        let mut gate = Table::from_iter([("values".to_string(), Value::Array(gates.clone()))]);
        gate.insert("optional".into(), true.into());
        keys.insert(of_recall("reads.gate"), Value::Table(gate));
        let when = Value::Table(Table::from_iter([(
            of_recall("reads.gate"),
            Value::Array(gates),
        )]));
        for (key, text) in [
            ("gate_gain", "from = 2.0\nto = 16.0\nlog = true"),
            ("gate_law", "values = ['fixed', 'uniform']"),
        ] {
            let mut one = table(text);
            one.insert("when".into(), when.clone());
            keys.insert(of_recall(key), Value::Table(one));
        }
    }
    for (key, text) in [
        ("qk", "values = ['independent', 'tied']"),
        ("qk_gain", "from = 1.0\nto = 64.0\nlog = true"),
        ("lag_bias", "values = ['none', 'normal']"),
        ("d_unit", "values = [1, 16, 24, 32, 48, 64]"),
        ("heads", "values = [1, 2, 4, 8]"),
        ("units", "from = 8\nto = 200\nlog = true"),
    ] {
        keys.insert(of_recall(key), Value::Table(table(text)));
    }
    keys.extend(table("'reservoir.context' = [16, 32, 64, 104]"));
    let mut seen = "x = [['recall'], ['recall', 'before']]".to_string();
    if !singles.is_empty() {
        // Codes of what attention answers, for thresholds on it.
        let code = |bias: f64| {
            let mut one = table(
                "name = 'after'\nkind = 'tanh-unit'\nunits = 200\nd_unit = 1\nreads = [{ from = 'recall', scale = 2.0 }]",
            );
            one.insert("bias".into(), bias.into());
            Value::Table(one)
        };
        let mut after = Table::from_iter([(
            "values".to_string(),
            Value::Array([8.0, 16.0, 28.0].map(code).into()),
        )]);
        after.insert("optional".into(), true.into());
        keys.insert(
            format!("reservoir.population.{}", at + 1),
            Value::Table(after),
        );
        seen = "x = [['recall'], ['recall', 'before'], ['after'], ['after', 'codes'], ['recall', 'codes']]".into();
    }
    keys.extend(
        table(&seen)
            .into_iter()
            .map(|(_, value)| ("readout.populations".to_string(), value)),
    );
    let reservoir = Table::from_iter([
        ("context".to_string(), Value::Integer(16)),
        (
            "population".to_string(),
            Value::Array(populations.into_iter().map(Value::Table).collect()),
        ),
    ]);
    base.insert("reservoir".into(), Value::Table(reservoir));
    base.insert(
        "learning".into(),
        Value::Table(table("regime = 'reservoir'")),
    );
    base.insert(
        "readout".into(),
        Value::Table(table("features = 'last'\nridge = 'auto'")),
    );
    SearchSpace { base, keys }
}
