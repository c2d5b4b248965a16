//! Random layers under oclgrind, which runs kernels on a simulated device and watches every access: no read or write outside its
//! memory, no two work-items at one place.
//!
//! Skipped by name where oclgrind is not installed. `NASC_WATCHED` raises the count (200 in the full tier).

use std::path::{Path, PathBuf};
use std::process::Command;

/// oclgrind's driver, where Debian and a build from source put it.
fn driver() -> Option<PathBuf> {
    let folders = ["/usr/lib/oclgrind", "/usr/local/lib", "/usr/lib", "/usr/lib64"];
    folders.iter().map(|folder| Path::new(folder).join("liboclgrind-rt-icd.so")).find(|path| path.exists())
}

#[test]
fn oclgrind_finds_no_race_and_no_access_outside() {
    let Some(driver) = driver() else {
        println!("skipped oclgrind_finds_no_race_and_no_access_outside: oclgrind is not installed");
        return;
    };
    let count: u64 = std::env::var("NASC_WATCHED").map_or(20, |count| count.parse().expect("NASC_WATCHED is a count"));
    // A loader's list of drivers with this one alone.
    let folder = std::env::temp_dir().join(format!("nasc-oclgrind-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the driver's name");
    std::fs::write(folder.join("oclgrind.icd"), driver.display().to_string()).expect("the driver's name");
    // target/debug/deps/watched-… -> target/debug/examples/random_layers, which cargo builds with the tests.
    let tests = std::env::current_exe().expect("a test is a program");
    let program = tests.ancestors().nth(2).expect("tests lie two folders deep").join("examples/random_layers");
    for (form, count) in [("fused", count), ("queues", count / 4)] {
        let output = Command::new(&program)
            .args([&count.to_string(), form])
            .env("OCL_ICD_VENDORS", &folder)
            .env("OCLGRIND_DATA_RACES", "1")
            .output()
            .expect("the example runs; `cargo test` builds it");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{form}: {said}");
        assert_eq!(said.trim(), format!("{count} layers agree"), "{form}");
    }
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}
