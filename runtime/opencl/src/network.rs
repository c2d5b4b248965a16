//! A network on a device: its weights, its arena, and one start of a kernel a layer.

use opencl3::event::Event;
use opencl3::kernel::Kernel;

use nasc_compiler::systolic::check::MOST_FLOATS;
use nasc_compiler::systolic::descriptor::{WORDS, describe, places};
use nasc_compiler::systolic::interpret::check_tensors;
use nasc_compiler::systolic::kernel::{Form, launches, queues};
use nasc_compiler::systolic::ports::{pack_input, unpack_map, unpack_output};
use nasc_compiler::systolic::schedule::{Map, Schedule, ScheduleError};

use crate::raw::{Argument, Memory, call, set_arguments, start};
use crate::{Error, Program};

/// The most work-groups of a start: enough that two or many threads share them evenly.
const GROUPS: u32 = 64;

/// A network that is ready to run.
pub struct Network {
    program: Program,
    schedule: Schedule,
    arena: Memory,
    /// Held for the kernels' arguments.
    _weights: Memory,
    _descriptors: Memory,
    _queues: Vec<Memory>,
    steps: Vec<Step>,
}

struct Step {
    layer: usize,
    kernel: Kernel,
    groups: usize,
}

/// What came of one record.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// By number of the output: f32[channels, height, width].
    pub outputs: Vec<Vec<f32>>,
    /// What the device measured, by layer.
    pub times: Vec<Time>,
}

/// How long a layer took on the device, from its first kernel's start to its last one's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// The number of the layer.
    pub layer: usize,
    /// Nanoseconds.
    pub nanoseconds: u64,
}

impl Network {
    /// Takes a network to a program's device. `tensors` by number, in the array's order.
    ///
    /// # Errors
    /// The schedule breaks a rule or is for another configuration, a tensor has the wrong size, or memory runs out.
    pub fn load(program: &Program, schedule: &Schedule, tensors: &[Vec<f32>]) -> Result<Network, Error> {
        schedule.check()?;
        if schedule.configuration != program.inner.configuration {
            return Err(Error::Configuration { network: schedule.configuration, program: program.inner.configuration });
        }
        check_tensors(schedule, tensors)?;
        let (device, form) = (&program.inner.device, program.inner.form);
        let (at, len) = places(tensors.iter().map(|tensor| tensor.len() as u64));
        let mut weights = Memory::new(&device.context, &device.queue, size(len))?;
        for (tensor, at) in tensors.iter().zip(&at) {
            weights.write(&device.queue, size(*at), tensor)?;
        }
        let arena = Memory::new(&device.context, &device.queue, size(schedule.arena + schedule.slack()))?;
        let rows: Vec<[i32; WORDS]> = schedule.layers.iter().map(|layer| describe(schedule, layer, &at, form)).collect();
        let mut descriptors = Memory::new(&device.context, &device.queue, rows.len() * WORDS)?;
        let words: Vec<f32> = rows.iter().flatten().map(|word| f32::from_bits(word.cast_unsigned())).collect();
        descriptors.write(&device.queue, 0, &words)?;
        let queues = match form {
            Form::Fused | Form::Channels => Vec::new(),
            Form::Queues => queue_memory(program, schedule)?,
        };
        let mut steps = Vec::with_capacity(rows.len());
        for (number, (layer, row)) in schedule.layers.iter().zip(&rows).enumerate() {
            for start in launches(schedule, layer, row, form) {
                let what = format!("find the kernel {}", start.kernel);
                let kernel = call(&what, Kernel::create(&program.inner.program, &start.kernel))?;
                let at = i32::try_from(number * WORDS).expect("a checked schedule has few layers");
                let mut arguments = Vec::new();
                arguments.extend(start.arena.then_some(Argument::Memory(&arena)));
                arguments.extend(start.weights.then_some(Argument::Memory(&weights)));
                arguments.extend([Argument::Memory(&descriptors), Argument::Number(at)]);
                if start.queues {
                    arguments.extend(queues.iter().map(Argument::Memory));
                }
                set_arguments(&kernel, &arguments)?;
                let groups = if start.exact { start.tasks } else { start.tasks.clamp(1, GROUPS) };
                steps.push(Step { layer: number, kernel, groups: groups as usize });
            }
        }
        Ok(Network {
            program: program.clone(),
            schedule: schedule.clone(),
            arena,
            _weights: weights,
            _descriptors: descriptors,
            _queues: queues,
            steps,
        })
    }

    /// Its schedule.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Runs one record; `inputs` by number, each f32[channels, height, width].
    ///
    /// # Errors
    /// An input has the wrong size, or the device fails.
    pub fn run(&mut self, inputs: &[Vec<f32>]) -> Result<Run, Error> {
        self.set_inputs(inputs)?;
        let times = self.start()?;
        Ok(Run { outputs: self.outputs()?, times })
    }

    /// As [`Network::run`], and each layer's map right after it ran: f32[channels, height, width].
    ///
    /// # Errors
    /// As [`Network::run`].
    pub fn run_layers(&mut self, inputs: &[Vec<f32>]) -> Result<(Run, Vec<Vec<f32>>), Error> {
        self.set_inputs(inputs)?;
        let mut times = Vec::new();
        let mut maps = Vec::new();
        for (number, layer) in self.schedule.layers.iter().enumerate() {
            times.extend(self.wait(self.enqueue(|step| step.layer == number)?)?);
            maps.push(unpack_map(&self.schedule, &layer.to, &self.read(&layer.to)?));
        }
        Ok((Run { outputs: self.outputs()?, times }, maps))
    }

    /// Copies inputs to the device.
    ///
    /// # Errors
    /// As [`Network::run`].
    pub fn set_inputs(&mut self, inputs: &[Vec<f32>]) -> Result<(), Error> {
        if inputs.len() != self.schedule.inputs.len() {
            return Err(Error::Schedule(ScheduleError::Broken {
                item: "the inputs".to_owned(),
                what: format!("{}, and the network has {}", inputs.len(), self.schedule.inputs.len()),
            }));
        }
        for (port, record) in self.schedule.inputs.iter().zip(inputs) {
            let packed = pack_input(&self.schedule, port, record)?;
            self.arena.write(&self.program.inner.device.queue, size(self.schedule.span(&port.map).start), &packed)?;
        }
        Ok(())
    }

    /// Runs all layers on what lies in the inputs and waits.
    ///
    /// # Errors
    /// The device fails.
    pub fn start(&self) -> Result<Vec<Time>, Error> {
        self.wait(self.enqueue(|_| true)?)
    }

    /// Copies outputs from the device.
    ///
    /// # Errors
    /// The device fails.
    pub fn outputs(&self) -> Result<Vec<Vec<f32>>, Error> {
        let one = |port| Ok(unpack_output(&self.schedule, port, &self.read(&port.map)?));
        self.schedule.outputs.iter().map(one).collect()
    }

    fn enqueue(&self, which: impl Fn(&Step) -> bool) -> Result<Vec<(usize, Event)>, Error> {
        let queue = &self.program.inner.device.queue;
        let steps = self.steps.iter().filter(|step| which(step));
        steps.map(|step| Ok((step.layer, start(queue, &step.kernel, step.groups)?))).collect()
    }

    fn wait(&self, events: Vec<(usize, Event)>) -> Result<Vec<Time>, Error> {
        call("finish", self.program.inner.device.queue.finish())?;
        let mut times: Vec<Time> = Vec::new();
        for (layer, event) in events {
            let begin = call("read a time", event.profiling_command_start())?;
            let nanoseconds = call("read a time", event.profiling_command_end())?.saturating_sub(begin);
            match times.last_mut() {
                Some(last) if last.layer == layer => last.nanoseconds += nanoseconds,
                Some(_) | None => times.push(Time { layer, nanoseconds }),
            }
        }
        Ok(times)
    }

    fn read(&self, map: &Map) -> Result<Vec<f32>, Error> {
        let span = self.schedule.span(map);
        self.arena.read(&self.program.inner.device.queue, size(span.start), size(span.end - span.start))
    }
}

/// The three queues, each as large as the layer asks that asks the most.
fn queue_memory(program: &Program, schedule: &Schedule) -> Result<Vec<Memory>, Error> {
    let mut most = [0u64; 3];
    for layer in &schedule.layers {
        let floats = queues(schedule, layer);
        for (most, floats) in most.iter_mut().zip(floats) {
            if floats > MOST_FLOATS {
                return Err(Error::Schedule(ScheduleError::Broken {
                    item: format!("layer `{}` ({})", layer.name, layer.place),
                    what: format!("queues in memory would take {floats} floats; {MOST_FLOATS} are possible"),
                }));
            }
            *most = (*most).max(floats);
        }
    }
    let device = &program.inner.device;
    most.iter().map(|&floats| Memory::new(&device.context, &device.queue, size(floats))).collect()
}

fn size(floats: u64) -> usize {
    usize::try_from(floats).expect("a checked schedule's sizes fit 31 bits")
}
