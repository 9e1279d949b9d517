//! The modules of ran-scan use one another in one direction, and what the model fixes has one holder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

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

/// The modules that a module's paths lead to: those after `crate::` and `super::`, the longest that is a module.
fn used(name: &str, code: &str, all: &BTreeMap<String, String>) -> BTreeSet<String> {
    let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
    let mut found = BTreeSet::new();
    for (word, from) in [("crate::", ""), ("super::", parent)] {
        for rest in code.split(word).skip(1) {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
            let path = &rest[..end.unwrap_or(rest.len())];
            let mut module = from.to_owned();
            for part in path.split("::") {
                let longer = format!("{module}/{part}");
                let longer = longer.trim_start_matches('/').to_owned();
                if !all.contains_key(&longer) {
                    break;
                }
                module = longer;
            }
            assert!(
                !module.is_empty(),
                "{name}: {word}{path} does not name its module"
            );
            if module != name {
                found.insert(module);
            }
        }
    }
    found
}

/// Takes away modules that use none of those that are left, until there is none such: a cycle is what remains.
fn cycle(uses: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut left = uses.clone();
    loop {
        let keys: BTreeSet<String> = left.keys().cloned().collect();
        let before = left.len();
        left.retain(|_, used| used.iter().any(|other| keys.contains(other)));
        if left.len() == before {
            return left.into_keys().collect();
        }
    }
}

#[test]
fn the_modules_of_the_scan_use_one_another_in_one_direction() {
    let mut all = BTreeMap::new();
    modules(&crates().join("scan/src"), "", &mut all);
    all.remove("lib");
    assert!(all.contains_key("scan/backward/step"), "{:?}", all.keys());
    let uses: BTreeMap<_, _> = all
        .iter()
        .map(|(name, code)| (name.clone(), used(name, code, &all)))
        .collect();
    assert!(uses["packed"].contains("weights"), "{uses:?}");
    let cycle = cycle(&uses);
    assert!(
        cycle.is_empty(),
        "these use one another in a circle: {cycle:?}"
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
    assert_eq!(cycle(&uses), ["a", "b", "c"]);
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
