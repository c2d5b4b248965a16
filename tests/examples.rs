//! The examples do what their pages show: `examples/<name>/expected.txt` holds commands (`$ nasc …`) with what they print, run
//! in the example's folder. `NASC_UPDATE=1 cargo test --test examples` writes the files anew.

mod common;

use common::{nasc, root, run};
use std::fs;

#[test]
fn every_example_prints_what_it_says() {
    let mut wrong = Vec::new();
    for entry in fs::read_dir(root().join("examples")).expect("examples is there") {
        let folder = entry.expect("its entries can be read").path();
        if !folder.is_dir() {
            continue;
        }
        let name = folder.file_name().expect("a folder has a name").to_string_lossy().into_owned();
        assert!(folder.join("README.md").exists(), "{name} has a README.md");
        let path = folder.join("expected.txt");
        let expected = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut printed = String::new();
        for command in expected.lines().filter_map(|line| line.strip_prefix("$ nasc ")) {
            let ran = run(nasc().current_dir(&folder).args(command.split_whitespace()));
            assert_eq!(ran.status, Some(0), "{name}: nasc {command}: {}", ran.err);
            printed.push_str(&format!("$ nasc {command}\n{}{}", ran.out, ran.err));
        }
        assert!(!printed.is_empty(), "{name} runs something");
        if printed == expected {
            continue;
        }
        if std::env::var_os("NASC_UPDATE").is_some() {
            fs::write(&path, printed).expect("the file can be written");
        } else {
            wrong.push(format!("{}:\n{printed}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "examples print something else than expected.txt says:\n{}", wrong.join("\n"));
}
