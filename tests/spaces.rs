//! The verbs that need no worker, on the space that the literature knows best, by the real binary.
//!
//! Numbers are those of the paper and of its published code (Dong and Yang, ICLR 2020), not ours.

mod common;

use common::{Ran, nasc, nasc_with, output, ran, root, run};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const FILE: &str = "spaces/nasbench201.nas";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("not JSON ({error}): {text}"))
}

fn with_stdin(arguments: &str, input: &[u8]) -> Ran {
    let mut command = nasc();
    command.args(arguments.split_whitespace()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("nasc can be started");
    // It may have ended before it read all of it.
    let _closed = child.stdin.take().expect("it has an input").write_all(input);
    ran(child.wait_with_output().expect("it ends"))
}

#[test]
fn the_benchmark_has_15625_cells() {
    assert_eq!(output(&format!("count {FILE}")), "15625\n");
    assert_eq!(output(&format!("count {FILE} --flat")), "15625\n");
    let counted = json(&output(&format!("count {FILE}:nasbench201 --format json")));
    assert_eq!(counted["count"], "15625");
}

#[test]
fn the_largest_cell_has_1531546_weights() {
    let info = json(&output(&format!("info {FILE} --format json")));
    assert_eq!(info["params"]["max"], 1_531_546);
    assert_eq!(info["architectures"], "15625");
    let largest = info["params"]["largest"].as_object().expect("an architecture");
    assert_eq!(largest.len(), 6);
    assert!(largest.values().all(|label| label == "conv_3x3"), "{largest:?}");
    // Six decisions are made, and each stands in 3 stages of 5 cells.
    assert_eq!(info["decisions"].as_array().map(Vec::len), Some(6));
    assert_eq!(info["blocks"][0]["made"], 6);
    assert_eq!(info["blocks"][0]["used"], 90);
    assert!(output(&format!("info {FILE}")).contains("1,531,546"));
}

#[test]
fn parameters_of_the_space_are_set() {
    let small = json(&output(&format!("info {FILE} --set n=1 --set c=8 --format json")));
    assert_eq!(small["blocks"][0]["used"], 18);
    assert_eq!(small["parameters"]["c"], 8);
    let wrong = nasc_with(&format!("check {FILE} --set channels=8"));
    assert_eq!(wrong.status, Some(1));
    assert!(wrong.err.contains("channels"), "{}", wrong.err);
}

#[test]
fn samples_follow_from_their_seed() {
    let draw = |seed: u64| output(&format!("sample {FILE} --set n=1 -n 20 --seed {seed}"));
    let first = draw(1);
    assert_eq!(first, draw(1));
    assert_ne!(first, draw(2));
    assert_eq!(first.lines().count(), 20);
    assert!(first.lines().collect::<BTreeSet<_>>().len() > 15, "20 draws of 15,625 seldom repeat");
    for line in output(&format!("sample {FILE} --set n=1 -n 3 --format json")).lines() {
        let arch = json(line);
        assert_eq!(arch["space"], "nasbench201");
        assert_eq!(arch["decisions"].as_object().map(serde_json::Map::len), Some(6));
    }
}

#[test]
fn samples_are_written_to_files() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let out = folder.path().join("archs");
    let ran = run(nasc().args(["sample", "@nasbench201", "--set", "n=1", "-n", "2", "--out"]).arg(&out));
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let text = |name: &str| fs::read_to_string(out.join(name)).expect("the file was written");
    assert_ne!(text("arch-1.json"), text("arch-2.json"));
    assert_eq!(json(&text("arch-1.json"))["space"], "nasbench201");
    assert_eq!(fs::read_dir(&out).expect("the folder was made").count(), 2);
}

#[test]
fn a_reader_who_leaves_is_no_error() {
    let mut child = nasc()
        .args(["sample", FILE, "--set", "n=1", "-n", "100000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nasc can be started");
    drop(child.stdout.take());
    let ran = ran(child.wait_with_output().expect("it ends"));
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
}

#[test]
fn every_stage_is_printed() {
    for stage in ["tokens", "ast", "graph", "plan", "json", "dot"] {
        let text = output(&format!("compile {FILE} --set n=1 --emit {stage}"));
        assert!(text.len() > 1000, "{stage}: {text}");
        assert_eq!(text, output(&format!("compile {FILE} --set n=1 --emit {stage}")), "{stage} is the same again");
    }
    for arguments in
        ["--emit json", "--emit tokens --format json", "--emit ast --format json", "--emit plan --format json", "--target torch"]
    {
        json(&output(&format!("compile {FILE} --set n=1 {arguments}")));
    }
    let plan = json(&output(&format!("compile {FILE} --target torch")));
    assert_eq!(plan["decisions"].as_array().map(Vec::len), Some(6));
}

#[test]
fn graphviz_reads_the_drawing() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("cell.dot");
    let ran = run(nasc().args(["compile", FILE, "--set", "n=1", "--emit", "dot", "-o"]).arg(&path));
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), ""), "{}", ran.err);
    match Command::new("dot").arg("-Tplain").arg(&path).output() {
        Ok(drawn) => assert!(drawn.status.success(), "{}", String::from_utf8_lossy(&drawn.stderr)),
        Err(_) => eprintln!("skipped: Graphviz is not installed"),
    }
}

#[test]
fn passes_can_be_left_out() {
    let steps = |more: &str| output(&format!("compile {FILE} --set n=1 --emit graph {more}")).lines().count();
    assert!(steps("") < steps("--no-passes"), "equal siblings are computed once");
}

#[test]
fn a_file_comes_from_anywhere() {
    let text = fs::read(root().join(FILE)).expect("the space is there");
    let piped = with_stdin("count -", &text);
    assert_eq!((piped.status, piped.out.as_str()), (Some(0), "15625\n"), "{}", piped.err);
    assert_eq!(output("count @nasbench201"), "15625\n");
    assert_eq!(output("count @nasbench201:nasbench201"), "15625\n");
    let missing = nasc_with("count @nasbench21");
    assert_eq!(missing.status, Some(1));
    assert!(missing.err.contains("did you mean `@nasbench201`?"), "{}", missing.err);
    let unknown = nasc_with("count @nasbench201:nasbench");
    assert_eq!(unknown.status, Some(1));
    assert!(unknown.err.contains("nasbench201"), "{}", unknown.err);
}

#[test]
fn every_embedded_space_and_example_compiles() {
    for line in output("spaces --format json").lines() {
        let name = json(line)["name"].as_str().expect("a space has a name").to_owned();
        output(&format!("check @{name}"));
    }
    for folder in ["spaces", "spaces/std", "examples"] {
        check_below(&root().join(folder));
    }
}

fn check_below(folder: &Path) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("its entries can be read").path();
        if path.ends_with("std/prelude.nas") {
            // It is in scope of every file already, so a file that says the same again is refused.
            continue;
        }
        if path.is_dir() && folder.ends_with("examples") {
            check_below(&path);
        } else if path.extension().is_some_and(|extension| extension == "nas") {
            let ran = run(nasc().arg("check").arg(&path));
            assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{}", path.display());
        }
    }
}

#[test]
fn bad_files_are_errors_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("a file can be written");
    write("bytes.nas", b"space \xff\xfe");
    write("nul.nas", b"space\0\0\0");
    write("open.nas", "(".repeat(100_000).as_bytes());
    write("escape.nas", b"op \x1b[2J(x) = x;\nspace s() { let \x1b]0;title\x07 = 1; }");
    let bad = ["bytes.nas", "nul.nas", "open.nas", "escape.nas", "missing.nas", ".", ""];
    for file in bad {
        let ran = run(nasc().current_dir(folder.path()).args(["check", file]));
        assert_eq!(ran.status, Some(1), "{file}: {}", ran.err);
        assert!(ran.err.contains("error") && !ran.err.contains("panicked"), "{file}: {}", ran.err);
        assert!(!ran.err.contains('\u{1b}'), "{file}: {:?}", ran.err);
        let ran = run(nasc().current_dir(folder.path()).args(["check", "--format", "json", file]));
        let found = json(&ran.out);
        assert_eq!(found[0]["severity"], "error", "{file}");
        assert_eq!((ran.status, ran.err.as_str()), (Some(1), ""), "{file}");
    }
    let all = run(nasc().current_dir(folder.path()).arg("check").args(bad));
    for file in ["bytes.nas", "nul.nas", "missing.nas"] {
        assert!(all.err.contains(file), "one bad file hides none of the others: {}", all.err);
    }
}

#[test]
fn findings_for_programs_have_places() {
    let bad = "space s() {\n  input x: f32[N, 3];\n  output y = nothing(x);\n}\n";
    let ran = with_stdin("check - --format json", bad.as_bytes());
    assert_eq!(ran.status, Some(1));
    let found = json(&ran.out);
    assert_eq!(found[0]["file"], "<stdin>");
    assert_eq!(found[0]["line"], 3);
    assert_eq!(found[0]["column"], 14);
    assert!(found[0]["code"].as_str().is_some_and(|code| code.starts_with('N')), "{found}");
}

#[test]
fn a_large_file_is_an_error_with_a_place() {
    let text = "// A line of a file that has too many of them.\n".repeat(400_000);
    let ran = with_stdin("check - --format json", text.as_bytes());
    assert_eq!((ran.status, json(&ran.out)[0]["code"].as_str()), (Some(1), Some("N0009")));
    let ran = with_stdin("check -", text.as_bytes());
    assert!(ran.err.contains("--limit-bytes N"), "{}", ran.err);
    let raised = with_stdin("check - --limit-bytes 20000000", text.as_bytes());
    assert_eq!((raised.status, raised.err.as_str()), (Some(0), ""));
}

#[cfg(unix)]
#[test]
fn a_file_without_an_end_is_not_read_to_it() {
    let ran = nasc_with("check /dev/zero");
    assert_eq!(ran.status, Some(1), "{}", ran.err);
}

#[test]
fn modules_come_from_the_project_and_nowhere_else() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    };
    let main = "use lib.parts.{ twice };\nspace s() { input x: f32[N, 3]; output y = twice(x); }\n";
    write("project/nasc.toml", "");
    write("project/lib/parts.nas", "op twice(x) = x + x;\n");
    write("project/deep/er/main.nas", main);
    write("alone/main.nas", main);
    let check = |file: &str| run(nasc().current_dir(folder.path()).args(["check", file]));
    let inside = check("project/deep/er/main.nas");
    assert_eq!((inside.status, inside.err.as_str()), (Some(0), ""));
    let outside = check("alone/main.nas");
    assert_eq!(outside.status, Some(1));
    assert!(outside.err.contains("alone/lib/parts.nas"), "it says where it looked: {}", outside.err);
}

#[test]
fn colours_are_used_when_asked_for() {
    let colored = nasc_with("check missing.nas --color always");
    assert!(colored.err.contains('\u{1b}'), "{:?}", colored.err);
    let plain = nasc_with("check missing.nas");
    assert!(!plain.err.contains('\u{1b}'), "{:?}", plain.err);
}

#[test]
fn the_command_line_explains_itself() {
    for arguments in ["--help", "check --help", "search --help", "train -h", "compile -h"] {
        assert!(output(arguments).contains("Examples:"), "{arguments} has examples");
    }
    let unknown = nasc_with("chek x.nas");
    assert_eq!(unknown.status, Some(2));
    assert!(unknown.err.contains("check"), "{}", unknown.err);
    let nothing = nasc_with("");
    assert_eq!(nothing.status, Some(2));
}
