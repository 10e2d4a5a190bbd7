//! A comparison as text: what differs, tables, histograms, the sentence, and where the gaps come from.
//!
//! Figures and ratios are in tables apart, since they are not of the same: see [`ratios`](super::ratios).

use super::compare::{Comparison, Run};
use super::data::Percentiles;
use super::ratios::Ratios;
use super::spark::Axis;
use super::style::{Style, shorten};
use super::trust::trust;
use super::units::{
    self, ABSENT, bytes, digits, mean_count, plural, ratio, seconds, short_digest, time,
};
use super::warnings::{Warning, Weight};
use crate::stage::Stage;
use crate::statistics::Estimate;

impl Comparison {
    /// The comparison for people. Runs that were not asked for alike, or did not find the same,
    /// are called out above everything else.
    pub fn render(&self, style: Style) -> String {
        let ratios = self.ratios();
        let mut parts = vec![self.title(style)];
        parts.extend(warnings(self, style));
        parts.push(overview(&self.runs, style));
        if self
            .runs
            .iter()
            .any(|run| run.report.workload.fps.is_some())
        {
            parts.push(pace(&self.runs, style));
        }
        parts.push(stages(&self.runs, style));
        parts.extend(to_baseline(&self.runs, &ratios, style));
        let trust = trust(&self.runs, &ratios);
        if !trust.is_empty() {
            let lines: Vec<String> = trust.iter().map(|line| style.wrap(line, 2)).collect();
            parts.push(lines.join("\n"));
        }
        parts.extend(histograms(&self.runs, style));
        parts.extend(notes(self, style));
        parts.push(style.strong(&self.verdict()));
        if self.same_findings() && self.runs.len() > 1 {
            let digest = short_digest(&self.runs[0].report.findings_digest);
            let last = parts.len() - 1;
            parts[last] += &format!("\nIdentical findings (SHA-256 {digest}).");
        }
        let explanations = self.explanations.iter().flatten();
        parts.extend(explanations.map(|one| one.render(style)));
        parts.join("\n\n")
    }

    fn title(&self, style: Style) -> String {
        let baseline = &self.runs[0];
        let asked = &baseline.report.workload;
        let machine = &baseline.report.machine;
        let text = format!(
            "{} runs, baseline {}; {} of {}, {}; {}, {} cores",
            self.runs.len(),
            baseline.name,
            plural(asked.frames.end.saturating_sub(asked.frames.start), "frame"),
            asked.input,
            asked.pixels,
            machine.cpu,
            machine.cores,
        );
        style.wrap(&text, 2)
    }
}

/// What must be known before any figure is read; none if there is nothing.
pub(super) fn warnings(comparison: &Comparison, style: Style) -> Option<String> {
    let all = comparison.warnings();
    let lines: Vec<String> = all.iter().map(|one| warning(one, style)).collect();
    (!lines.is_empty()).then(|| style.lines(&lines))
}

/// What the runs say of themselves; none if that is nothing.
pub(super) fn notes(comparison: &Comparison, style: Style) -> Option<String> {
    let all = comparison.notes();
    let lines: Vec<String> = all.iter().map(|note| style.wrap(note, 2)).collect();
    (!lines.is_empty()).then(|| style.lines(&lines))
}

/// A warning on a line; what is grave is bold.
fn warning(warning: &Warning, style: Style) -> String {
    let line = warning.line();
    match warning.weight {
        Weight::Grave => style.strong(&format!("! {line}")),
        Weight::Doubt => style.wrap(&format!("! {line}"), 2),
        Weight::Light => style.wrap(&line, 2),
    }
}

/// A name as wide as a table can bear.
fn name(run: &Run, style: Style) -> String {
    shorten(&run.name, name_width(style))
}

fn name_width(style: Style) -> usize {
    if style.wide() { 24 } else { 12 }
}

pub(super) fn optional<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or(ABSENT.into(), show)
}

/// `31 of 38`: what was reached of what the machine can do, where that is known.
pub(super) fn of_limit(reached: f64, limit: Option<f64>) -> String {
    let short = |value: f64| {
        if value >= 9.95 {
            format!("{value:.0}")
        } else {
            format!("{value:.2}")
        }
    };
    format!("{} of {}", short(reached), optional(limit, short))
}

fn overview(runs: &[Run], style: Style) -> String {
    let wide = ["cores busy", "faults/frame"];
    let [cores, faults] = if style.wide() {
        wide
    } else {
        ["cores", "faults"]
    };
    let header = [
        "run", "frames/s", "GB/s", "shipped", "memory", "CPU", cores, faults,
    ];
    let row = |run: &Run| {
        let totals = &run.report.totals;
        vec![
            name(run, style),
            digits(totals.fps),
            of_limit(totals.gb_per_s, run.report.limits.read_gb_per_s),
            bytes(totals.shipped_bytes_per_frame),
            bytes(run.peak_bytes()),
            optional(run.cpu_per_frame(), seconds),
            digits(run.report.cpu.cores_busy),
            optional(run.faults_per_frame(), mean_count),
        ]
    };
    let rows: Vec<_> = runs.iter().map(row).collect();
    let table = style.table(&header, &rows, 1);
    let caption = "GB/s: analysed, of the machine's read limit. Shipped, CPU and faults: a frame. \
                   Memory: peak of parent and workers.";
    format!("{table}\n{}", style.wrap(caption, 0))
}

/// How the runs stand to the first, as far as that is known.
fn to_baseline(runs: &[Run], ratios: &[Ratios], style: Style) -> Option<String> {
    let known = |of: Option<Estimate>| optional(of, ratio);
    let named = |of: &Ratios| shorten(&of.name, name_width(style));
    let mut whole = Vec::new();
    for of in ratios {
        let each = [
            of.fps,
            of.peak_bytes,
            of.cpu_s_per_frame,
            of.faults_per_frame,
        ];
        if each.iter().any(Option::is_some) {
            let cells = each.map(known).into_iter();
            whole.push(std::iter::once(named(of)).chain(cells).collect());
        }
    }
    // Where there is no room for all, the one that few passes are so long as to know.
    let has_room = |name: &str| style.wide() || name != "p99.9";
    let is_known = |column: usize| {
        let mut stages = ratios.iter().flat_map(|of| of.stages.values());
        stages.any(|of| of.each()[column].is_some())
    };
    let shown = |column: &usize| is_known(*column) && has_room(Percentiles::<u64>::NAMES[*column]);
    let columns: Vec<usize> = (0..4).filter(shown).collect();
    let mut by_stage = Vec::new();
    for stage in Stage::ALL {
        let mut label = stage.name();
        for of in ratios {
            let Some(percentiles) = of.stages.get(&stage) else {
                continue;
            };
            let each = percentiles.each();
            let cells = columns.iter().map(|&column| known(each[column]));
            let label = std::mem::take(&mut label).to_owned();
            by_stage.push([label, named(of)].into_iter().chain(cells).collect());
        }
    }
    let of_whole = vec!["run", "frames/s", "memory", "CPU", "faults"];
    let percentiles = columns
        .iter()
        .map(|&column| Percentiles::<u64>::NAMES[column]);
    let of_stage = ["stage", "run"].into_iter().chain(percentiles).collect();
    let tables = [(of_whole, whole, 1), (of_stage, by_stage, 2)];
    let tables = tables.into_iter().filter(|(_, rows, _)| !rows.is_empty());
    let tables: Vec<_> = tables
        .map(|(header, rows, left)| style.table(&header, &rows, left))
        .collect();
    let title = format!(
        "Ratios to {}, each of the usual pass and with its 95 % interval (the figures above are of all \
         passes together). ≈: the interval holds 1, there is no clear difference.",
        runs[0].name
    );
    let title = style.wrap(&title, 0);
    (!tables.is_empty()).then(|| format!("{title}\n\n{}", tables.join("\n\n")))
}

/// How paced runs stood up to their pace.
fn pace(runs: &[Run], style: Style) -> String {
    let header = [
        "run",
        "pace",
        "keeps up",
        "late frames",
        "backlog",
        "sustains",
    ];
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|run| {
            let (asked, totals) = (&run.report.workload, &run.report.totals);
            let per_second = |fps: f64| format!("{}/s", digits(fps));
            vec![
                name(run, style),
                asked
                    .fps
                    .map_or("flat out".into(), |fps| format!("{}/s", units::pace(fps))),
                match totals.keeps_up {
                    Some(true) if totals.frames_dropped > 0 => "by dropping".into(),
                    Some(true) => "yes".into(),
                    Some(false) => "NO".into(),
                    None => ABSENT.into(),
                },
                totals.deadline_misses.map_or(ABSENT.into(), |misses| {
                    format!("{misses} of {}", totals.frames)
                }),
                optional(totals.backlog_frames_per_s, |fps| format!("{fps:+.1}/s")),
                optional(totals.max_sustained_fps, per_second),
            ]
        })
        .collect();
    let mut text = style.table(&header, &rows, 1);
    if runs
        .iter()
        .any(|run| run.report.totals.keeps_up == Some(false))
    {
        let caution = "A run that cannot keep up has no steady latency: its end_to_end \
                       percentiles grow with its length.";
        text += "\n";
        text += &style.wrap(caution, 0);
    }
    text
}

/// Every stage's durations, the runs beside each other under each stage.
fn stages(runs: &[Run], style: Style) -> String {
    let [p50, p99, p999, max] = Percentiles::<u64>::NAMES;
    let mut rows = Vec::new();
    for stage in Stage::ALL {
        let mut label = stage.name();
        for run in runs {
            let Some(summary) = run.report.stages.get(&stage) else {
                continue;
            };
            let durations = summary.percentiles().each();
            let durations = durations.map(|ns| optional(ns.map(|ns| ns as f64), time));
            let label = std::mem::take(&mut label).to_owned();
            rows.push(
                [label, name(run, style)]
                    .into_iter()
                    .chain(durations)
                    .collect(),
            );
        }
    }
    style.table(&["stage", "run", p50, p99, p999, max], &rows, 2)
}

/// A line a run on one axis of time; none where there are no samples.
pub(super) fn histograms(runs: &[Run], style: Style) -> Option<String> {
    if style.markdown {
        return None;
    }
    let names: Vec<String> = runs.iter().map(|run| name(run, style)).collect();
    let margin = 2 + names.iter().map(|name| name.chars().count()).max()?;
    let samples: Vec<_> = runs
        .iter()
        .filter_map(|run| run.histograms.get(&run.report.latency()))
        .collect();
    let axis = Axis::around(
        &samples,
        style.width.min(120).saturating_sub(margin).max(20),
    )?;
    let paced = runs.iter().filter(|run| run.report.workload.fps.is_some());
    let title = match paced.count() {
        0 => "Time a frame took once it had its turn (service)",
        n if n == runs.len() => "Time from a frame's due time to its finding (end_to_end)",
        _ => "Time a frame took: from its due time where paced, else once it had its turn",
    };
    let mut lines = vec![title.to_owned()];
    for (run, name) in runs.iter().zip(names) {
        let drawn = run.histograms.get(&run.report.latency());
        let drawn = drawn.map_or(String::new(), |samples| axis.draw(samples));
        let pad = margin - name.chars().count();
        lines.push(format!("{name}{:pad$}{drawn}", "").trim_end().to_owned());
    }
    lines.push(format!("{:margin$}{}", "", axis.labels()));
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{
        finding_otherwise, mmap, paced, payload, taking_turns, threads, with_passes,
    };
    use crate::report::{Report, summary};

    fn compare(reports: Vec<Report>) -> Comparison {
        let names = [
            "payload",
            "mmap",
            "threads",
            "a-long-directory-name",
            "shm",
            "path",
        ];
        let named = names.into_iter().map(str::to_owned).zip(reports);
        Comparison::new(named.collect()).unwrap()
    }

    #[test]
    fn every_table_fits_80_and_120_columns_with_1_to_6_runs() {
        let tables = |text: &str| text.lines().filter(|line| line.starts_with('─')).count();
        for runs in 1..=6 {
            let all = [payload(), mmap(), threads(), mmap(), payload(), threads()];
            let flat = all[..runs].to_vec();
            let paced: Vec<Report> = flat
                .iter()
                .map(|run| paced(run.clone(), 30.0, false, Some(15.3)))
                .collect();
            let passes: Vec<Report> = flat
                .iter()
                .map(|run| with_passes(run.clone(), &[1.0, 1.1, 1.2]))
                .collect();
            let turns: Vec<Report> = flat
                .iter()
                .map(|run| taking_turns(run.clone(), &[1.0, 1.1, 1.2, 1.0, 1.1, 1.3]))
                .collect();
            for (width, reports) in [80, 120]
                .into_iter()
                .flat_map(|width| [&flat, &paced, &passes, &turns].map(|reports| (width, reports)))
            {
                let text = compare(reports.clone()).render(Style::plain(width));
                let single = summary(&reports[0], Style::plain(width));
                // None has to be told row by row.
                let roomy = compare(reports.clone()).render(Style::plain(1000));
                assert_eq!(tables(&text), tables(&roomy), "{width}:\n{text}");
                for line in text.lines().chain(single.lines()) {
                    let length = line.chars().count();
                    assert!(length <= width, "{length} of {width}: {line}\n{text}");
                }
            }
        }
    }

    #[test]
    fn where_a_ratio_lies_is_said_however_narrow_the_text_is() {
        let walls = [1.0, 1.1, 1.2, 1.0, 1.1, 1.3];
        let runs = vec![
            taking_turns(payload(), &walls),
            taking_turns(mmap(), &walls.map(|wall| wall / 10.0)),
        ];
        let comparison = compare(runs);
        let [narrow, wide] = [80, 120].map(|width| comparison.render(Style::plain(width)));
        let markdown = comparison.render(Style::markdown());
        for text in [narrow, wide, markdown] {
            for said in [
                "×10 10–10",
                "of the usual pass and with its 95 % interval",
                "of all passes together",
            ] {
                let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(words.contains(said), "{said}: {text}");
            }
        }
    }

    /// What is of all passes and what is of the usual one would seem to be of the same.
    #[test]
    fn no_figure_stands_beside_a_ratio() {
        let walls = [1.0, 1.1, 1.2, 1.0, 1.1, 1.3];
        let runs = vec![
            taking_turns(payload(), &walls),
            taking_turns(mmap(), &walls.map(|wall| wall / 10.0)),
        ];
        let text = compare(runs).render(Style::plain(120));
        for line in text.lines().filter(|line| line.contains(['×', '÷'])) {
            for unit in [" ms", " µs", " MB", " of "] {
                assert!(!line.contains(unit), "{line}");
            }
        }
    }

    #[test]
    fn a_run_that_is_incomplete_is_no_run_to_compare_unsaid() {
        let mut cut = mmap();
        cut.incomplete = Some("the pipe ends inside frame 7".into());
        let text = compare(vec![payload(), cut]).render(Style::plain(120));
        let at = text.find("! mmap: the run is incomplete: the pipe ends inside frame 7");
        assert!(
            at.is_some_and(|at| at < text.find("frames/s").unwrap()),
            "{text}"
        );
    }

    #[test]
    fn what_differs_stands_above_every_figure_and_no_ratio_follows() {
        let mut other = mmap();
        other.workload.frames = 0..10;
        let text = compare(vec![payload(), other]).render(Style::plain(120));
        let warning = text.find("! these runs differ in frames (payload 0..1500; mmap 0..10)");
        assert!(
            warning.is_some_and(|at| at < text.find("frames/s").unwrap()),
            "{text}"
        );
        assert!(!text.contains('×') && !text.contains('÷'), "{text}");

        let text = compare(vec![payload(), finding_otherwise(mmap())]).render(Style::plain(120));
        assert!(
            text.contains("! these runs did not find the same"),
            "{text}"
        );
        assert!(!text.contains("Identical findings"), "{text}");
    }

    #[test]
    fn absent_percentiles_are_dashes_and_bold_needs_a_terminal() {
        let comparison = compare(vec![payload(), mmap()]);
        let text = comparison.render(Style::plain(80));
        assert!(text.contains(ABSENT), "p99.9 of 1500 samples: {text}");
        assert!(!text.contains('\x1b'));
        let bold = comparison.render(Style {
            bold: true,
            ..Style::plain(80)
        });
        assert!(bold.contains("\x1b[1m"));
    }
}
