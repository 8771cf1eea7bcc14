use bench_kit::{Machine, cannot};
use pubsub_api::Result;

use crate::contender::{Contender, Programs};
use crate::figure::Figures;
use crate::limits::raise_open_files;
use crate::mode::Mode;
use crate::options::Arguments;
use crate::plot;
use crate::report::{Measured, Report, Server};
use crate::table;

/// Runs the requested measurements, and prints and saves the results.
///
/// # Errors
/// If a server is missing or fails, or an event was lost; in this case nothing is reported.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let numbers = |mode: Mode| match arguments.subscribers.as_slice() {
        [] => mode.subscribers().to_vec(),
        given => given.to_vec(),
    };
    let most = arguments.modes.iter().flat_map(|mode| numbers(*mode)).max().unwrap_or(0);
    raise_open_files(most)?;
    let (contenders, programs) = (arguments.contenders(), arguments.programs()?);
    let servers = contenders.iter().map(|one| server(one, &programs)).collect::<Result<_>>()?;
    let machine = Machine::this();
    let mut measured = Vec::new();
    for mode in &arguments.modes {
        measured.extend(in_turns(arguments, *mode, &numbers(*mode), (&contenders, &programs))?);
    }
    let report = Report::new(machine, servers, arguments, measured);
    for mode in &arguments.modes {
        println!("{}\n{}\n", mode.name(), table::of(&report, *mode));
    }
    if let Some(file) = &arguments.save {
        let text = serde_json::to_string_pretty(&report).map_err(cannot("write JSON"))? + "\n";
        std::fs::write(file, text).map_err(cannot(format!("write {}", file.display())))?;
    }
    if let Some(file) = &arguments.svg {
        std::fs::write(file, plot::svg(&report)).map_err(cannot(format!("write {}", file.display())))?;
    }
    Ok(())
}

fn server(contender: &Contender, programs: &Programs) -> Result<Server> {
    Ok(Server {
        name: contender.name.clone(),
        what: contender.kind.describe(),
        version: contender.version(programs)?,
        settings: contender.settings.clone(),
        is_peer: contender.kind.is_peer(),
    })
}

/// All servers take turns in each run, so that a disturbance of the machine affects all of them.
fn in_turns(
    arguments: &Arguments,
    mode: Mode,
    numbers: &[usize],
    (contenders, programs): (&[Contender], &Programs),
) -> Result<Vec<Measured>> {
    let mut measured: Vec<Measured> = Vec::new();
    for run in 1..=arguments.runs {
        for subscribers in numbers {
            for contender in contenders.iter().filter(|one| mode.suits(one.kind)) {
                let what = format!("{} {run}/{}, {subscribers}", mode.name(), arguments.runs);
                let figures = mode
                    .run((contender, programs), *subscribers, arguments.timing())
                    .map_err(|error| error.context(&what))?;
                eprintln!("{what}, {}: {}", contender.name, in_short(mode, &figures));
                put(&mut measured, mode, *subscribers, &contender.name, figures);
            }
        }
    }
    measured.sort_by_key(|one| one.subscribers);
    Ok(measured)
}

fn put(measured: &mut Vec<Measured>, mode: Mode, subscribers: usize, server: &str, figures: Figures) {
    let same = |one: &&mut Measured| one.subscribers == subscribers && one.server == server;
    match measured.iter_mut().find(same) {
        Some(one) => one.runs.push(figures),
        None => {
            measured.push(Measured {
                mode: mode.name(),
                subscribers,
                server: server.to_owned(),
                runs: vec![figures],
            });
        }
    }
}

fn in_short(mode: Mode, figures: &Figures) -> String {
    let shown = mode.figures().iter().filter_map(|figure| {
        let value = figures.get(figure.key)?;
        Some(format!("{} {value:.*}", figure.heading, figure.decimals))
    });
    shown.collect::<Vec<_>>().join(", ")
}
