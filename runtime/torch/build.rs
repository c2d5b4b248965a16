//! Compiles the shim against the libtorch that LIBTORCH names, and makes binaries find that libtorch without environment
//! variables.
//!
//! The crate `torch-sys` links libtorch itself. It also asks for `torch_cuda` where that library lies beside; the linker drops
//! it again, since nothing refers to it by symbol, and the shim opens it at run time.

use std::path::{Path, PathBuf};
use std::process::exit;

/// The version that the crate `tch` is generated from.
const VERSION: &str = "2.11.0";

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    println!("cargo:rerun-if-changed=src/shim");
    let libtorch = libtorch();
    let (lib, include) = (libtorch.join("lib"), libtorch.join("include"));
    let openmp = openmp(&lib);
    let x86 = std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "x86_64");
    let build = || {
        let mut build = cc::Build::new();
        build
            .cpp(true)
            .std("c++17")
            .pic(true)
            .opt_level(3) // also in debug builds: its loops are what training waits for
            .define("_GLIBCXX_USE_CXX11_ABI", "1")
            .include("src/shim")
            .flag(format!("-isystem{}", include.display()))
            .flag(format!("-isystem{}", include.join("torch/csrc/api/include").display()))
            .flag("-fno-math-errno");
        if openmp.is_some() {
            build.flag("-fopenmp"); // without it ATen's parallel loops are compiled as plain ones
        }
        if x86 {
            build.define("NASC_LOOPS_X86", None);
        }
        build
    };
    let mut shim = build();
    shim.files(["shim.cpp", "rows.cpp", "combine.cpp", "branches.cpp", "shared.cpp"].map(|file| format!("src/shim/{file}")));
    // One file for several instruction sets; the program picks when it starts.
    let sets: &[(&str, &[&str])] = &[("avx512", &["-mavx512f", "-mfma"]), ("avx2", &["-mavx2", "-mfma"]), ("plain", &[])];
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    for (set, flags) in sets.iter().filter(|(set, _)| x86 || *set == "plain") {
        let mut loops = build();
        loops.out_dir(out.join(set)); // objects are named after their sources
        loops.define("NASC_LOOPS", format!("loops_{set}").as_str()).file("src/shim/deep_loops.cpp");
        for flag in *flags {
            loops.flag(flag);
        }
        shim.objects(loops.compile_intermediates());
    }
    shim.compile("nasc_torch_shim");
    println!("cargo:rustc-link-lib=dl");
    match openmp {
        Some(library) => println!("cargo:rustc-link-arg={}", library.display()),
        None => println!("cargo:warning=no libgomp beside libtorch: the shim's loops run on one thread"),
    }
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
}

/// The OpenMP library that lies beside libtorch, which libtorch's threads are from; under pip its name has a number in it.
fn openmp(lib: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(lib).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let is_openmp = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libgomp"));
    files.filter(|path| is_openmp(path)).min()
}

/// The folder that LIBTORCH names, if it fits.
fn libtorch() -> PathBuf {
    let Some(folder) = std::env::var_os("LIBTORCH").map(PathBuf::from) else {
        fail("LIBTORCH is not set, so there is no libtorch to build against");
    };
    if !folder.join("lib/libtorch_cpu.so").is_file() || !folder.join("include/ATen/ATen.h").is_file() {
        fail(&format!("LIBTORCH names {}, which has no lib/libtorch_cpu.so with include/ beside it", folder.display()));
    }
    match version(&folder) {
        Some(found) if found != VERSION => {
            fail(&format!("LIBTORCH names {}, which holds version {found}; {VERSION} is needed", folder.display()))
        }
        Some(_) | None => folder,
    }
}

/// The version that the distribution (`build-version`) or the Python package (`version.py`) says it is.
fn version(folder: &Path) -> Option<String> {
    let text = ["build-version", "version.py"].iter().find_map(|name| std::fs::read_to_string(folder.join(name)).ok())?;
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let number: String = text[start..].chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    Some(number)
}

fn fail(what: &str) -> ! {
    eprintln!("error: {what}.\nRun `./setup`, or `python3 runtime/torch/libtorch.py`, and build again.");
    exit(1);
}
