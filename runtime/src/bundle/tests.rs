//! Bundles written and read again, whole and damaged; maps that do not fit; pictures prepared by hand.

use super::map::{WantedWeight, WeightMap, by_own_names};
use super::*;
use crate::data::Arrays;
use nasc_compiler::driver::{NoSources, Options, Source, compile};
use nasc_compiler::systolic::interpret;
use nasc_compiler::systolic::lower::{Lowered, Lowering, lower};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const ARRAY: Configuration = Configuration { pe: 8, vec: 4, reuse: 2, buffered: false };

fn small() -> Lowered {
    let text = "space s() { input x: f32[N, 3, 8, 8]; output y = x |> conv(6, 3, stride = 2) |> batch_norm() |> relu() |> global_avg_pool() |> linear(4); }";
    let source = Source { name: "s.nas".into(), text: text.into() };
    let compilation = compile(source, &NoSources, &Options::default());
    lower(&compilation.supernets[0], &Lowering::new(ARRAY)).expect("it runs on the array")
}

/// Numbers by name, none of them zero.
fn weights(name: &str) -> Option<Vec<f32>> {
    let lowered = small();
    let source = lowered.sources.iter().find(|source| &*source.name == name)?;
    let count = source.shape.iter().product::<i64>();
    Some((0..count).map(|place| 0.1 + ((place * 7 + name.len() as i64) % 11) as f32 / 10.0).collect())
}

fn write(lowered: &Lowered, to: &Path) -> Result<(), BundleError> {
    let file = BundleFile {
        version: BUNDLE_VERSION,
        nasc: "0".into(),
        network: "s".into(),
        digest: "0".into(),
        configuration: ARRAY,
        arch: IndexMap::new(),
        preprocess: IndexMap::from([("x".to_owned(), Preprocess::default())]),
    };
    NewBundle { file, lowered, weights: &weights, kernels: vec![("fused.cl".into(), "// text\n".into())] }.write(to)
}

fn written() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder for a moment");
    let to = folder.path().join("bundle");
    write(&small(), &to).expect("the disk takes it");
    (folder, to)
}

#[test]
fn what_was_written_is_read_and_computes_the_same() {
    let (folder, to) = written();
    let lowered = small();
    let bundle = Bundle::open(&to).expect("it was just written");
    assert_eq!(bundle.schedule, lowered.schedule);
    let tensors = lowered.pack_all(&weights).expect("every weight is there");
    assert_eq!(bundle.tensors().expect("they were written"), tensors);
    let inputs = vec![(0..3 * 8 * 8).map(|place| place as f32 / 100.0).collect::<Vec<f32>>()];
    let ran = interpret(&bundle.schedule, &tensors, &inputs).expect("a lowered schedule runs");
    assert!(ran.outputs[0].iter().all(|value| *value != 0.0));
    // A bundle replaces a bundle, and leaves nothing beside it; anything else is left alone.
    write(&lowered, &to).expect("it is a bundle");
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1);
    let other = folder.path().join("other");
    fs::create_dir(&other).expect("the disk takes it");
    fs::write(other.join("letter.txt"), "dear").expect("the disk takes it");
    assert!(matches!(write(&lowered, &other), Err(BundleError::InTheWay { .. })));
    assert_eq!(fs::read_to_string(other.join("letter.txt")).expect("it is left alone"), "dear");
}

/// A weight that cannot be packed leaves no half of a bundle.
#[test]
fn a_bundle_is_whole_or_not_there() {
    let folder = TempDir::new().expect("a folder for a moment");
    let to = folder.path().join("bundle");
    let lowered = small();
    let (file, kernels) = (Bundle::open(&written().1).map(|bundle| bundle.file), Vec::new());
    let nothing = |name: &str| if name.ends_with("linear.w") { None } else { weights(name) };
    let new = NewBundle { file: file.expect("it was just written"), lowered: &lowered, weights: &nothing, kernels };
    assert!(matches!(new.write(&to), Err(BundleError::Weight(_))));
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 0);
}

#[test]
fn damage_is_named() {
    let change = |file: &str, from: &str, to: &str| {
        let (folder, root) = written();
        let path = root.join(file);
        let text = fs::read_to_string(&path).expect("it was written");
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replacen(from, to, 1)).expect("the disk takes it");
        let error = Bundle::open(&root).expect_err("it is damaged");
        drop(folder);
        error
    };
    assert!(matches!(change(BUNDLE, "\"version\": 1", "\"version\": 2"), BundleError::Version { found: 2, .. }));
    assert!(matches!(change(BUNDLE, "\"nasc\"", "\"nsac\""), BundleError::Malformed { .. }));
    assert!(matches!(change(BUNDLE, "\"pe\": 8", "\"pe\": 16"), BundleError::Malformed { .. }));
    assert!(matches!(change(BUNDLE, "\"std\": [\n        1.0\n", "\"std\": [\n        0.0\n"), BundleError::Preprocess { .. }));
    assert!(matches!(change(SCHEDULE, "\"version\": 1", "\"version\": 9"), BundleError::Version { found: 9, .. }));
    assert!(matches!(change(SCHEDULE, "\"arena\": ", "\"arena\": 9999999999"), BundleError::Schedule { .. }));
    assert!(matches!(change(SCHEDULE, "\"layers\": [", "\"layers\": [[],"), BundleError::Malformed { .. }));
    assert!(matches!(Bundle::open(Path::new("/")), Err(BundleError::NoBundle { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Any byte of any file may be another, and any file may be cut: an error or a bundle, no panic.
    #[test]
    fn any_damage_is_an_error_or_none(file in 0usize..3, place in any::<prop::sample::Index>(), byte: u8, cut: bool) {
        let (folder, root) = written();
        let path = root.join([BUNDLE, SCHEDULE, WEIGHTS][file]);
        let mut bytes = fs::read(&path).expect("it was written");
        let place = place.index(bytes.len());
        if cut { bytes.truncate(place) } else { bytes[place] = byte }
        fs::write(&path, bytes).expect("the disk takes it");
        if let Ok(bundle) = Bundle::open(&root)
            && let Ok(tensors) = bundle.tensors()
        {
            let inputs: Vec<Vec<f32>> = bundle.schedule.inputs.iter().map(|port| vec![1.0; port.shape.iter().map(|size| *size as usize).product()]).collect();
            // A changed number may ask for more memory than a test should take.
            if bundle.schedule.arena < 1 << 20 {
                let _ran = interpret(&bundle.schedule, &tensors, &inputs);
            }
        }
        drop(folder);
    }

    /// Any text is a map or an error, and so are any words of a way to prepare pictures.
    #[test]
    fn any_text_is_a_map_or_an_error(text in "[a-c*{}+i0-9.# \n=,/-]{0,60}", words in "[a-z0-9=,/. -]{0,40}") {
        if let Ok(map) = WeightMap::parse(Path::new("x"), &text) {
            let (_folder, root) = written();
            let mut arrays = Arrays::open(&root.join(WEIGHTS), 1 << 20).expect("it was written");
            let wanted = ["a", "a.b", "a1.b", "abc"].map(|name| WantedWeight { name: name.into(), shape: vec![1], needed: true });
            let _fits = map.apply(&wanted, &mut arrays);
        }
        let _preprocess = Preprocess::parse(&words);
    }
}

fn arrays(tensors: &[(&str, &[u32])]) -> (TempDir, Arrays) {
    let folder = TempDir::new().expect("a folder for a moment");
    let path = folder.path().join("w.safetensors");
    let count = |number: usize| tensors[number].1.iter().product::<u32>();
    write_tensors(&path, tensors, |number| Ok((0..count(number)).map(|value| value as f32).collect()))
        .expect("the disk takes it");
    let arrays = Arrays::open(&path, 1 << 20).expect("it was just written");
    (folder, arrays)
}

/// Everything that does not fit is in one message.
#[test]
fn all_that_is_missing_spare_or_ill_shaped_is_listed() {
    let wanted = |name: &str, shape: &[i64]| WantedWeight { name: name.into(), shape: shape.into(), needed: true };
    let needed = [wanted("a.w", &[2, 3]), wanted("b.w", &[4]), wanted("c.w", &[5]), wanted("d.w", &[2, 2])];
    let map = WeightMap::parse(Path::new("x.map"), "a.w A\nb.w B\nd.w D io\nz.w Z\nignore extra").expect("it is a map");
    let (_folder, mut file) = arrays(&[("A", &[3, 2]), ("D", &[2, 2]), ("extra", &[1]), ("more", &[1])]);
    let error = map.apply(&needed, &mut file).expect_err("hardly anything fits").to_string();
    for part in
        ["1 weights of the network that no line", "c.w", "B (for b.w)", "A is [3, 2], and a.w is [2, 3]", "more", "line 4"]
    {
        assert!(error.contains(part), "{part} in {error}");
    }
    assert!(!error.contains("extra"));
    // With the other order of axes it fits, and elements change places.
    let map = WeightMap::parse(Path::new("x.map"), "a.w A io").expect("it is a map");
    let (_folder, mut file) = arrays(&[("A", &[3, 2])]);
    let found = map.apply(&needed[..1], &mut file).expect("it fits");
    assert_eq!(found["a.w"], [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
    let (_folder, mut file) = arrays(&[("a.w", &[2, 3]), ("b.w", &[3])]);
    let error = by_own_names(&needed, &mut file).expect_err("two are missing").to_string();
    assert!(error.contains("c.w") && error.contains("b.w is [3]") && !error.contains("a.w"), "{error}");
}

fn png(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(width, height, |x, y| image::Rgb(pixel(x, y)));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).expect("memory takes it");
    bytes.into_inner()
}

/// The centre, blue first, each channel by its own numbers.
#[test]
fn pictures_become_inputs() {
    let own = Preprocess::parse("order=bgr scale=1 mean=1,2,3 std=2").expect("these words mean something");
    let bytes = png(6, 4, |x, y| [10 * x as u8, y as u8, 200]);
    let input = own.picture(Path::new("p.png"), &bytes, [3, 2, 2]).expect("it is large enough");
    // Columns 2 and 3, rows 1 and 2.
    assert_eq!(input, [99.5, 99.5, 99.5, 99.5, -0.5, -0.5, 0.0, 0.0, 8.5, 13.5, 8.5, 13.5]);
    // 6 x 4 with a short side of 2 is 3 x 2, and all of it is grey.
    let own = Preprocess::parse("short=2").expect("these words mean something");
    let grey = png(6, 4, |_, _| [51, 51, 51]);
    assert_eq!(own.picture(Path::new("p.png"), &grey, [3, 2, 2]).expect("it is large enough"), [0.2; 12]);
    let error = own.picture(Path::new("p.png"), &grey, [3, 3, 3]).expect_err("it is too small");
    assert!(error.to_string().contains("2 x 3 pixels"), "{error}");
    assert!(own.picture(Path::new("p.png"), &grey[..20], [3, 2, 2]).is_err());
    assert!(own.picture(Path::new("p.png"), &grey, [4, 2, 2]).is_err());
}

/// CIFAR's records with their labels, an array of records, and what is neither.
#[test]
fn records_come_from_files() {
    let folder = TempDir::new().expect("a folder for a moment");
    let (_bundle, root) = written();
    let bundle = Bundle::open(&root).expect("it was just written");
    let path = folder.path().join("x.safetensors");
    let two = |_: usize| Ok((0..2 * 192).map(|value| value as f32).collect());
    write_tensors(&path, &[("x", &[2, 3, 8, 8])], two).expect("the disk takes it");
    let records = read_records(&path, &bundle, None).expect("two records");
    assert_eq!((records.inputs.len(), records.inputs[1][0][0]), (2, 192.0));
    fs::remove_file(&path).expect("it is there");
    write_tensors(&path, &[("x", &[2, 3, 8, 4])], |_| Ok(vec![0.0; 192])).expect("the disk takes it");
    let error = read_records(&path, &bundle, None).expect_err("another size");
    assert!(error.to_string().contains("[2, 3, 8, 4]"), "{error}");
    let path = folder.path().join("x.bin");
    fs::write(&path, vec![7; 2 * 3073]).expect("the disk takes it");
    let error = read_records(&path, &bundle, None).expect_err("the network takes smaller ones");
    assert!(error.to_string().contains("[3, 32, 32]"), "{error}");
}
