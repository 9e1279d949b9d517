//! What docs/use-as-a-library.md says of manifests is what this project's are.

use toml::{Table, Value};

const PAGE: &str = include_str!("../../../../docs/use-as-a-library.md");
const WORKSPACE: &str = include_str!("../../../../Cargo.toml");
const MANIFEST: &str = include_str!("../../Cargo.toml");

#[test]
fn the_manifest_on_the_page_names_this_crate_and_has_the_projects_profiles() {
    let begin = PAGE.find("```toml\n").expect("the page has a manifest") + 8;
    let length = PAGE[begin..].find("```").expect("a block ends");
    let page: Table = PAGE[begin..begin + length].parse().expect("it is TOML");
    let workspace: Table = WORKSPACE.parse().expect("it is TOML");
    let manifest: Table = MANIFEST.parse().expect("it is TOML");
    let name = manifest["package"]["name"].as_str().expect("it has a name");
    let dependencies = page["dependencies"].as_table().expect("it is a table");
    assert_eq!(dependencies.keys().collect::<Vec<_>>(), [name]);
    let path = dependencies[name]["path"].as_str().expect("it has a path");
    let own = workspace["workspace"]["dependencies"][name]["path"].as_str();
    assert!(path.ends_with(own.expect("it has a path")), "{path}");
    let profile = |table: &Table, keys: &[&str]| -> Value {
        let dev = table["profile"].get("dev").expect("it has a profile");
        keys.iter().fold(dev.clone(), |at, key| at[key].clone())
    };
    let level = ["opt-level"];
    assert_eq!(profile(&page, &level), profile(&workspace, &level));
    // The crates that are compiled as kernels are; the others' levels are for those who build the project often.
    let mut kernels = profile(&workspace, &["package"]);
    let crates = kernels.as_table_mut().expect("it is a table");
    crates.retain(|_, profile| profile.get("codegen-units").is_some());
    assert!(crates.len() > 3);
    assert_eq!(profile(&page, &["package"]), kernels);
}
