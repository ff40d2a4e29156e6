//! DESIGN.md, 2: who may name whom, told from every path in src/.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms and whom each may name beside `asset`, `error` and `units`, which everyone may.
const MAY_NAME: [(&str, &[&str]); 16] = [
    ("main", &["cli"]),
    ("cli", &["http", "ops", "store", "worker", "auth", "config", "log"]),
    ("config", &[]),
    ("log", &["config"]),
    ("http", &["store", "auth", "console"]),
    ("console", &[]),
    ("ops", &["store", "catalog", "blobs", "journal", "worker"]),
    ("store", &["catalog", "blobs", "journal", "worker", "auth"]),
    ("auth", &[]),
    ("catalog", &[]),
    ("blobs", &[]),
    ("journal", &["blobs"]),
    ("worker", &["media"]),
    ("media", &[]),
    ("error", &[]),
    ("units", &[]),
];

const EVERYONE_MAY: [&str; 3] = ["asset", "error", "units"];

/// The packages that the product is to be made of.
const PACKAGES: [&str; 12] = [
    "warp",
    "tokio",
    "redb",
    "bincode",
    "serde",
    "uuid",
    "jsonwebtoken",
    "infer",
    "image",
    "mp3_metadata",
    "hound",
    "lopdf",
];

/// One file of src/, without comments and the insides of strings.
struct Source {
    name: String,
    /// The room it belongs to: the first folder, or the file itself.
    room: String,
    code: String,
    /// Every path it names, from its first segment on, `crate` and `super` resolved: `crate::store::upload`.
    paths: BTreeSet<String>,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    assert!(files.len() > 10, "src/ has files");
    files
        .iter()
        .map(|file| {
            let name = file.strip_prefix(&root).expect("a file of src/").to_string_lossy().into_owned();
            let module: Vec<&str> = name
                .trim_end_matches(".rs")
                .split('/')
                .filter(|part| !matches!(*part, "mod" | "lib"))
                .collect();
            let code = strip(&fs::read_to_string(file).expect("a source file"));
            let paths = paths(&code, &module);
            Source { room: module.first().copied().unwrap_or("lib").to_owned(), name, code, paths }
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of src/") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The code without comments, and with the letters in strings and characters made `_`: what is left of them is
/// punctuation, which tells a separator from a file's name.
fn strip(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut code = String::new();
    let mut index = 0;
    while index < chars.len() {
        let c = at(index);
        if c == '/' && at(index + 1) == '/' {
            while index < chars.len() && at(index) != '\n' {
                index += 1;
            }
        } else if c == '/' && at(index + 1) == '*' {
            let mut depth = 0;
            loop {
                match (at(index), at(index + 1)) {
                    ('/', '*') => (depth, index) = (depth + 1, index + 2),
                    ('*', '/') => (depth, index) = (depth - 1, index + 2),
                    _ => index += 1,
                }
                if depth == 0 || index >= chars.len() {
                    break;
                }
            }
        } else if let Some(hashes) = raw_string(&chars, index) {
            // From the quote to a quote with as many hashes.
            let start = index + 2 + hashes;
            let mut end = start;
            while end < chars.len() && !(at(end) == '"' && (0..hashes).all(|hash| at(end + 1 + hash) == '#'))
            {
                end += 1;
            }
            code.push('"');
            code.extend(chars[start..end.min(chars.len())].iter().map(|c| blank(*c)));
            code.push('"');
            index = end + 1 + hashes;
        } else if c == '"' {
            code.push('"');
            index += 1;
            while index < chars.len() && at(index) != '"' {
                if at(index) == '\\' {
                    index += 1;
                }
                code.push(blank(at(index)));
                index += 1;
            }
            code.push('"');
            index += 1;
        } else if c == '\'' && (at(index + 1) == '\\' || at(index + 2) == '\'') {
            // A character, not a lifetime.
            index += if at(index + 1) == '\\' { 3 } else { 2 };
            while index < chars.len() && at(index) != '\'' {
                index += 1;
            }
            code.push_str("' '");
            index += 1;
        } else {
            code.push(c);
            index += 1;
        }
    }
    code
}

/// The number of hashes where a raw string begins here.
fn raw_string(chars: &[char], index: usize) -> Option<usize> {
    let begins_word = index == 0 || !is_word(chars[index - 1]) || chars[index - 1] == 'b';
    if chars[index] != 'r' || !begins_word {
        return None;
    }
    let hashes = chars[index + 1..].iter().take_while(|c| **c == '#').count();
    (chars.get(index + 1 + hashes) == Some(&'"')).then_some(hashes)
}

fn blank(c: char) -> char {
    if c.is_alphanumeric() { '_' } else { c }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Every path in the code, trees of `use` opened up.
fn paths(code: &str, module: &[&str]) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let tokens = tokens(code);
    let mut index = 0;
    while index < tokens.len() {
        let starts = is_name(&tokens[index]) && (index == 0 || tokens[index - 1] != "::");
        if starts {
            index = open(&tokens, index, String::new(), &mut paths).max(index + 1);
        } else {
            index += 1;
        }
    }
    paths.into_iter().map(|path| resolve(&path, module)).collect()
}

/// Words, `::`, and single signs.
fn tokens(code: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        if is_word(c) {
            let mut word = String::from(c);
            while let Some(next) = chars.next_if(|next| is_word(*next)) {
                word.push(next);
            }
            tokens.push(word);
        } else if c == ':' && chars.next_if_eq(&':').is_some() {
            tokens.push("::".to_owned());
        } else if !c.is_whitespace() {
            tokens.push(c.to_string());
        }
    }
    tokens
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Reads a path, or a tree in braces, from `index` on and gives the index behind it.
fn open(tokens: &[String], mut index: usize, prefix: String, paths: &mut BTreeSet<String>) -> usize {
    let mut path = prefix;
    loop {
        match tokens.get(index).map(String::as_str) {
            Some("{") if path.ends_with("::") => {
                index += 1;
                while tokens.get(index).is_some_and(|token| token != "}") {
                    let next = open(tokens, index, path.clone(), paths);
                    // Commas, stars and `as` names stand between.
                    index = next.max(index + 1);
                }
                return index + 1;
            }
            Some(name) if is_name(name) => {
                path.push_str(name);
                index += 1;
                if tokens.get(index).is_some_and(|token| token == "::") {
                    path.push_str("::");
                    index += 1;
                } else {
                    paths.insert(path);
                    return index;
                }
            }
            // A star, a turbofish, the end: what came before is named.
            _ => {
                paths.insert(path.trim_end_matches("::").to_owned());
                return index;
            }
        }
    }
}

/// `super::x` in store/upload is `crate::store::x`; `assetd::x`, as the binary says it, is `crate::x`.
fn resolve(path: &str, module: &[&str]) -> String {
    let mut segments: Vec<&str> = path.split("::").collect();
    let mut here: Vec<&str> = module.to_vec();
    match segments[0] {
        "assetd" => segments[0] = "crate",
        "self" => {
            segments.remove(0);
            segments = [vec!["crate"], here, segments].concat();
        }
        "super" => {
            while segments.first() == Some(&"super") {
                segments.remove(0);
                here.pop();
            }
            segments = [vec!["crate"], here, segments].concat();
        }
        _ => {}
    }
    segments.join("::")
}

/// Whether a path is `what` or below it.
fn names(path: &str, what: &str) -> bool {
    path.strip_prefix(what).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[test]
fn every_room_names_only_those_it_may() {
    let may_name: BTreeMap<&str, &[&str]> = MAY_NAME.into_iter().collect();
    let mut faults = Vec::new();
    for source in sources() {
        if source.name == "lib.rs" {
            continue;
        }
        let allowed: &[&str] = match source.room.as_str() {
            // Depends on nothing else, not even on what everyone may name.
            "asset" => &[],
            room => may_name.get(room).unwrap_or_else(|| panic!("{room} has no row in MAY_NAME")),
        };
        for path in &source.paths {
            let Some(named) = path.strip_prefix("crate::").and_then(|rest| rest.split("::").next()) else {
                continue;
            };
            let everyone = EVERYONE_MAY.contains(&named) && source.room != "asset";
            if named != source.room && !everyone && !allowed.contains(&named) {
                faults.push(format!("{} names {path}", source.name));
            }
            if source.room == "store" && named == "auth" && path != "crate::auth::Caller" {
                faults.push(format!("{} names {path}: of auth it may name Caller alone", source.name));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_a_room_is_to_know_nothing_of_is_not_named_in_it() {
    // The room, and the paths and words that are absent from it.
    let absent: [(&str, &[&str]); 3] = [
        ("http", &["redb", "std::fs", "tokio::fs", "std::path", "PathBuf", "rustix::fs"]),
        ("store", &["StatusCode", "hyper", "warp", "http"]),
        ("media", &["tokio", "std::path", "std::fs", "Instant", "SystemTime", "std::thread", "PathBuf"]),
    ];
    let mut faults = Vec::new();
    for source in sources() {
        for (room, words) in absent {
            if source.room != room {
                continue;
            }
            for path in &source.paths {
                for word in words {
                    let below = names(path, word);
                    let holds = !word.contains("::") && path.split("::").any(|segment| segment == *word);
                    // Within its own crate a room may have a word for the same thing.
                    if below || (holds && !path.starts_with("crate::")) {
                        faults.push(format!("{} names {path}", source.name));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn only_the_catalog_opens_tables() {
    let faults: Vec<String> = sources()
        .iter()
        .filter(|source| source.room != "catalog")
        .flat_map(|source| {
            let named = source.paths.iter().filter(|path| names(path, "redb"));
            named.map(|path| format!("{} names {path}", source.name))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn only_blobs_joins_paths() {
    let mut faults = Vec::new();
    for source in sources() {
        if source.room == "blobs" {
            continue;
        }
        for (at, _) in source.code.match_indices(".join(") {
            let argument = &source.code[at + ".join(".len()..];
            let argument = argument.split('\n').next().unwrap_or("").trim_start();
            // A thread is joined without an argument, and words with a separator that holds no name.
            let thread = argument.starts_with(')');
            let separator = argument
                .strip_prefix('"')
                .and_then(|rest| rest.split('"').next())
                .is_some_and(|text| !text.contains('_'));
            if !thread && !separator {
                faults.push(format!("{}: .join({argument}", source.name));
            }
        }
        for path in &source.paths {
            if path.split("::").any(|segment| segment.starts_with("openat")) {
                faults.push(format!("{} names {path}", source.name));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn only_auth_makes_a_caller() {
    let mut faults = Vec::new();
    for source in sources() {
        if source.room == "auth" {
            continue;
        }
        let tokens = tokens(&source.code);
        for (index, pair) in tokens.windows(2).enumerate() {
            // `-> Caller {` is the end of a head, `impl Caller {` that of a block.
            let before = index.checked_sub(1).map(|index| tokens[index].as_str());
            let head = matches!(before, Some(">" | "impl" | "for" | "struct"));
            if pair == ["Caller", "{"] && !head {
                faults.push(source.name.clone());
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_package_that_the_product_is_to_be_made_of_is_used() {
    let sources = sources();
    for package in PACKAGES {
        // A module of ours of the same name is reached through `crate`, or named where it is declared.
        let used = sources.iter().any(|source| {
            let declares = source.code.contains(&format!("mod {package};"));
            let named = source.paths.iter().any(|path| path.starts_with(&format!("{package}::")));
            named && !declares
        });
        assert!(used, "{package} is named nowhere in src/");
    }
}

#[test]
fn the_reader_of_paths_reads_them_as_rust_does() {
    let code = strip(
        r##"
        // crate::in_a_comment
        /* crate::in_a /* nested */ comment */
        use crate::{asset::{self, Id as Name}, blobs::*};
        use super::list;
        use ::hyper::body;
        fn f<'a>(x: &'a str) -> assetd::Error { let c = ':'; let s = "crate::in_a_string"; self::g::<u8>(r#"crate::raw"#) }
        "##,
    );
    let found = paths(&code, &["store", "upload"]);
    for expected in [
        "crate::asset::self",
        "crate::asset::Id",
        "crate::blobs",
        "crate::store::list",
        "crate::Error",
        "crate::store::upload::g",
    ] {
        assert!(found.contains(expected), "{expected} in {found:?}");
    }
    assert!(!found.iter().any(|path| path.contains("in_a") || path.contains("raw")), "{found:?}");
}
