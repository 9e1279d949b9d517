//! The way from docs/model.md to the code and back: every equation names its files, every file names its equations.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The sections whose equations are numbered.
const SECTIONS: [&str; 7] = [
    "the-input-map",
    "units",
    "roles",
    "working-memory",
    "readout",
    "queries-and-keys-in-closed-form",
    "biases-from-the-training-set",
];

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().expect("the repository exists")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A heading's anchor, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let letters = heading.to_lowercase().replace(' ', "-");
    letters
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '-')
        .collect()
}

/// Each section of a page by its anchor.
fn sections(page: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for section in page.split("\n## ").skip(1) {
        let (heading, text) = section.split_once('\n').expect("a section has text");
        found.insert(anchor(heading), text.to_owned());
    }
    found
}

/// The targets of a text's links.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target.to_owned()).collect()
}

/// The numbers that begin the lines of a section's lists: its equations.
fn numbered(section: &str) -> BTreeSet<usize> {
    let numbers = section.lines().filter_map(|line| line.split_once(". "));
    numbers
        .filter_map(|(number, _)| number.parse().ok())
        .collect()
}

/// Each file of a section's tables with the equations of its rows.
fn rows(section: &str) -> Vec<(BTreeSet<usize>, Vec<String>)> {
    let lines = section.lines().filter(|line| line.contains("](../crates/"));
    let lines = lines.filter_map(|line| line.strip_prefix("| "));
    let row = |line: &str| {
        let (numbers, files) = line.split_once(" | ").expect("a row has cells");
        let numbers = numbers
            .split(", ")
            .map(|number| number.parse().expect("an equation"));
        (numbers.collect(), links(files))
    };
    lines.map(row).collect()
}

/// A file's module doc as one line.
fn module_doc(path: &Path) -> String {
    let text = read(path);
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    lines.collect::<Vec<_>>().join("").replace("  ", " ")
}

/// The equations of a section that a module doc names: the numbers between "equation" and the page's name.
fn named(doc: &str, section: &str) -> BTreeSet<usize> {
    let lower = doc.to_lowercase();
    let page = format!(" of docs/model.md#{section}");
    let Some((before, _)) = lower.split_once(&page) else {
        return BTreeSet::new();
    };
    let (_, list) = before.rsplit_once("equation").unwrap_or_default();
    let words = list.trim_start_matches('s').replace(',', " ");
    let mut found = BTreeSet::new();
    let mut range = false;
    for word in words.split_whitespace() {
        match word.parse() {
            Ok(number) => {
                let first = found.last().filter(|_| range).copied().unwrap_or(number);
                found.extend(first..=number);
                range = false;
            }
            Err(_) => range = word == "to",
        }
    }
    found
}

#[test]
fn every_equation_leads_to_its_files_and_every_file_back_to_its_equations() {
    let sections = sections(&read(&root().join("docs/model.md")));
    for name in SECTIONS {
        let section = &sections[name];
        let equations = numbered(section);
        assert!(!equations.is_empty(), "{name} has equations");
        let mut led = BTreeSet::new();
        let mut by_file: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for (numbers, files) in rows(section) {
            assert!(!files.is_empty(), "{name}: {numbers:?} has files");
            for file in files {
                by_file.entry(file).or_default().extend(&numbers);
            }
            led.extend(numbers);
        }
        assert_eq!(led, equations, "{name}: the table has the equations");
        for (file, numbers) in by_file {
            let path = root().join("docs").join(&file);
            let back = named(&module_doc(&path), name);
            assert_eq!(back, numbers, "{file} names its equations of {name}");
        }
    }
}

/// Every source file below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_section_that_the_code_names_exists() {
    let sections = sections(&read(&root().join("docs/model.md")));
    let mut files = Vec::new();
    sources(&root().join("crates"), &mut files);
    let mut count = 0;
    for path in files {
        let text = read(&path);
        for rest in text.split("docs/model.md#").skip(1) {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '-'));
            let name = &rest[..end.unwrap_or(rest.len())];
            assert!(sections.contains_key(name), "{}: {name}", path.display());
            count += 1;
        }
    }
    assert!(count > 10, "{count} links to the model's page");
}

#[test]
fn every_page_leads_to_files_that_exist() {
    let mut count = 0;
    for entry in fs::read_dir(root().join("docs")).expect("a folder") {
        let page = entry.expect("an entry").path();
        if page.extension().is_none_or(|ending| ending != "md") {
            continue;
        }
        for link in links(&read(&page)) {
            let target = link.split('#').next().expect("a text has a first part");
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let found = root().join("docs").join(target).exists();
            assert!(found, "{} leads to {link}", page.display());
            count += 1;
        }
    }
    assert!(count > 50, "{count} links between pages and files");
}

#[test]
fn the_way_through_the_code_has_at_most_25_files() {
    let page = read(&root().join("docs/architecture.md"));
    let way = &sections(&page)["a-way-through-the-code"];
    let stations = numbered(way);
    assert_eq!(
        stations,
        (1..=stations.len()).collect(),
        "one after another"
    );
    assert!((10..=25).contains(&stations.len()), "{stations:?}");
    // Lines that begin with no number go on with the station before.
    let mut files: Vec<usize> = Vec::new();
    for line in way.lines() {
        if line.starts_with(|first: char| first.is_ascii_digit()) {
            files.push(0);
        }
        let found = links(line).into_iter();
        let found = found.filter(|link| link.ends_with(".rs") || link.ends_with(".toml"));
        if let Some(station) = files.last_mut() {
            *station += found.count();
        }
    }
    assert_eq!(files, vec![1; stations.len()], "one file each");
    assert!(
        !way.contains(".rs`"),
        "no file is named beside the stations"
    );
}

#[test]
fn numbers_of_equations_are_read_in_lists_and_ranges() {
    let named = |text: &str| named(text, "units").into_iter().collect::<Vec<_>>();
    assert_eq!(
        named("Forward: equations 1 and 2 of docs/model.md#units."),
        [1, 2]
    );
    assert_eq!(
        named("Equations 1 to 4 of docs/model.md#units"),
        [1, 2, 3, 4]
    );
    assert_eq!(named("act in equation 3 of docs/model.md#units."), [3]);
    assert_eq!(named("equation 9 of docs/model.md#working-memory"), [0; 0]);
}
