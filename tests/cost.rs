//! Limits on an accelerator's costs through the programs that people use: what `nasc sample` draws under them, `nasc cost` prices within
//! them.

mod common;

use common::{nasc, root, run};
use std::fs;

/// Architectures that are drawn and priced.
const DRAWS: usize = 120;

#[test]
fn what_is_drawn_under_limits_is_priced_within_them() {
    let folder = tempfile::tempdir().expect("a folder for a while");
    let space = fs::read_to_string(root().join("spaces/systolic_resnet.nas")).expect("the space is there");
    let limited =
        space.replacen("  input image", "  require latency(arria10) <= 10ms and dsp(arria10) <= 1518;\n  input image", 1);
    assert_ne!(space, limited);
    let file = folder.path().join("limited.nas");
    fs::write(&file, format!("use std.targets.arria10.{{ arria10 }};\n{limited}")).expect("it can be written");
    let set = ["--set", "size=64", "--set", "c=32", "--set", "halvings=1"];
    let archs = folder.path().join("archs");
    let drawn = run(nasc().arg("sample").arg(&file).args(set).args(["-n", &DRAWS.to_string(), "--out"]).arg(&archs));
    assert_eq!(drawn.status, Some(0), "{}", drawn.err);
    let mut slowest = 0;
    for number in 1..=DRAWS {
        let arch = archs.join(format!("arch-{number}.json"));
        let priced =
            run(nasc().arg("cost").arg(&file).args(set).args(["--target", "arria10", "--format", "json", "--arch"]).arg(&arch));
        assert_eq!(priced.status, Some(0), "{}", priced.err);
        let priced: serde_json::Value = serde_json::from_str(&priced.out).expect("it is JSON");
        let latency = priced["latency_us"].as_i64().expect("a number");
        assert!(latency <= 10_000, "arch-{number} takes {latency} us");
        assert!(priced["dsp"].as_i64().expect("a number") <= 1518);
        slowest = slowest.max(latency);
    }
    assert!(slowest > 9_000, "a limit that excludes nothing: {slowest} us at most");
}
