//! Checks that the folders of the library use each other only as the table in
//! `docs/architecture.md` says, and that only `src/ops` names burn.
#![cfg(not(target_family = "wasm"))]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// For each folder (or file) of `src`, those that it uses.
type Uses = BTreeMap<String, BTreeSet<String>>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The names in backticks, in order.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_string).collect()
}

/// What the table allows. Its rows are in order, so that "all of the above" means the rows before.
fn allowed() -> Uses {
    let page = fs::read_to_string(root().join("docs/architecture.md")).expect("the page exists");
    let (_, table) = page.split_once("| in `src` | uses |\n").expect("the page has the table");
    let mut uses = Uses::new();
    for row in table.lines().skip(1).take_while(|line| line.starts_with('|')) {
        let cells: Vec<_> = row.trim_matches('|').split('|').collect();
        let used = if cells[1].contains("all of the above") {
            uses.keys().cloned().collect()
        } else {
            quoted(cells[1]).into_iter().collect::<BTreeSet<_>>()
        };
        assert!(used.iter().all(|name| uses.contains_key(name)), "only rows above are used: {row}");
        for name in quoted(cells[0]) {
            uses.insert(name, used.clone());
        }
    }
    uses
}

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_path_buf()];
    }
    let entries = fs::read_dir(path).expect("a folder that can be read");
    entries.flat_map(|entry| files(&entry.expect("an entry").path())).collect()
}

/// The names that follow `crate::`, including those in braces.
fn names_used(code: &str) -> BTreeSet<String> {
    let name = |text: &str| {
        text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
    };
    let after = code.split("crate::").skip(1);
    after
        .flat_map(|text| match text.strip_prefix('{') {
            Some(list) => list.split(['}', ',']).map(|text| name(text.trim())).collect(),
            None => vec![name(text)],
        })
        .collect()
}

/// The code of a file without comments and unit tests, which may use what they like.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a text");
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn folders_use_those_below_them() {
    let allowed = allowed();
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(root().join("src")).expect("a folder that can be read") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if name == "lib" {
            continue;
        }
        let uses = allowed.get(&name).unwrap_or_else(|| panic!("the table has no row for {name}"));
        for file in files(&path).iter().filter(|file| !file.ends_with("tests.rs")) {
            for used in names_used(&code(file)) {
                let known = used == name || !allowed.contains_key(&used) || uses.contains(&used);
                assert!(known, "{} uses {used}, which the table does not allow", file.display());
            }
        }
        seen.insert(name);
    }
    let missing: Vec<_> = allowed.keys().filter(|name| !seen.contains(*name)).collect();
    assert!(missing.is_empty(), "the table has rows without a folder: {missing:?}");
}

#[test]
fn burn_is_named_by_operations_alone() {
    let src = root().join("src");
    let elsewhere = files(&src).into_iter().filter(|file| !file.starts_with(src.join("ops")));
    let naming: Vec<_> = elsewhere
        .filter(|file| code(file).contains("burn::") || code(file).contains("burn_"))
        .collect();
    assert!(naming.is_empty(), "{naming:?}");
}
