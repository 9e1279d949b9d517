//! The dependency direction of docs/architecture.md, held over what cargo says of the workspace.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// What each crate may depend on, among the workspace's own.
///
/// ran → {bench, sweep, experiment}; bench → compiled → reservoir; {bench, experiment} → learning → {reservoir, baselines, readout,
/// tasks} → {unit kinds, topology} → unit → {scan, seed}; siblings never meet, but for the attention block, which is made of the two units beside it. A crate may skip levels downwards.
const ALLOWED: &[(&str, &[&str])] = &[
    ("ran-files", &[]),
    ("ran-seed", &[]),
    ("ran-unit", &["ran-scan", "ran-seed"]),
    ("ran-scan", &[]),
    ("ran-topology", &[]),
    ("ran-tasks", &["ran-seed"]),
    ("ran-picture", &[]),
    ("ran-qkv-unit", UNIT),
    ("ran-memory-unit", UNIT),
    ("ran-tanh-unit", UNIT),
    (
        "ran-attention-block",
        &["ran-unit", "ran-scan", "ran-qkv-unit", "ran-memory-unit"],
    ),
    ("ran-reservoir", BELOW_RESERVOIR),
    ("ran-baselines", &["ran-topology", "ran-unit"]),
    ("ran-readout", &[]),
    (
        "ran-learning",
        &[
            "ran-baselines",
            "ran-unit",
            "ran-topology",
            "ran-tasks",
            "ran-reservoir",
            "ran-readout",
        ],
    ),
    (
        "ran-experiment",
        &[
            "ran-tasks",
            "ran-picture",
            "ran-reservoir",
            "ran-readout",
            "ran-learning",
            "ran-files",
            "ran-seed",
        ],
    ),
    ("ran-sweep", &["ran-files", "ran-seed", "ran-picture"]),
    ("ran-compiled", &["ran-reservoir"]),
    (
        "ran-bench",
        &[
            "ran-compiled",
            "ran-unit",
            "ran-picture",
            "ran-reservoir",
            "ran-scan",
            "ran-readout",
            "ran-learning",
            "ran-experiment",
        ],
    ),
    (
        "ran",
        &[
            "ran-tasks",
            "ran-reservoir",
            "ran-scan",
            "ran-learning",
            "ran-experiment",
            "ran-bench",
            "ran-sweep",
        ],
    ),
    ("ran-tests", &["*"]),
    (
        "ran-examples",
        &["ran-learning", "ran-reservoir", "ran-tasks", "ran-unit"],
    ),
    ("xtask", &[]),
];

const UNIT: &[&str] = &["ran-unit", "ran-scan"];

const BELOW_RESERVOIR: &[&str] = &[
    "ran-unit",
    "ran-scan",
    "ran-topology",
    "ran-qkv-unit",
    "ran-memory-unit",
    "ran-tanh-unit",
    "ran-attention-block",
];

/// What draws and reads a terminal, which the program alone does.
const TERMINAL: &[&str] = &["clap", "indicatif", "ctrlc"];

/// The crates of plain numbers, which know no tensor library.
const WITHOUT_BURN: &[&str] = &[
    "ran-scan",
    "ran-files",
    "ran-seed",
    "ran-sweep",
    "ran-topology",
    "ran-tasks",
    "ran-picture",
    "xtask",
];

fn workspace() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
    command.no_deps().exec().expect("cargo metadata must run")
}

/// Each crate and what it is built with; what only its tests need may come from anywhere.
fn dependencies(metadata: &Metadata) -> BTreeMap<String, Vec<String>> {
    let packages = metadata.packages.iter();
    let packages = packages.map(|package| {
        let needed = package.dependencies.iter();
        let needed = needed.filter(|needed| needed.kind != DependencyKind::Development);
        let needed = needed.map(|needed| needed.name.to_string());
        (package.name.to_string(), needed.collect())
    });
    packages.collect()
}

/// What is allowed and not there, so that it would come in unseen.
fn unused(crates: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let rules = ALLOWED.iter().flat_map(|(name, allowed)| {
        let needed = crates.get(*name).map_or(&[][..], Vec::as_slice);
        let unused = allowed.iter();
        let unused =
            unused.filter(|other| **other != "*" && !needed.iter().any(|one| one == *other));
        unused.map(move |other| format!("{name} may depend on {other} and does not"))
    });
    rules.collect()
}

fn violations(crates: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, needed) in crates {
        let rule = ALLOWED.iter().find(|(known, _)| known == name);
        let Some((_, allowed)) = rule else {
            found.push(format!(
                "{name} is in no rule: say in ALLOWED what it may depend on"
            ));
            continue;
        };
        for other in needed {
            let own = crates.contains_key(other);
            if own && !allowed.contains(&"*") && !allowed.contains(&other.as_str()) {
                found.push(format!(
                    "{name} must not depend on {other}; allowed: {allowed:?}"
                ));
            }
            if TERMINAL.contains(&other.as_str()) && name != "ran" {
                found.push(format!(
                    "{name} must not depend on {other}: the program alone reads a command line and draws on a terminal"
                ));
            }
            if other.starts_with("burn") && WITHOUT_BURN.contains(&name.as_str()) {
                found.push(format!(
                    "{name} must not depend on {other}: it holds plain numbers"
                ));
            }
        }
    }
    found
}

#[test]
fn dependencies_point_one_way() {
    let crates = dependencies(&workspace());
    let found = violations(&crates);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_rule_is_about_crates_that_exist_and_that_depend_so() {
    let crates = dependencies(&workspace());
    for (name, _) in ALLOWED {
        assert!(crates.contains_key(*name), "there is no crate {name}");
    }
    let found = unused(&crates);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_crate_lies_in_a_folder_of_its_name() {
    for package in &workspace().packages {
        let folder = package
            .manifest_path
            .parent()
            .and_then(|folder| folder.file_name());
        let name = package.name.as_str();
        let expected = name.strip_prefix("ran-").unwrap_or(name);
        assert_eq!(folder, Some(expected), "{name}");
    }
}

#[test]
fn wrong_directions_and_unknown_crates_are_found() {
    let mut crates = dependencies(&workspace());
    for (name, needed) in [
        ("ran-unit", "ran-reservoir"),
        ("ran-qkv-unit", "ran-memory-unit"),
        ("ran-readout", "ran-tasks"),
        ("ran-reservoir", "ran-learning"),
        ("ran-topology", "burn"),
        ("ran-experiment", "clap"),
        ("ran-experiment", "ran-bench"),
    ] {
        crates.get_mut(name).unwrap().push(needed.into());
    }
    crates.insert("ran-new".into(), Vec::new());
    let found = violations(&crates);
    assert_eq!(found.len(), 8, "{}", found.join("\n"));
    assert!(found.iter().any(|violation| violation.contains("ran-new")));
}

/// Burn's generic code takes a minute or two to compile in each program that names a backend, unless it is linked from
/// ran-compiled.
#[test]
fn programs_at_low_levels_that_name_a_backend_link_ran_compiled() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let shares = |name: &str| {
        let of = manifest["profile"]["dev"]["package"].get(name);
        let level = of.and_then(|of| of.get("opt-level")?.as_integer());
        level.is_some_and(|level| level <= 1)
    };
    assert!(shares("ran-compiled"), "at level 2 or 3 nothing is shared");
    let mut linked = Vec::new();
    for package in &workspace().packages {
        if !shares(&package.name) || package.name == "ran-compiled" {
            continue;
        }
        for target in &package.targets {
            let path = target.src_path.as_std_path();
            let text = fs::read_to_string(path).unwrap();
            if text.lines().any(|line| line == "use ran_compiled as _;") {
                linked.push(format!("{} {}", package.name, target.name));
            }
        }
    }
    linked.sort();
    let expected = [
        "ran-baselines baselines",
        "ran-baselines ran_baselines",
        "ran-bench ran_bench",
        "ran-learning learning",
        "ran-learning ran_learning",
        "ran-reservoir reservoir",
        "ran-tests parity",
        "ran-tests readout",
        "ran-tests units",
    ];
    assert_eq!(
        linked, expected,
        "a program that computes has `use ran_compiled as _;` at its root"
    );
}
