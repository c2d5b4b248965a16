//! The spaces inside the binary: `@nasbench201` works wherever a file does, on a machine that has nothing but `nasc`.
//!
//! A test holds this table against the folder `spaces/`.

/// A space inside the binary.
pub(crate) struct Embedded {
    /// What follows the `@`.
    pub(crate) name: &'static str,
    /// Where its text stands in the project, the name that diagnostics show.
    pub(crate) path: &'static str,
    /// The text.
    pub(crate) text: &'static str,
}

/// Every space inside the binary, by name.
pub(crate) const SPACES: &[Embedded] = &[
    Embedded { name: "alexnet", path: "spaces/alexnet.nas", text: include_str!("../spaces/alexnet.nas") },
    Embedded { name: "autoformer_t", path: "spaces/autoformer_t.nas", text: include_str!("../spaces/autoformer_t.nas") },
    Embedded { name: "conv_macro", path: "spaces/conv_macro.nas", text: include_str!("../spaces/conv_macro.nas") },
    Embedded { name: "darts", path: "spaces/darts.nas", text: include_str!("../spaces/darts.nas") },
    Embedded {
        name: "efficientnet_lite0",
        path: "spaces/efficientnet_lite0.nas",
        text: include_str!("../spaces/efficientnet_lite0.nas"),
    },
    Embedded { name: "nasbench201", path: "spaces/nasbench201.nas", text: include_str!("../spaces/nasbench201.nas") },
    Embedded { name: "resnet152", path: "spaces/resnet152.nas", text: include_str!("../spaces/resnet152.nas") },
    Embedded { name: "resnet50", path: "spaces/resnet50.nas", text: include_str!("../spaces/resnet50.nas") },
    Embedded { name: "resnet_cifar", path: "spaces/resnet_cifar.nas", text: include_str!("../spaces/resnet_cifar.nas") },
    Embedded { name: "retinanet", path: "spaces/retinanet.nas", text: include_str!("../spaces/retinanet.nas") },
    Embedded { name: "retinanet_light", path: "spaces/retinanet_light.nas", text: include_str!("../spaces/retinanet_light.nas") },
    Embedded { name: "squeezenet", path: "spaces/squeezenet.nas", text: include_str!("../spaces/squeezenet.nas") },
    Embedded { name: "systolic_resnet", path: "spaces/systolic_resnet.nas", text: include_str!("../spaces/systolic_resnet.nas") },
    Embedded { name: "toy_cell", path: "spaces/toy_cell.nas", text: include_str!("../spaces/toy_cell.nas") },
];

/// The space of that name.
pub(crate) fn find(name: &str) -> Option<&'static Embedded> {
    SPACES.iter().find(|space| space.name == name)
}

impl Embedded {
    /// The first line of its documentation.
    pub(crate) fn summary(&self) -> &'static str {
        let first = self.text.lines().find_map(|line| line.strip_prefix("///"));
        first.map_or("", str::trim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    #[test]
    fn the_table_is_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("spaces");
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(&folder).expect("the folder of spaces is there") {
            let path = entry.expect("its entries can be read").path();
            if path.extension().is_some_and(|extension| extension == "nas") {
                let stem = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
                let text = fs::read_to_string(&path).expect("a space is text");
                let embedded = find(&stem).unwrap_or_else(|| panic!("`{stem}` is not in SPACES"));
                assert_eq!(embedded.text, text);
                assert_eq!(embedded.path, format!("spaces/{stem}.nas"));
                assert!(!embedded.summary().is_empty(), "{stem} begins with a line of documentation");
                found.insert(stem);
            }
        }
        assert_eq!(found.len(), SPACES.len(), "every entry of SPACES is a file");
    }
}
