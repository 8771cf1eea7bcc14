use crate::Machine;
use crate::plot::Canvas;

/// Writes the title of a plot of this width, and below it the machine and the number of runs.
pub fn heading(canvas: &mut Canvas, width: f64, title: &str, machine: &Machine, runs: u32) {
    let runs = match runs {
        1 => "one run".to_owned(),
        runs => format!("medians of {runs} runs"),
    };
    let below = format!("{} × {}, {}; {runs}", machine.cores, machine.cpu, machine.kernel);
    canvas.text(width / 2.0, 26.0, "middle", 17.0, title);
    canvas.text(width / 2.0, 46.0, "middle", 12.0, &below);
}
