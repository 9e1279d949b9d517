//! The modules of a crate use one another in one direction, and what the model fixes has one holder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The crates whose modules must use one another in one direction; a module within another may use what is around it.
const ONE_DIRECTION: &[&str] = &[
    "baselines",
    "bench",
    "experiment",
    "learning",
    "picture",
    "ran",
    "readout",
    "reservoir",
    "scan",
    "sweep",
    "tasks",
];

fn crates() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    crates.canonicalize().expect("the crates exist")
}

/// Every source file below a folder, its text without tests, by its module path: `scan/forward`.
fn modules(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            modules(&path, &format!("{prefix}{name}/"), found);
        } else {
            let name = match name.as_str() {
                "mod" => prefix.trim_end_matches('/').to_owned(),
                _ => format!("{prefix}{name}"),
            };
            let text = fs::read_to_string(&path).expect("a source file");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let lines = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            found.insert(name, lines.collect::<Vec<_>>().join("\n"));
        }
    }
}

/// The paths of a `use` tree, or the one path, that a text begins with: `a::{b, c::d}` has two.
fn paths(text: &str) -> Vec<String> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    let (head, rest) = text.split_at(end.unwrap_or(text.len()));
    let Some(list) = rest.strip_prefix('{') else {
        return vec![head.to_owned()];
    };
    let mut branches = vec![String::new()];
    let mut depth = 1;
    for letter in list.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        match (letter, depth) {
            (_, 0) => break,
            (',', 1) => branches.push(String::new()),
            _ => branches.last_mut().expect("there is one").push(letter),
        }
    }
    let branches = branches.iter().map(|branch| branch.trim());
    let branches = branches.filter(|branch| !branch.is_empty()).flat_map(paths);
    branches.map(|path| format!("{head}{path}")).collect()
}

/// The module of each name that a crate's root exports, empty where it is another crate's.
fn exported(root: &str, all: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let uses = || root.split("use ").skip(1);
    let own = uses().flat_map(paths).map(|path| {
        let name = path.rsplit("::").next().unwrap_or_default().to_owned();
        (path, name)
    });
    // `a::B as C` has a name of its own.
    let others = uses().filter_map(|text| {
        let (path, name) = text.split(';').next()?.split_once(" as ")?;
        Some((path.to_owned(), name.trim().to_owned()))
    });
    let names = own.chain(others).filter_map(|(path, name)| {
        let (first, _) = path.split_once("::")?;
        let module = match all.contains_key(first) {
            true => lead(&path, "", all, &BTreeMap::new()),
            false => String::new(),
        };
        Some((name, module))
    });
    names.collect()
}

/// The longest module that a path leads to from a module, with what the crate's root exports.
fn lead(
    path: &str,
    from: &str,
    all: &BTreeMap<String, String>,
    exported: &BTreeMap<String, String>,
) -> String {
    let mut module = from.to_owned();
    for part in path.split("::") {
        let longer = format!("{module}/{part}");
        let longer = longer.trim_start_matches('/').to_owned();
        if all.contains_key(&longer) {
            module = longer;
        } else if module.is_empty() {
            return exported.get(part).cloned().unwrap_or_default();
        } else {
            break;
        }
    }
    module
}

/// The modules that a module's paths lead to: those after `crate::` and `super::`.
fn used(
    name: &str,
    code: &str,
    all: &BTreeMap<String, String>,
    exported: &BTreeMap<String, String>,
) -> BTreeSet<String> {
    let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
    let mut found = BTreeSet::new();
    for (word, from) in [("crate::", ""), ("super::", parent)] {
        for path in code.split(word).skip(1).flat_map(paths) {
            let module = lead(&path, from, all, exported);
            let last = path.rsplit("::").next().unwrap_or_default();
            let foreign = exported.get(last).is_some_and(String::is_empty);
            assert!(
                !module.is_empty() || foreign,
                "{name}: {word}{path} leads to no module"
            );
            if !module.is_empty() && module != name {
                found.insert(module);
            }
        }
    }
    found
}

/// The modules that use themselves by way of others.
fn cycle(uses: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let in_circle = |module: &&String| {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&String> = uses[*module].iter().collect();
        while let Some(other) = next.pop() {
            if reached.insert(other) {
                next.extend(uses.get(other).into_iter().flatten());
            }
        }
        reached.contains(module)
    };
    uses.keys().filter(in_circle).cloned().collect()
}

/// Which modules each module of a crate uses; a module that is only tests is none.
fn uses(name: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    modules(&crates().join(name).join("src"), "", &mut all);
    all.retain(|module, _| !module.split('/').any(|part| part == "tests"));
    let root = all.remove("lib").or_else(|| all.remove("main"));
    let exported = exported(&root.expect("a crate has a root"), &all);
    let uses = all.iter().map(|(module, code)| {
        let used = used(module, code, &all, &exported);
        (module.clone(), used)
    });
    uses.collect()
}

#[test]
fn the_modules_of_a_crate_use_one_another_in_one_direction() {
    for name in ONE_DIRECTION {
        let cycle = cycle(&uses(name));
        assert!(
            cycle.is_empty(),
            "{name}: these use one another in a circle: {cycle:?}"
        );
    }
}

#[test]
fn uses_are_found_by_path_in_a_list_and_by_what_the_root_exports() {
    let scan = uses("scan");
    assert!(scan["packed"].contains("weights"), "{scan:?}");
    assert!(scan["scan/backward/step"].contains("scan/backward"));
    let experiment = uses("experiment");
    // `use crate::{BackendKind, Place}`.
    for module in ["backend", "place"] {
        assert!(experiment["options"].contains(module), "{experiment:?}");
    }
    assert_eq!(
        paths("a::{b, c::{d, e}}; f"),
        ["a::b", "a::c::d", "a::c::e"]
    );
}

#[test]
fn a_circle_is_found() {
    let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
    let uses: BTreeMap<String, BTreeSet<String>> = [
        ("a".into(), names(&["b"])),
        ("b".into(), names(&["c"])),
        ("c".into(), names(&["b"])),
        ("d".into(), names(&[])),
    ]
    .into();
    assert_eq!(cycle(&uses), ["b", "c"]);
}

#[test]
fn the_factor_of_the_hidden_layer_and_the_epsilon_of_the_norm_have_one_holder() {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(crates()).expect("a folder") {
        let folder = entry.expect("an entry").path();
        let name = folder
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        modules(&folder.join("src"), &format!("{name}/"), &mut all);
    }
    let holders = |text: &str| -> Vec<&str> {
        let holders = all.iter().filter(|(_, code)| code.contains(text));
        holders.map(|(name, _)| name.as_str()).collect()
    };
    assert_eq!(holders("EXPANSION: usize ="), ["memory-unit/unit"]);
    assert_eq!(holders("EPSILON: f64 ="), ["scan/norm"]);
    assert_eq!(holders("EPSILON: f32 ="), [""; 0]);
    assert_eq!(holders("enum Activation"), ["memory-unit/activation"]);
    assert_eq!(holders("enum Output"), ["scan/output"]);
}
