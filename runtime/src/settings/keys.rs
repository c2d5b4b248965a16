//! The table of all keys: what each means and what it may be.
//!
//! Checking, `--print-settings`, `docs/settings.md` and the suggestions for misspelt keys read this table and no other. A test
//! holds that it has exactly the keys of [`Settings`](super::Settings), and that every default is allowed.

/// The sections of the file, in its order, with what they are about. `space` holds the space's own parameters.
pub const SECTIONS: &[(&str, &str)] = &[
    ("space", "Parameters of the space. Those not set have the space's own defaults."),
    ("data", "Where records come from and what is done to them."),
    ("search", "The search."),
    ("train", "The training of networks by themselves."),
    ("run", "Seeds, device, threads."),
];

/// A key of the file.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Section and name, such as `search.lr`.
    pub name: &'static str,
    /// What it means, in one or two sentences.
    pub doc: &'static str,
    /// What it may be.
    pub allowed: Allowed,
}

/// What a key may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Allowed {
    /// `true` or `false`.
    Bool,
    /// An integer, both ends included.
    Int(i64, i64),
    /// A finite number.
    Number(Low, High),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A word that can begin a trial's name.
    Word,
    /// A text that is not empty and holds no control characters.
    Text,
    /// `cpu`, `cuda` or `cuda:N`.
    Device,
    /// A list of numbers, one a channel, at most [`CHANNELS`]; may be empty.
    Channels(Low),
    /// Two numbers from 0 on, below 1.
    Betas,
    /// Distinct seeds, at least one.
    Seeds,
}

/// Where a range of numbers begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Low {
    /// With every finite number.
    Any,
    /// With this number.
    From(f64),
    /// Right above this number.
    Above(f64),
}

/// Where a range of numbers ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum High {
    /// With every finite number.
    Any,
    /// With this number.
    To(f64),
    /// Right below this number.
    Below(f64),
}

/// The largest count of things that a run goes through one by one: more is a slip of the finger.
const MANY: i64 = 1_000_000;
/// The largest integer that every reader of JSON and TOML keeps.
const LARGEST: i64 = i64::MAX;
/// The most threads of one kind.
const THREADS: i64 = 1024;
/// The most channels whose mean and deviation can be set.
pub const CHANNELS: usize = 1024;
/// The most seeds of a run.
pub const SEEDS: usize = 1000;

const NOT_NEGATIVE: Allowed = Allowed::Number(Low::From(0.0), High::Any);
const POSITIVE: Allowed = Allowed::Number(Low::Above(0.0), High::Any);
const MOMENTUM: Allowed = Allowed::Number(Low::From(0.0), High::Below(1.0));
/// Beyond these, 32 bits hold no difference between alternatives, or no alternative but one.
const TEMPERATURE: Allowed = Allowed::Number(Low::From(0.001), High::To(1000.0));
const PORTION: Allowed = Allowed::Number(Low::Above(0.0), High::Below(1.0));

const OPTIMIZER: Allowed = Allowed::OneOf(&["sgd", "adam", "adamw"]);

/// What the sections of the search and of training say alike.
const WARMUP: &str = "Epochs at the start in which the learning rate rises from 0 along a line, step by step; the cosine takes the \
                      rest.";
const NESTEROV: &str = "Whether that momentum is Nesterov's.";
const BETAS: &str = "Of `adam` and `adamw`: how much of the running mean of the gradient, and of its square, each step keeps. \
                     `sgd` does not read them.";
const WEIGHT_DECAY: &str = "Weight decay of all weights alike, biases and normalisations too. `sgd` and `adam` add it, times the \
                            weight, to the gradient; `adamw` takes it, times the learning rate and the weight, off the weight.";

/// Every key, in the order of the file.
pub const KEYS: &[Key] = &[
    Key {
        name: "data.source",
        doc: "Where records come from: `digits` (built in), or the path of a folder or file.",
        allowed: Allowed::Text,
    },
    Key {
        name: "data.train_portion",
        doc: "The part of the training records that trains weights during a search; the rest judges decisions and candidates.",
        allowed: PORTION,
    },
    Key { name: "data.split_seed", doc: "The seed of that split.", allowed: Allowed::Int(0, LARGEST) },
    Key {
        name: "data.test_portion",
        doc: "Of data without a test part of its own: the share of the records that is set aside for it.",
        allowed: PORTION,
    },
    Key {
        name: "data.mean",
        doc: "Subtracted from each channel, after pixels are scaled to 0..1. Empty: measured on the training records.",
        allowed: Allowed::Channels(Low::Any),
    },
    Key {
        name: "data.std",
        doc: "What each channel is divided by. Empty: measured on the training records.",
        allowed: Allowed::Channels(Low::Above(0.0)),
    },
    Key {
        name: "data.crop",
        doc: "Pixels of zero padding around a picture before a random crop back to its size; 0 turns it off.",
        allowed: Allowed::Int(0, 65_536),
    },
    Key { name: "data.flip", doc: "Whether pictures are flipped left to right in half of the cases.", allowed: Allowed::Bool },
    Key {
        name: "data.cutout",
        doc: "The side of a square of zeros put at a random place of a picture (cutout); 0 turns it off.",
        allowed: Allowed::Int(0, 65_536),
    },
    Key {
        name: "data.mixup",
        doc: "The parameter of the Beta distribution by which pairs of records are mixed (mixup); 0 turns it off.",
        allowed: NOT_NEGATIVE,
    },
    Key {
        name: "data.resize",
        doc: "Whether pictures of another size are brought to the input's; otherwise they are an error.",
        allowed: Allowed::Bool,
    },
    Key {
        name: "data.memory",
        doc: "The memory that the records may take, in MiB. Pictures of a folder that need more are decoded each time they are used.",
        allowed: Allowed::Int(1, 1 << 30),
    },
    Key {
        name: "data.loaders",
        doc: "Threads that read and prepare batches. Results do not depend on their number.",
        allowed: Allowed::Int(1, THREADS),
    },
    Key { name: "search.algorithm", doc: "One of those that `nasc algorithms` lists.", allowed: Allowed::Word },
    Key {
        name: "search.control",
        doc: "The algorithm that gets the same budget for comparison, or `none`.",
        allowed: Allowed::Word,
    },
    Key { name: "search.epochs", doc: "Epochs over the part of the data that trains weights.", allowed: Allowed::Int(1, MANY) },
    Key { name: "search.batch", doc: "Records a step.", allowed: Allowed::Int(1, MANY) },
    Key { name: "search.optimizer", doc: "What the weights learn by.", allowed: OPTIMIZER },
    Key { name: "search.lr", doc: "Learning rate of the weights at the start, or after `search.warmup`.", allowed: POSITIVE },
    Key { name: "search.lr_min", doc: "Learning rate of the weights at the end; a cosine leads there.", allowed: NOT_NEGATIVE },
    Key { name: "search.warmup", doc: WARMUP, allowed: Allowed::Int(0, MANY) },
    Key { name: "search.momentum", doc: "Momentum of the weights' `sgd`. The others do not read it.", allowed: MOMENTUM },
    Key { name: "search.nesterov", doc: NESTEROV, allowed: Allowed::Bool },
    Key { name: "search.betas", doc: BETAS, allowed: Allowed::Betas },
    Key { name: "search.weight_decay", doc: WEIGHT_DECAY, allowed: NOT_NEGATIVE },
    Key {
        name: "search.clip",
        doc: "The largest norm of all gradients of the weights together; 0 leaves them as they are.",
        allowed: NOT_NEGATIVE,
    },
    Key { name: "search.arch_lr", doc: "Learning rate of the decisions' parameters (Adam).", allowed: POSITIVE },
    Key { name: "search.arch_betas", doc: "Adam's betas of the decisions' parameters.", allowed: Allowed::Betas },
    Key {
        name: "search.arch_warmup",
        doc: "Epochs at the start in which only the weights learn.",
        allowed: Allowed::Int(0, MANY),
    },
    Key {
        name: "search.regularizer",
        doc: "What holds DrNAS' parameters back: `l2`, weight decay; `kl`, the divergence from the uniform Dirichlet.",
        allowed: Allowed::OneOf(&["l2", "kl"]),
    },
    Key {
        name: "search.regularizer_scale",
        doc: "The regulariser's scale. DARTS and GDAS have weight decay of their parameters, on this scale, and nothing else.",
        allowed: NOT_NEGATIVE,
    },
    Key {
        name: "search.mixture",
        doc: "How DARTS' parameters become mixture weights: `softmax`, as in DARTS; `sparsemax`, which leaves weak alternatives \
              out, as TangleNAS' public code has it where weights are entangled (elsewhere it takes `softmax`).",
        allowed: Allowed::OneOf(&["softmax", "sparsemax"]),
    },
    Key {
        name: "search.tau_max",
        doc: "GDAS' temperature in the first epoch; it falls along a line, epoch by epoch.",
        allowed: TEMPERATURE,
    },
    Key { name: "search.tau_min", doc: "GDAS' temperature in the last epoch.", allowed: TEMPERATURE },
    Key {
        name: "search.recalibrate",
        doc: "Batches from which batch-norm statistics are re-estimated before a network with another's weights is judged or \
              saved; 0: never.",
        allowed: Allowed::Int(0, MANY),
    },
    Key {
        name: "search.candidate_epochs",
        doc: "Epochs for which random search trains each candidate; 0: as many as `search.epochs`.",
        allowed: Allowed::Int(0, MANY),
    },
    Key { name: "train.epochs", doc: "Epochs over all training records.", allowed: Allowed::Int(1, MANY) },
    Key { name: "train.batch", doc: "Records a step.", allowed: Allowed::Int(1, MANY) },
    Key { name: "train.optimizer", doc: "What the weights learn by.", allowed: OPTIMIZER },
    Key { name: "train.lr", doc: "Learning rate at the start, or after `train.warmup`.", allowed: POSITIVE },
    Key { name: "train.lr_min", doc: "Learning rate at the end; a cosine leads there.", allowed: NOT_NEGATIVE },
    Key { name: "train.warmup", doc: WARMUP, allowed: Allowed::Int(0, MANY) },
    Key { name: "train.momentum", doc: "Momentum of `sgd`. The others do not read it.", allowed: MOMENTUM },
    Key { name: "train.nesterov", doc: NESTEROV, allowed: Allowed::Bool },
    Key { name: "train.betas", doc: BETAS, allowed: Allowed::Betas },
    Key { name: "train.weight_decay", doc: WEIGHT_DECAY, allowed: NOT_NEGATIVE },
    Key {
        name: "train.clip",
        doc: "The largest norm of all gradients together; 0 leaves them as they are.",
        allowed: NOT_NEGATIVE,
    },
    Key { name: "train.inherit", doc: "Start from the supernet's weights, not from fresh ones.", allowed: Allowed::Bool },
    Key { name: "train.control", doc: "Train the control's networks too, for the report.", allowed: Allowed::Bool },
    Key {
        name: "run.seeds",
        doc: "One trial a seed, of the algorithm and of the control; every random draw of a trial follows from its seed.",
        allowed: Allowed::Seeds,
    },
    Key { name: "run.device", doc: "Where networks run.", allowed: Allowed::Device },
    Key {
        name: "run.threads",
        doc: "Threads of libtorch. Results are the same only for the same number.",
        allowed: Allowed::Int(1, THREADS),
    },
    Key {
        name: "run.checkpoint_seconds",
        doc: "Seconds between checkpoints within an epoch; one is written at the end of each epoch in any case. 0: after every \
              step.",
        allowed: Allowed::Int(0, MANY),
    },
];

/// The key of that full name.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

impl Key {
    /// `search` of `search.lr`.
    pub fn section(&self) -> &'static str {
        self.name.split_once('.').map_or("", |(section, _)| section)
    }

    /// `lr` of `search.lr`.
    pub fn bare(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(_, bare)| bare)
    }
}

impl Allowed {
    /// In words, to follow "must be".
    pub fn words(&self) -> String {
        match self {
            Allowed::Bool => "`true` or `false`".into(),
            Allowed::Int(low, LARGEST) => format!("an integer from {low} on"),
            Allowed::Int(low, high) => format!("an integer from {low} to {high}"),
            Allowed::Number(low, high) => format!("a number{}", range(*low, *high)),
            Allowed::OneOf(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                match quoted.split_last() {
                    Some((last, before)) if before.len() > 1 => format!("{} or {last}", before.join(", ")),
                    Some(_) | None => quoted.join(" or "),
                }
            }
            Allowed::Word => "a word of at most 40 letters, digits, `-` and `_`".into(),
            Allowed::Text => "a text that is not empty and has no control characters".into(),
            Allowed::Device => "`cpu`, `cuda` or `cuda:` and a number up to 63".into(),
            Allowed::Channels(low) => format!("a list of up to {CHANNELS} numbers{}, one a channel", range(*low, High::Any)),
            Allowed::Betas => "two numbers from 0 on, below 1".into(),
            Allowed::Seeds => format!("a list of 1 to {SEEDS} different integers from 0 on"),
        }
    }
}

fn range(low: Low, high: High) -> String {
    let low = match low {
        Low::Any => None,
        Low::From(number) => Some(format!("from {number} on")),
        Low::Above(number) => Some(format!("above {number}")),
    };
    let high = match high {
        High::Any => None,
        High::To(number) => Some(format!("at most {number}")),
        High::Below(number) => Some(format!("below {number}")),
    };
    match (low, high) {
        (None, None) => String::new(),
        (Some(one), None) | (None, Some(one)) => format!(" {one}"),
        (Some(low), Some(high)) => format!(" {low}, {high}"),
    }
}
