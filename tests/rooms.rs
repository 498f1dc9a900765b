//! The map of CONTRIBUTING.md is true: every room is on it, and uses no other rooms than those named there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What a room may use; `None` for those that may use everything.
type Map = BTreeMap<String, Option<BTreeSet<String>>>;

/// The table of rooms: the first cell names the room, the last one what it may use.
fn map() -> Map {
    let text = std::fs::read_to_string(Path::new(ROOT).join("CONTRIBUTING.md")).unwrap();
    let room = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let name = cells.first()?.strip_prefix("`src/")?.trim_end_matches('`').to_owned();
        let uses = cells.last()?;
        let named = || uses.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        Some((name, (!uses.contains("everything") && !uses.contains("all of")).then(named)))
    };
    text.lines().filter_map(room).collect()
}

/// Rooms and their files.
fn rooms() -> BTreeMap<String, Vec<PathBuf>> {
    let mut rooms = BTreeMap::new();
    for entry in std::fs::read_dir(Path::new(ROOT).join("src")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name != "lib" && name != "main" {
            rooms.insert(name, files(&path));
        }
    }
    rooms
}

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    std::fs::read_dir(path).unwrap().flat_map(|entry| files(&entry.unwrap().path())).collect()
}

/// The rooms that a file names outside its tests: `crate::room::…`, or in `crate::{room::…, room}`.
fn used(text: &str) -> BTreeSet<String> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut used = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        let Some(tree) = after.strip_prefix('{') else {
            used.insert(first_word(after));
            continue;
        };
        let (mut depth, mut begins) = (1, true);
        for (at, character) in tree.char_indices() {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => begins = true,
                letter if begins && letter.is_alphabetic() => {
                    used.insert(first_word(&tree[at..]));
                    begins = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    used
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

#[test]
fn rooms_use_no_others_than_the_map_says() {
    let (map, rooms) = (map(), rooms());
    let mut wrong = Vec::new();
    for (room, files) in &rooms {
        let Some(allowed) = map.get(room) else {
            wrong.push(format!("src/{room} is not on the map"));
            continue;
        };
        let Some(allowed) = allowed else { continue };
        for file in files {
            let text = std::fs::read_to_string(file).unwrap();
            let others = used(&text).into_iter().filter(|used| rooms.contains_key(used) && used != room);
            for other in others.filter(|other| !allowed.contains(other)) {
                wrong.push(format!("{} uses {other}", file.strip_prefix(ROOT).unwrap().display()));
            }
        }
    }
    let gone = map.keys().filter(|room| !rooms.contains_key(*room));
    wrong.extend(gone.map(|room| format!("src/{room} is on the map and not there")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
