//! A tiny space with a planted answer, its data, and folders of runs in a place that goes away.
//!
//! The space has two inputs: `signal`, which tells the class, and `noise`, which does not. The decision `source` takes one of
//! them; the decision `body` takes one of three bodies: a batch-norm over a layer of its own, a `relu`, nothing. Two times three
//! architectures, dropout behind them, one linear layer at the end.

use nasc_compiler::chosen::Chosen;
use nasc_compiler::extent::Extent;
use nasc_compiler::size::Size;
use nasc_compiler::supernet::{
    ALWAYS, Alternative, Attr, Context, ContextId, Cost, Creation, DType, Decision, DecisionId, Init, Input, Node, NodeId,
    NodeKind, Place, StateId, Supernet, TensorType, Use, Weight, WeightId,
};
use nasc_compiler::{count, passes};
use nasc_runtime::events::Event;
use nasc_runtime::run::{Kind, NewRun, RUN_VERSION, RunFile, RunFolder, SpaceFacts};
use nasc_runtime::settings::Settings;
use nasc_torch::random::{At, Purpose, normals};
use nasc_torch::worker::epochs::Ended;
use nasc_torch::worker::job::Job;
use nasc_torch::worker::space::Space;
use nasc_torch::worker::stop::Stop;
use nasc_torch::worker::{self, Sink, WorkerError};
use safetensors::tensor::{Dtype, TensorView};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;

const WIDTH: i64 = 6;
const HIDDEN: i64 = 8;
const CLASSES: i64 = 3;
const RECORDS: usize = 125;

/// A weight or a state: slot, name, shape, start.
type Declared<'a> = (&'a str, &'a str, &'a [i64], &'a str);

/// What an op is called with beside its operands.
struct Call<'a> {
    op: &'a str,
    attrs: &'a [(&'a str, Attr)],
    weights: &'a [Declared<'a>],
    states: &'a [Declared<'a>],
}

impl<'a> Call<'a> {
    fn plain(op: &'a str, attrs: &'a [(&'a str, Attr)]) -> Call<'a> {
        Call { op, attrs, weights: &[], states: &[] }
    }
}

/// Builds a supernet by hand: what is tested here begins behind the compiler.
struct Builder(Supernet);

impl Builder {
    fn place() -> Place {
        Place { file: "tiny.nas".into(), line: 1, column: 1 }
    }

    fn features(width: i64) -> TensorType {
        TensorType { dtype: DType::F32, shape: vec![Extent::Fixed(Size::batch()), Extent::known(width)] }
    }

    fn node(&mut self, kind: NodeKind, ty: TensorType, operands: &[NodeId]) -> NodeId {
        self.0.add(Node { kind, ty, path: "".into(), place: Builder::place() }, operands)
    }

    fn input(&mut self, name: &str, ty: TensorType, target: bool) -> NodeId {
        self.0.inputs.push(Input { name: name.into(), target });
        self.node(NodeKind::Input { input: self.0.inputs.len() - 1 }, ty, &[])
    }

    fn decision(&mut self, name: &str, labels: &[&str]) -> DecisionId {
        let alternatives = labels.iter().map(|label| Alternative { label: (*label).into(), search_only: false }).collect();
        self.0.decisions.push(Decision {
            name: name.into(),
            alternatives,
            met: vec![ALWAYS],
            subsets: None,
            place: Builder::place(),
        });
        DecisionId(self.0.decisions.len() as u32 - 1)
    }

    fn weight(name: &str, shape: &[i64], init: &str, created: ContextId) -> Weight {
        let init = Init { name: init.into(), args: Vec::new() };
        Weight { name: name.into(), dtype: DType::F32, shape: shape.to_vec(), init, created: vec![Creation::whole(created)] }
    }

    /// An op; its weights and states are created in one context.
    fn op(&mut self, call: Call, at: ContextId, ty: TensorType, operands: &[NodeId]) -> NodeId {
        let mut weights = indexmap::IndexMap::new();
        for (slot, name, shape, init) in call.weights {
            self.0.weights.push(Builder::weight(name, shape, init, at));
            weights.insert((*slot).into(), Use::whole(WeightId(self.0.weights.len() as u32 - 1)));
        }
        let mut states = indexmap::IndexMap::new();
        for (slot, name, shape, init) in call.states {
            self.0.states.push(Builder::weight(name, shape, init, at));
            states.insert((*slot).into(), Use::whole(StateId(self.0.states.len() as u32 - 1)));
        }
        let attrs = call.attrs.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
        self.node(NodeKind::Op { op: call.op.into(), attrs, weights, states }, ty, operands)
    }

    fn linear(&mut self, name: &str, from: i64, to: i64, at: ContextId, x: NodeId) -> NodeId {
        let macs = Size::batch().mul(&Size::known(from * to)).expect("small");
        self.0.costs.push(Cost { context: at, macs: Chosen::constant(macs) });
        let (w, b) = (format!("{name}.w"), format!("{name}.b"));
        let weights: [Declared; 2] = [("w", &w, &[to, from], "kaiming"), ("b", &b, &[to], "zeros")];
        self.op(Call { op: "linear", attrs: &[], weights: &weights, states: &[] }, at, Builder::features(to), &[x])
    }
}

/// The space.
pub(crate) fn supernet() -> Supernet {
    let mut b = Builder(Supernet::new("tiny".into()));
    let signal = b.input("signal", Builder::features(WIDTH), false);
    let noise = b.input("noise", Builder::features(WIDTH), false);
    let label = b.input("label", TensorType { dtype: DType::I64, shape: vec![Extent::Fixed(Size::batch())] }, true);
    let source = b.decision("source", &["noise", "signal"]);
    let body = b.decision("body", &["normed", "relu", "skip"]);
    b.0.contexts.push(Context { parent: ALWAYS, decision: body, answers: vec![0] });
    let normed = ContextId(1);
    let x = b.node(
        NodeKind::Mix { decision: source, alternatives: vec![0, 1], entangled: Vec::new() },
        Builder::features(WIDTH),
        &[noise, signal],
    );
    let x = b.linear("first.linear", WIDTH, HIDDEN, ALWAYS, x);
    let own = b.linear("body.normed.linear", HIDDEN, HIDDEN, normed, x);
    let attrs = [("momentum", Attr::Float(0.1)), ("eps", Attr::Float(1e-5)), ("affine", Attr::Bool(true))];
    let [gamma, beta, mean, var] = ["gamma", "beta", "mean", "var"].map(|slot| format!("body.normed.batch_norm.{slot}"));
    let weights: [Declared; 2] = [("gamma", &gamma, &[HIDDEN], "ones"), ("beta", &beta, &[HIDDEN], "zeros")];
    let states: [Declared; 2] = [("mean", &mean, &[HIDDEN], "zeros"), ("var", &var, &[HIDDEN], "ones")];
    let own = b.op(
        Call { op: "batch_norm", attrs: &attrs, weights: &weights, states: &states },
        normed,
        Builder::features(HIDDEN),
        &[own],
    );
    let relu = b.op(Call::plain("relu", &[]), ALWAYS, Builder::features(HIDDEN), &[x]);
    let x = b.node(
        NodeKind::Mix { decision: body, alternatives: vec![0, 1, 2], entangled: Vec::new() },
        Builder::features(HIDDEN),
        &[own, relu, x],
    );
    let x = b.op(Call::plain("dropout", &[("p", Attr::Float(0.1))]), ALWAYS, Builder::features(HIDDEN), &[x]);
    let logits = b.linear("logits.linear", HIDDEN, CLASSES, ALWAYS, x);
    let scalar = TensorType { dtype: DType::F32, shape: Vec::new() };
    let loss = b.op(Call::plain("cross_entropy", &[("ignore", Attr::Int(-100))]), ALWAYS, scalar.clone(), &[logits, label]);
    let accuracy = b.op(Call::plain("accuracy", &[]), ALWAYS, scalar, &[logits, label]);
    b.0.outputs.push(("logits".into(), logits));
    b.0.losses.push(loss);
    b.0.metrics.push(("accuracy".into(), accuracy));
    let mut supernet = b.0;
    passes::run_all(&mut supernet);
    supernet
}

/// Records whose class is in `signal` and not in `noise`; `scale` multiplies the signal.
fn records(path: &Path, scale: f64) {
    let count = RECORDS * WIDTH as usize;
    let drawn = normals(At::once(11, Purpose::DecisionParameters), 2 * count);
    let class = |record: usize| (record * 7 % 11 % CLASSES as usize) as i64;
    let signal = (0..count).map(|at| {
        let (record, feature) = (at / WIDTH as usize, at % WIDTH as usize);
        let own = if feature as i64 % CLASSES == class(record) { 2.0 } else { 0.0 };
        ((own + 0.5 * drawn[at]) * scale) as f32
    });
    let bytes = |values: &mut dyn Iterator<Item = f32>| values.flat_map(f32::to_le_bytes).collect::<Vec<u8>>();
    let (signal, noise) = (bytes(&mut signal.into_iter()), bytes(&mut drawn[count..].iter().map(|value| *value as f32)));
    let labels: Vec<u8> = (0..RECORDS).flat_map(|record| class(record).to_le_bytes()).collect();
    let features = vec![RECORDS, WIDTH as usize];
    let view = |dtype, shape: &[usize], bytes| TensorView::new(dtype, shape.to_vec(), bytes).expect("bytes of that shape");
    let arrays = [
        ("signal", view(Dtype::F32, &features, &signal)),
        ("noise", view(Dtype::F32, &features, &noise)),
        ("label", view(Dtype::I64, &[RECORDS], &labels)),
    ];
    safetensors::tensor::serialize_to_file(arrays, None, path).expect("a file in a temporary folder");
}

/// A place for runs.
pub(crate) struct Bench {
    folder: TempDir,
    /// The settings of runs that are made here.
    pub(crate) settings: Settings,
}

impl Bench {
    /// A place with data, and settings for a search of a second.
    pub(crate) fn new() -> Bench {
        Bench::with_signal(1.0)
    }

    /// The same with the signal multiplied.
    pub(crate) fn with_signal(scale: f64) -> Bench {
        let folder = TempDir::new().expect("a temporary folder");
        let data = folder.path().join("data.safetensors");
        records(&data, scale);
        let mut settings = Settings::default();
        settings.data.source = data.to_string_lossy().into_owned();
        settings.search.epochs = 3;
        settings.search.batch = 8;
        settings.search.arch_lr = 0.1;
        settings.search.lr = 0.1;
        settings.search.candidate_epochs = 2;
        settings.train.epochs = 2;
        settings.train.batch = 16;
        settings.run.seeds = vec![1];
        settings.run.threads = 1;
        // Checkpoints where they are due in any case, or a test asks for them.
        settings.run.checkpoint_seconds = 3600;
        Bench { folder, settings }
    }

    /// A new run.
    pub(crate) fn make(&self, name: &str, kind: Kind, arch: Option<String>) -> PathBuf {
        let root = self.folder.path().join(name);
        let space = Space::new(supernet());
        let facts = SpaceFacts {
            name: "tiny".into(),
            file: "tiny.nas".into(),
            signature: space.signature.clone(),
            digest: space.digest.clone(),
            parameters: indexmap::IndexMap::new(),
            decisions: 2,
            architectures: count::count(&space.supernet).expect("a small space").to_string(),
            supernet_params: 0,
            supernet_macs: space.macs(None),
        };
        let new = NewRun {
            run: RunFile { version: RUN_VERSION, nasc: "0.1.0".into(), kind, space: facts },
            sources: Vec::new(),
            supernet: nasc_compiler::supernet::file::to_json(&space.supernet),
            settings: toml::to_string(&self.settings).expect("settings are plain data"),
            arch,
        };
        let _alone = alone();
        RunFolder::create(&root, &new).expect("a new folder");
        root
    }

    /// A new search.
    pub(crate) fn search(&self, name: &str) -> PathBuf {
        self.make(name, Kind::Search, None)
    }
}

/// One job at a time: libtorch's generator and its number of threads belong to the process, and a job seeds it in every step.
static WORKER: Mutex<()> = Mutex::new(());

/// Nothing works in this process, and no process begins, while this is held: between its fork and its start, a process holds the
/// locks of the one that forked it.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    // A test that failed while it held the worker has said so itself.
    WORKER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does a job and returns how it ended and what it said.
pub(crate) fn work(root: &Path, job: Job, resume: bool, stop: Stop) -> (Result<Ended, WorkerError>, Vec<Event>) {
    let said = Rc::new(RefCell::new(Vec::new()));
    let sink: Sink = Box::new({
        let said = said.clone();
        move |event| {
            said.borrow_mut().push(event.clone());
            true
        }
    });
    let held = alone();
    let ended = worker::run(root, job, resume, stop, sink);
    drop(held);
    let said = said.borrow().clone();
    (ended, said)
}

/// Does a whole job.
pub(crate) fn complete(root: &Path, job: Job) -> Vec<Event> {
    let (ended, said) = work(root, job, false, Stop::default());
    assert_eq!(ended.expect("a job without a fault"), Ended::Done);
    said
}

/// Every file of a run that must not depend on how often it was stopped, with its bytes.
pub(crate) fn results(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of the run") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
            if name == "checkpoint" || name == "timings.jsonl" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(name, std::fs::read(&path).expect("a file of the run"));
            }
        }
    }
    files
}
