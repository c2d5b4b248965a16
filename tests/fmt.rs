//! `nasc fmt` on files and folders, by the real binary. What a text becomes is tested beside the formatter.

mod common;

use common::{nasc, nasc_with, ran, root, run};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

const UGLY: &str = "op f( x )=x ; // kept\n";
const NICE: &str = "op f(x) = x;  // kept\n";
const BAD: &str = "op f(x)=;\n";

fn fmt(folder: &Path, arguments: &[&str]) -> common::Ran {
    run(nasc().current_dir(folder).arg("fmt").args(arguments))
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }
    folder
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).expect("it is there and is text")
}

#[test]
fn the_projects_own_files_are_laid_out() {
    let ran = nasc_with("fmt --check spaces examples");
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""), "`nasc fmt spaces examples` does it");
}

#[test]
fn folders_are_looked_through_and_bad_files_hide_none() {
    let place = folder(&[("a/x.nas", UGLY), ("a/b/y.nas", NICE), ("a/b/z.nas", BAD), ("a/.git/h.nas", UGLY), ("a/t.txt", UGLY)]);
    let before = fs::metadata(place.path().join("a/b/y.nas")).and_then(|file| file.modified()).expect("it has a time");
    let check = fmt(place.path(), &["--check", "a"]);
    assert_eq!((check.status, check.out.as_str()), (Some(1), "a/x.nas\n"));
    assert!(check.err.contains("a/b/z.nas") && check.err.contains("N01"), "{}", check.err);
    assert_eq!(read(place.path(), "a/x.nas"), UGLY);

    let written = fmt(place.path(), &["a", "missing.nas"]);
    assert_eq!((written.status, written.out.as_str()), (Some(1), "a/x.nas: laid out anew\n"));
    assert!(written.err.contains("missing.nas"), "{}", written.err);
    assert_eq!(read(place.path(), "a/x.nas"), NICE);
    assert_eq!(read(place.path(), "a/b/z.nas"), BAD);
    assert_eq!(read(place.path(), "a/.git/h.nas"), UGLY);
    assert_eq!(read(place.path(), "a/t.txt"), UGLY);
    let after = fs::metadata(place.path().join("a/b/y.nas")).and_then(|file| file.modified()).expect("it has a time");
    assert_eq!(before, after, "a file that is laid out is not touched");
    assert_eq!(fs::read_dir(place.path().join("a")).expect("it can be read").count(), 4, "nothing is left beside the files");

    let again = fmt(place.path(), &["--check", "a/x.nas", "a/b/y.nas"]);
    assert_eq!((again.status, again.out.as_str(), again.err.as_str()), (Some(0), "", ""));
}

#[test]
fn standard_input_becomes_standard_output() {
    let with_stdin = |arguments: &[&str], text: &[u8]| {
        let mut command = nasc();
        command.arg("fmt").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("nasc can be started");
        child.stdin.take().expect("it has an input").write_all(text).expect("it reads all of it");
        ran(child.wait_with_output().expect("it ends"))
    };
    let new = with_stdin(&["-"], UGLY.as_bytes());
    assert_eq!((new.status, new.out.as_str(), new.err.as_str()), (Some(0), NICE, ""));
    let check = with_stdin(&["--check", "-"], UGLY.as_bytes());
    assert_eq!((check.status, check.out.as_str()), (Some(1), "<stdin>\n"));
    assert_eq!(with_stdin(&["--check", "-"], NICE.as_bytes()).status, Some(0));
    let bad = with_stdin(&["-"], BAD.as_bytes());
    assert_eq!((bad.status, bad.out.as_str()), (Some(1), ""));
    assert!(bad.err.contains("N01"), "{}", bad.err);
    assert_eq!(with_stdin(&["-"], b"\xff").status, Some(1));
    let json: Value = serde_json::from_str(&with_stdin(&["-", "--format", "json"], UGLY.as_bytes()).out).expect("it is JSON");
    assert_eq!(json, serde_json::json!([{ "file": "<stdin>", "changed": true, "text": NICE }]));
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = folder(&[("real/x.nas", UGLY)]);
    let (real, link) = (place.path().join("real/x.nas"), place.path().join("link.nas"));
    symlink("real/x.nas", &link).expect("a link can be made");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("they can be set");
    assert_eq!(fmt(place.path(), &["link.nas"]).status, Some(0));
    assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
    assert_eq!(read(place.path(), "real/x.nas"), NICE);
    assert_eq!(fs::metadata(&real).expect("it is there").permissions().mode() & 0o777, 0o640);

    fs::write(&real, UGLY).expect("it can be written");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o440)).expect("they can be set");
    let refused = fmt(place.path(), &["link.nas"]);
    assert_eq!((refused.status, read(place.path(), "real/x.nas").as_str()), (Some(1), UGLY));
    assert!(refused.err.contains("permission denied"), "{}", refused.err);
}

#[test]
fn a_space_inside_the_program_is_no_file() {
    let ran = fmt(root(), &["@nasbench201"]);
    assert_eq!(ran.status, Some(1));
}
