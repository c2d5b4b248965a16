//! Records to maps and back: what a host copies into the arena before a run and out of it afterwards.
//!
//! Whoever writes a map writes its border and its empty lanes too, so a packed input is all of the map's blocks.

use super::schedule::{Map, Port, Schedule, ScheduleError};

/// An input's blocks, with border and empty lanes, as they lie at [`Schedule::span`] of its map.
/// `record` is f32[channels, height, width]. The schedule is checked.
///
/// # Errors
/// The record has another size.
pub fn pack_input(schedule: &Schedule, port: &Port, record: &[f32]) -> Result<Vec<f32>, ScheduleError> {
    let [channels, height, width] = sizes(port);
    if record.len() != channels * height * width {
        return Err(ScheduleError::Broken {
            item: format!("input `{}`", port.name),
            what: format!("{} floats, and {channels} x {height} x {width} are asked for", record.len()),
        });
    }
    let vec = schedule.configuration.vec as usize;
    let buffer = schedule.buffer(&port.map);
    let (columns, block) = (buffer.columns() as usize, buffer.block(schedule.configuration.vec) as usize);
    let fold = port.fold as usize;
    let mut packed = vec![0.0; port.map.blocks(schedule.configuration.vec) as usize * block];
    for channel in 0..channels {
        for row in 0..height {
            for column in 0..width {
                let place = column + port.pad as usize;
                let lane = place % fold * channels + channel;
                let pixel = (row + buffer.top as usize) * columns + place / fold + buffer.left as usize;
                packed[lane / vec * block + pixel * vec + lane % vec] = record[(channel * height + row) * width + column];
            }
        }
    }
    Ok(packed)
}

/// An output's record, f32[channels, height, width], from its map's blocks as they lie at [`Schedule::span`].
pub fn unpack_output(schedule: &Schedule, port: &Port, packed: &[f32]) -> Vec<f32> {
    unpack_map(schedule, &port.map, packed)
}

/// A map's picture, f32[channels, height, width], from its blocks as they lie at [`Schedule::span`].
pub fn unpack_map(schedule: &Schedule, map: &Map, packed: &[f32]) -> Vec<f32> {
    let vec = schedule.configuration.vec as usize;
    let buffer = schedule.buffer(map);
    let (columns, block) = (buffer.columns() as usize, buffer.block(schedule.configuration.vec) as usize);
    let mut record = Vec::with_capacity(map.channels as usize * buffer.height as usize * buffer.width as usize);
    for channel in 0..map.channels as usize {
        for row in 0..buffer.height as usize {
            let line = channel / vec * block + ((row + buffer.top as usize) * columns + buffer.left as usize) * vec;
            record.extend((0..buffer.width as usize).map(|column| packed[line + column * vec + channel % vec]));
        }
    }
    record
}

fn sizes(port: &Port) -> [usize; 3] {
    port.sizes().expect("a checked port has one of two ranks").map(|size| size as usize)
}
