//! How long a run takes that has nothing to do, beside the least that any tool could take: one login a node and one
//! script written by hand that looks at the same things.
//!
//! `make bench` (as root) brings up labs of 2, 10 and 50 nodes, one after the other, applies the workload once, lets the
//! hand-written script prove it, and then measures in pairs, floor and nodewright in turn. What counts is the ratio
//! within a pair: seconds tell more of the machine than of the program. `NODEWRIGHT_BENCH_NODES=2,10` limits the labs,
//! `NODEWRIGHT_BENCH_PAIRS=3` the pairs.

mod measure;
mod workload;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use measure::{PROGRAM, Place};
use nodewright::lab::{self, Lab, LabSpec};

/// Nodes of a lab and the pairs that are measured on it.
const SIZES: [(u8, usize); 3] = [(2, 9), (10, 7), (50, 3)];

/// What one lab gave.
struct Row {
    nodes: u8,
    floor: Vec<f64>,
    cold: Vec<f64>,
    floor_warm: Vec<f64>,
    warm: Vec<f64>,
    first: Duration,
    memory: measure::Memory,
}

fn main() -> Result<()> {
    let wanted = numbers("NODEWRIGHT_BENCH_NODES")?;
    let pairs = numbers("NODEWRIGHT_BENCH_PAIRS")?;
    sweep();
    println!(
        "An apply with nothing to do, {} resources a node; load before: {}",
        workload::resources(),
        std::fs::read_to_string("/proc/loadavg")?.trim()
    );
    println!(
        "{:>5}  {:>5}  {:>9}  {:>10}  {:>10}  {:>10}  {:>10}  {:>8}  {:>12}  {:>11}",
        "nodes",
        "pairs",
        "floor s",
        "nodewr. s",
        "ratio",
        "warm fl. s",
        "warm nw. s",
        "warm r.",
        "RSS MiB",
        "1st apply s"
    );
    for (nodes, most) in SIZES {
        if wanted.is_empty() || wanted.contains(&usize::from(nodes)) {
            let pairs = pairs.first().copied().unwrap_or(most).max(1);
            show(&measure(nodes, pairs).with_context(|| format!("with {nodes} nodes"))?);
        }
    }
    Ok(())
}

fn numbers(variable: &str) -> Result<Vec<usize>> {
    let text = std::env::var(variable).unwrap_or_default();
    text.split([',', ' '])
        .filter(|word| !word.is_empty())
        .map(|word| {
            word.parse()
                .with_context(|| format!("{variable}: `{word}` is no number"))
        })
        .collect()
}

/// Takes down what a benchmark left that was killed.
fn sweep() {
    for name in lab::names() {
        let pid = name.strip_prefix("bench-");
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = lab::down(&name);
        }
    }
}

fn measure(nodes: u8, pairs: usize) -> Result<Row> {
    let mut spec = LabSpec::debian(format!("bench-{}", std::process::id()), nodes);
    spec.program = Some(PROGRAM.into());
    // It goes down when it is dropped, after a panic too.
    let lab = Lab::up(&spec)?;
    let mut place = Place::new(&lab)?;
    let first = place.first_apply()?;
    place.open_masters()?;
    let mut row = Row {
        nodes,
        floor: Vec::new(),
        cold: Vec::new(),
        floor_warm: Vec::new(),
        warm: Vec::new(),
        first,
        memory: place.memory()?,
    };
    for pair in 0..pairs {
        let runtime = place.fresh()?;
        // Who comes first changes, so that neither finds the machine always as the other left it.
        if pair.is_multiple_of(2) {
            row.floor.push(place.floor_cold()?.as_secs_f64());
            row.cold.push(place.nothing_to_do(&runtime)?.as_secs_f64());
            row.floor_warm.push(place.floor_warm()?.as_secs_f64());
            row.warm.push(place.nothing_to_do(&runtime)?.as_secs_f64());
        } else {
            row.cold.push(place.nothing_to_do(&runtime)?.as_secs_f64());
            row.floor.push(place.floor_cold()?.as_secs_f64());
            row.warm.push(place.nothing_to_do(&runtime)?.as_secs_f64());
            row.floor_warm.push(place.floor_warm()?.as_secs_f64());
        }
        place.leave(&runtime)?;
    }
    place.close_masters();
    Ok(row)
}

fn show(row: &Row) {
    let mib = |kib: u64| format!("{}.{}", kib / 1024, kib % 1024 * 10 / 1024);
    println!(
        "{:>5}  {:>5}  {:>9.3}  {:>10.3}  {:>10.2}  {:>10.3}  {:>10.3}  {:>8.2}  {:>12}  {:>11.1}",
        row.nodes,
        row.floor.len(),
        median(row.floor.clone()),
        median(row.cold.clone()),
        median(ratios(&row.cold, &row.floor)),
        median(row.floor_warm.clone()),
        median(row.warm.clone()),
        median(ratios(&row.warm, &row.floor_warm)),
        format!("{} ({})", mib(row.memory.own), mib(row.memory.all)),
        row.first.as_secs_f64(),
    );
}

fn ratios(ours: &[f64], floor: &[f64]) -> Vec<f64> {
    ours.iter().zip(floor).map(|(a, b)| a / b).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    }
}
