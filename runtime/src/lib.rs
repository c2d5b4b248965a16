//! What running a space needs and no device does: data, settings, run folders, events, reports.

pub mod bundle;
pub mod data;
pub mod events;
mod number;
pub mod report;
pub mod run;
pub mod settings;
