//! The report as one HTML file that needs nothing else: data, scripts and style are in it.

use serde::Serialize;

use super::axis::{Axis, axes};
use super::colours::Colours;
use super::curves::{Curve, curves};
use super::importance::Importance;
use crate::Results;

const PAGE: &str = include_str!("../../assets/report/report.html");
const STYLE: &str = include_str!("../../assets/report/report.css");
/// The page's own script, file by file; later ones use what is in those before.
const SCRIPT: &str = concat!(
    include_str!("../../assets/report/data.js"),
    include_str!("../../assets/report/trials.js"),
    include_str!("../../assets/report/filter.js"),
    include_str!("../../assets/report/colours.js"),
    include_str!("../../assets/report/axes.js"),
    include_str!("../../assets/report/pair.js"),
    include_str!("../../assets/report/others.js"),
    include_str!("../../assets/report/drawing.js"),
    include_str!("../../assets/report/choice.js"),
    include_str!("../../assets/report/table.js"),
    include_str!("../../assets/report/page.js")
);
/// Apache ECharts; assets/echarts/README.md says which version and how it was built.
const ECHARTS: &str = include_str!("../../assets/echarts/echarts.min.js");

/// What is computed for the page rather than in it.
#[derive(Serialize)]
struct Derived {
    axes: Vec<Axis>,
    colours: Option<Colours>,
    importance: Importance,
    curves: Vec<PairOfAxes>,
}

/// The curves over two axes, which are named by their place in the list.
#[derive(Serialize)]
struct PairOfAxes {
    x: usize,
    y: usize,
    curves: Vec<Curve>,
}

/// The results as a page: a summary, scatter and heat map of two keys, parallel coordinates, importance, convergence, a
/// table that sorts and filters, and what failed. The page loads nothing, from the network or elsewhere.
///
/// ```
/// # let results: ran_sweep::Results = serde_json::from_str(r#"{"name": "empty", "metric": "accuracy", "judged": "valid",
/// #     "higher_is_better": true, "keys": [], "logarithmic": [], "planned": 0, "trials": []}"#)?;
/// let page = ran_sweep::report::html(&results);
/// assert!(page.starts_with("<!DOCTYPE html>"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn html(results: &Results) -> String {
    let axes = axes(results);
    let derived = Derived {
        colours: Colours::of(results),
        importance: Importance::of(results, &axes),
        curves: pairs(results, &axes),
        axes,
    };
    let parts = [
        ("title", in_text(&results.name)),
        ("style", STYLE.to_owned()),
        ("results", in_script(results)),
        ("derived", in_script(&derived)),
        ("echarts", ECHARTS.to_owned()),
        ("script", SCRIPT.to_owned()),
    ];
    fill(PAGE, &parts)
}

fn pairs(results: &Results, axes: &[Axis]) -> Vec<PairOfAxes> {
    let keys: Vec<usize> = (0..axes.len()).filter(|&at| axes[at].key).collect();
    let mut pairs = Vec::new();
    for (index, &x) in keys.iter().enumerate() {
        for &y in &keys[index + 1..] {
            let curves = curves(results, &axes[x], &axes[y]);
            if !curves.is_empty() {
                pairs.push(PairOfAxes { x, y, curves });
            }
        }
    }
    pairs
}

/// Puts parts at the places that a template names `{{so}}`. What is put in is not looked at for names.
fn fill(template: &str, parts: &[(&str, String)]) -> String {
    let mut pieces = template.split("{{");
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once("}}").unwrap_or((piece, ""));
        let part = parts.iter().find(|(known, _)| *known == name);
        filled += part.map_or("", |(_, text)| text);
        filled += rest;
    }
    filled
}

/// Text that HTML shows as it is.
fn in_text(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A value as JSON that cannot end the element it is in: outside its texts JSON has none of these characters.
fn in_script(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).expect("plain values with text as keys are JSON");
    let mut escaped = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                escaped += &format!("\\u{:04x}", u32::from(letter));
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{Parameters, SeedScore, Trial};
    use serde_json::json;

    /// A trial with one seed.
    pub(crate) fn trial(number: u64, score: f64) -> Trial {
        Trial {
            trial: number,
            point: [
                ("units".into(), json!(number % 100 + 1)),
                ("leak".into(), json!(0.5)),
            ]
            .into(),
            parameters: Some(Parameters {
                trained: 10 * number,
                fixed: 1_000,
            }),
            seeds: vec![SeedScore {
                seed: 3,
                train: Some(1.0),
                valid: Some(score),
                test: None,
            }],
            score: Some(score),
            problem: None,
            seconds: 0.25,
            command: format!("cargo xtask experiment --set units={}", number % 100 + 1),
        }
    }

    /// Trials whose scores are hundredths of their numbers.
    pub(crate) fn results(count: u64) -> Results {
        Results {
            name: "sweep".into(),
            metric: "accuracy".into(),
            judged: "valid".into(),
            higher_is_better: true,
            keys: vec!["units".into(), "leak".into()],
            logarithmic: vec!["leak".into()],
            planned: count,
            trials: (0..count)
                .map(|number| trial(number, number as f64 / 100.0))
                .collect(),
        }
    }

    #[test]
    fn a_template_is_filled_once() {
        let parts = [("a", "{{b}}".to_owned()), ("b", "x".to_owned())];
        assert_eq!(fill("1{{a}}2{{b}}3", &parts), "1{{b}}2x3");
    }

    #[test]
    fn no_part_of_the_page_ends_its_element() {
        for (part, end) in [
            (STYLE, "</style"),
            (SCRIPT, "</script"),
            (ECHARTS, "</script"),
        ] {
            assert!(!part.to_lowercase().contains(end));
        }
        // "<!--" followed by "<script" would swallow what comes after.
        assert!(![SCRIPT, ECHARTS].iter().any(|part| part.contains("<!--")));
    }
}
