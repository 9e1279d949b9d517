//! A crate outside the workspace brings a kind of unit with a kernel, and a program with it: examples/own-kind, built and tested as
//! it stands.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, MetadataCommand};

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().expect("the repository exists")
}

/// Writes a file unless it is there already, so that cargo builds nothing again.
fn keep(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return;
    }
    let folder = path.parent().expect("a file lies in a folder");
    fs::create_dir_all(folder).expect("the folder can be made");
    fs::write(path, text).expect("the file can be written");
}

/// A package that asks for all crates from outside with the workspace's features, so that what the workspace built serves
/// the example too.
fn features() -> String {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml"));
    let metadata = command.no_deps().exec().expect("cargo metadata must run");
    // What runs while building has features of its own: those that one build dependency asks for reach all macros.
    let mut wanted: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for dependency in metadata.packages.iter().flat_map(|one| &one.dependencies) {
        if dependency.path.is_some() || dependency.optional {
            continue;
        }
        let table = match dependency.kind {
            DependencyKind::Build => "build-dependencies",
            _ => "dependencies",
        };
        let name = dependency.name.to_string();
        let (_, defaults, features) = wanted.entry(table).or_default().entry(name).or_insert((
            dependency.req.to_string(),
            false,
            Vec::new(),
        ));
        *defaults |= dependency.uses_default_features;
        features.extend(dependency.features.iter().cloned());
    }
    let mut manifest =
        String::from("[package]\nname = \"features\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    for (table, wanted) in wanted {
        writeln!(manifest, "\n[{table}]").expect("a string takes all");
        for (name, (version, defaults, features)) in wanted {
            writeln!(
                manifest,
                "{name} = {{ version = {version:?}, default-features = {defaults}, features = {features:?} }}"
            )
            .expect("a string takes all");
        }
    }
    manifest
}

/// How the workspace has crates from outside compiled, as arguments.
fn levels() -> Vec<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let packages = manifest["profile"]["dev"]["package"]
        .as_table()
        .expect("a table");
    let outside = packages
        .iter()
        .filter(|(name, _)| *name != "ran" && !name.starts_with("ran-"));
    outside
        .flat_map(|(name, of)| {
            let of = of.as_table().expect("a table");
            of.iter()
                .map(move |(key, value)| format!("profile.dev.package.\"{name}\".{key}={value}"))
        })
        .collect()
}

#[test]
fn a_crate_outside_the_workspace_brings_a_kind_with_a_kernel_and_a_program_that_trains_it() {
    let example = root().join("examples/own-kind");
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let copy = tmp.join("own-kind");
    let manifest = fs::read_to_string(example.join("Cargo.toml")).expect("a manifest");
    assert!(manifest.contains("\n[workspace]\n"), "it is outside");
    let crates = root().join("crates");
    let manifest = manifest
        .replace("[workspace]\n", "[workspace]\nmembers = [\"features\"]\n")
        .replace("../../crates", crates.to_str().expect("a path in UTF-8"));
    keep(&copy.join("Cargo.toml"), &manifest);
    for name in [
        "src/lib.rs",
        "src/unit.rs",
        "src/kernel.rs",
        "src/main.rs",
        "tests/fused.rs",
        "tests/program.rs",
        "mixed.toml",
    ] {
        let text = fs::read_to_string(example.join(name)).expect("a source file");
        keep(&copy.join(name), &text);
    }
    keep(&copy.join("features/Cargo.toml"), &features());
    keep(&copy.join("features/src/lib.rs"), "");
    fs::copy(root().join("Cargo.lock"), copy.join("Cargo.lock")).expect("the lock file");

    let mut command = Command::new(env!("CARGO"));
    command
        .args([
            "test",
            "--offline",
            "--package",
            "own-kind",
            "--package",
            "features",
        ])
        .arg("--target-dir")
        .arg(tmp.parent().expect("the folder of all that is built"))
        .current_dir(&copy);
    // The project's own crates are compiled anew for a workspace that is not theirs, and are not what is tested here; nor is the
    // example's speed. Cargo warns of names that the example does not need.
    let mut levels = levels();
    for entry in fs::read_dir(crates).expect("a folder") {
        let folder = entry.expect("an entry").file_name();
        let name = match folder.to_str().expect("a name in UTF-8") {
            "ran" => "ran".to_owned(),
            folder => format!("ran-{folder}"),
        };
        levels.push(format!("profile.dev.package.{name}.opt-level=0"));
    }
    levels.push("profile.dev.package.own-kind.opt-level=1".to_owned());
    for level in levels {
        command.args(["--config", &level]);
    }
    let output = command.output().expect("cargo runs");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (said(&output.stdout), said(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    for test in [
        "the_fused_scan_gives_the_states_and_gradients_of_the_loop_in_burn_operations ... ok",
        "a_live_stream_gives_the_states_of_the_batch ... ok",
        "a_reservoir_of_the_kind_and_the_projects_is_fitted_and_its_model_file_scores_the_same ... ok",
        "the_kind_is_trained_by_gradient_and_its_model_file_scores_the_same ... ok",
        "wrong_options_of_the_kind_get_a_sentence_and_name_the_setting ... ok",
    ] {
        assert!(out.contains(test), "{out}\n{err}");
    }
}
