//! What the pictures' files hold: valid XML with the right numbers at the right places, and PNGs of the right size.

use ndarray::{Array2, array};
use ran_picture::{
    Axis, Chart, ColourScale, Curve, LabelCount, Mark, Picture, PictureError, Scale, Scatter,
    Sequence, Series, Stroke, Style, Track, charts, confusion, label_counts, sequences,
};
use roxmltree::Document;

/// Each text of a picture and where it stands.
fn texts(picture: &Picture) -> Vec<(String, i32, i32)> {
    let document = Document::parse(picture.svg()).unwrap();
    let nodes = document
        .descendants()
        .filter(|node| node.has_tag_name("text"));
    let texts = nodes.map(|node| {
        let place = |name| node.attribute(name).unwrap().parse().unwrap();
        (
            node.text().unwrap().trim().to_string(),
            place("x"),
            place("y"),
        )
    });
    texts.collect()
}

fn count(picture: &Picture, tag: &str) -> usize {
    let document = Document::parse(picture.svg()).unwrap();
    let nodes = document.descendants();
    nodes.filter(|node| node.has_tag_name(tag)).count()
}

/// Compares the PNG's signature and its size in the header (PNG specification, 5.2 and 11.2.2) with the SVG's size.
fn assert_png(picture: &Picture) {
    let document = Document::parse(picture.svg()).unwrap();
    let size = ["width", "height"].map(|name| {
        let size = document.root_element().attribute(name).unwrap();
        size.parse::<u32>().unwrap()
    });
    let png = picture.png().unwrap();
    assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert_eq!([number(16), number(20)], size.map(|side| 2 * side));
    assert_eq!(&png[png.len() - 8..png.len() - 4], b"IEND");
}

fn chart() -> Chart {
    Chart {
        title: "A <chart> & more".into(),
        x: Axis::new("step"),
        y: Axis::new("error"),
        series: vec![
            Series {
                deviation: Some(vec![0.5; 5]),
                ..Series::new("first", (0..5).map(|x| [f64::from(x), 1.0]).collect())
            },
            Series {
                stroke: Stroke::Dots,
                ..Series::new("second", (0..5).map(|x| [f64::from(x), 2.0]).collect())
            },
        ],
        marks: vec![(2.0, "here".into())],
    }
}

#[test]
fn a_chart_has_its_title_labels_legend_lines_and_bands() {
    let picture = chart().draw().unwrap();
    let texts: Vec<String> = texts(&picture).into_iter().map(|(text, ..)| text).collect();
    for expected in [
        "A <chart> & more",
        "step",
        "error",
        "first",
        "second",
        "here",
        "0",
        "4",
    ] {
        assert!(
            texts.iter().any(|text| text == expected),
            "{expected} is missing: {texts:?}"
        );
    }
    assert_eq!(count(&picture, "polygon"), 1);
    // A dot per point, and one in the legend.
    assert_eq!(count(&picture, "circle"), 6);
    assert_png(&picture);
}

#[test]
fn a_pdf_has_one_page_as_large_as_the_svg_and_needs_no_font() {
    let pdf = chart().draw().unwrap().pdf().unwrap();
    let text = String::from_utf8_lossy(&pdf);
    // 96 pixels are an inch, and so are 72 points.
    let document = chart().draw().unwrap();
    let document = Document::parse(document.svg()).unwrap();
    let size = ["width", "height"].map(|name| {
        let size = document.root_element().attribute(name).unwrap();
        size.parse::<f32>().unwrap() * 0.75
    });
    let page = format!("/MediaBox [0 0 {} {}]", size[0], size[1]);
    assert!(text.contains(&page), "{page} is missing");
    assert!(text.contains("/Count 1") && !text.contains("/Font"));
    assert!(text.trim_end().ends_with("%%EOF"));
}

#[test]
fn points_without_a_place_break_the_line() {
    let lines = |points: Vec<[f64; 2]>, scale| {
        let chart = Chart {
            y: Axis {
                scale,
                ..Axis::new("y")
            },
            series: vec![Series::new("", points)],
            ..Chart::default()
        };
        let picture = chart.draw().unwrap();
        let document = Document::parse(picture.svg()).unwrap();
        let series = document.descendants().filter(|node| {
            node.has_tag_name("polyline") && node.attribute("stroke") == Some("#0072B2")
        });
        series.count()
    };
    let points = |y: f64| vec![[0.0, 1.0], [1.0, 2.0], [2.0, y], [3.0, 4.0], [4.0, 5.0]];
    assert_eq!(lines(points(3.0), Scale::Linear), 1);
    for hole in [f64::NAN, f64::INFINITY] {
        assert_eq!(lines(points(hole), Scale::Linear), 2, "{hole}");
    }
    assert_eq!(lines(points(0.0), Scale::Linear), 1);
    assert_eq!(lines(points(0.0), Scale::Log), 2);
}

#[test]
fn a_forecast_that_leaves_the_range_stays_on_the_paper() {
    let mut chart = chart();
    chart.y.range = Some([0.0, 3.0]);
    chart.series[0].points[3][1] = 1e30;
    let picture = chart.draw().unwrap();
    let document = Document::parse(picture.svg()).unwrap();
    let lines = document
        .descendants()
        .filter_map(|node| node.attribute("points"));
    for point in lines.flat_map(str::split_whitespace) {
        let (x, y) = point.split_once(',').unwrap();
        for place in [x, y] {
            assert!(
                (0..=1800).contains(&place.parse::<i32>().unwrap()),
                "{point}"
            );
        }
    }
}

#[test]
fn a_chart_of_nothing_is_refused_with_a_sentence() {
    let mut empty = chart();
    for series in &mut empty.series {
        series
            .points
            .iter_mut()
            .for_each(|point| point[1] = f64::NAN);
    }
    let error = empty.draw().unwrap_err();
    assert!(matches!(error, PictureError::Empty { .. }));
    assert!(
        error.to_string().contains("no point has a place"),
        "{error}"
    );
    let mut wrong = chart();
    wrong.series[0].deviation = Some(vec![0.1; 4]);
    let message = wrong.draw().unwrap_err().to_string();
    assert!(
        message.contains("\"first\" has 5 points and 4 deviations"),
        "{message}"
    );
}

#[test]
fn the_counts_of_a_confusion_matrix_stand_in_their_cells() {
    let labels = ["ant", "bee", "cow"].map(String::from);
    let counts = array![[901, 12, 0], [7, 802, 23], [4, 5, 703]];
    let picture = confusion("Animals", &labels, counts.view(), 0).unwrap();
    let texts = texts(&picture);
    let column = |name: &str| texts.iter().find(|(text, ..)| text == name).unwrap();
    // The first of the two texts of each name stands at its row, the second over its column.
    let rows = labels.each_ref().map(|name| column(name).2);
    let columns = labels.each_ref().map(|name| {
        let mut both = texts.iter().filter(|(text, ..)| text == name);
        both.nth(1).unwrap().1
    });
    for ((row, column), count) in counts.indexed_iter() {
        let found = texts
            .iter()
            .find(|(_, x, y)| (*x, *y) == (columns[column], rows[row]));
        assert_eq!(found.unwrap().0, count.to_string(), "{row}, {column}");
    }
    assert!(
        texts
            .iter()
            .any(|(text, ..)| text == "2406 of 2457 right (97.92 %), 51 wrong")
    );
    assert_png(&picture);
}

#[test]
fn sequences_have_a_cell_per_value_and_names_of_channels() {
    let track = |style| Track {
        name: "input".into(),
        channels: vec!["red".into(), "green".into()],
        steps: vec![0, 1, 2],
        values: array![[0.0, 1.0], [-1.0, f32::NAN], [0.5, 0.25]],
        style,
    };
    let sequence = |tracks| Sequence {
        caption: "one".into(),
        first: 100,
        length: 3,
        tracks,
        image: None,
    };
    let without = sequences("T", &[sequence(vec![])]).unwrap();
    let with = sequences("T", &[sequence(vec![track(Style::Cells)])]).unwrap();
    // A rectangle for each of the six values, the ground below them, and the twenty of the scale.
    assert_eq!(count(&with, "rect") - count(&without, "rect"), 7 + 20);
    let texts: Vec<String> = texts(&with).into_iter().map(|(text, ..)| text).collect();
    for expected in ["one", "input", "red", "green", "100", "102", "step"] {
        assert!(
            texts.iter().any(|text| text == expected),
            "{expected} is missing: {texts:?}"
        );
    }
    let image = Sequence {
        image: Some(Array2::from_elem((4, 5), f32::NAN)),
        ..sequence(vec![track(Style::Lines)])
    };
    let image = sequences("T", &[image]).unwrap();
    assert!(count(&image, "rect") - count(&without, "rect") >= 20);
    assert_png(&image);
}

#[test]
fn no_name_breaks_the_file() {
    let name = "a\u{0}b\u{1b}[31m\"<&>'\u{FFFF}\n\té😀";
    let labels = [name.to_string(), String::new()];
    let picture = confusion(name, &labels, array![[1, 2], [3, 4]].view(), 0).unwrap();
    assert!(
        texts(&picture)
            .iter()
            .any(|(text, ..)| text.contains("\"<&>'"))
    );
    assert_png(&picture);
    let mut chart = chart();
    chart.title = name.into();
    chart.series[0].name = name.into();
    chart.x.label = name.into();
    assert_png(&chart.draw().unwrap());
}

#[test]
fn the_same_numbers_give_the_same_files() {
    let (one, two) = (chart().draw().unwrap(), chart().draw().unwrap());
    assert_eq!(one, two);
    assert_eq!(one.png().unwrap(), two.png().unwrap());
}

#[test]
fn the_png_has_text_without_any_font_of_the_machine() {
    // Two pictures that differ in a single letter differ in their pixels.
    let pixels = |title: &str| {
        let chart = Chart {
            title: title.into(),
            ..chart()
        };
        chart.draw().unwrap().png().unwrap()
    };
    assert_ne!(pixels("a"), pixels("b"));
    assert_ne!(pixels("λ ± 1"), pixels("σ ± 1"));
}

#[test]
fn labels_have_a_bar_of_their_counts_and_the_counts_in_its_row() {
    let labels = ["red", "left"].map(String::from);
    let due = |found, missed, wrong| LabelCount {
        found,
        missed,
        wrong,
        absent: 10,
    };
    let picture = label_counts("L", &labels, &[due(6, 2, 0), due(3, 0, 1)]).unwrap();
    let texts = texts(&picture);
    let row = |name: &str| {
        let (_, _, y) = texts.iter().find(|(text, ..)| text == name).unwrap();
        let mut row: Vec<_> = texts.iter().filter(|text| text.2 == *y).collect();
        row.sort_by_key(|text| text.1);
        let row = row.into_iter().map(|(text, ..)| text.clone());
        row.collect::<Vec<String>>()
    };
    assert_eq!(row("red"), ["red", "6", "2", "0"]);
    assert_eq!(row("left"), ["left", "3", "0", "1"]);
    let caption = "29 of 32 right (90.63 %), 2 missed, 1 wrong";
    assert!(texts.iter().any(|(text, ..)| text == caption), "{texts:?}");
    // The paper, three keys, and a bar's part for each count that is not 0.
    assert_eq!(count(&picture, "rect"), 1 + 3 + 4);
    assert_png(&picture);
}

/// Names that begin alike and are longer than any picture has room for, in letters of several scripts.
fn hostile_names(count: usize) -> Vec<String> {
    let stem = "温度センサー \"north\" <&> of the long hall behind the second door on the left";
    (0..count).map(|at| format!("{stem} {at}")).collect()
}

/// The distinct texts of a picture that begin as the hostile names do.
fn shown_names(picture: &Picture) -> Vec<String> {
    let texts = texts(picture).into_iter().map(|(text, ..)| text);
    let mut names: Vec<String> = texts.filter(|text| text.starts_with("温度")).collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn names_that_differ_are_shown_as_texts_that_differ() {
    let names = hostile_names(50);
    let counts = Array2::from_diag_elem(50, 3);
    let matrix = confusion("T", &names, counts.view(), 0).unwrap();
    assert_eq!(shown_names(&matrix).len(), 50);
    let bars = label_counts("T", &names, &[LabelCount::default(); 50]).unwrap();
    assert_eq!(shown_names(&bars).len(), 50);
    let series = names.iter().take(4);
    let series = series.map(|name| Series::new(name, vec![[0.0, 1.0], [1.0, 2.0]]));
    let lines = Chart {
        series: series.collect(),
        ..chart()
    };
    assert_eq!(shown_names(&lines.draw().unwrap()).len(), 4);
    for (style, channels) in [(Style::Cells, 20), (Style::Lines, 4)] {
        let track = Track {
            name: "input".into(),
            channels: names[..channels].to_vec(),
            steps: vec![0],
            values: Array2::ones((1, channels)),
            style,
        };
        let sequence = Sequence {
            length: 1,
            tracks: vec![track],
            ..Sequence::default()
        };
        let picture = sequences("T", &[sequence]).unwrap();
        assert_eq!(shown_names(&picture).len(), channels, "{style:?}");
        assert_png(&picture);
    }
}

#[test]
fn heat_maps_have_a_scale_with_numbers() {
    let scale = |values: Array2<f32>| {
        let track = Track {
            name: "input".into(),
            steps: (0..values.nrows()).collect(),
            values,
            style: Style::Cells,
            ..Track::default()
        };
        let sequence = Sequence {
            length: 2,
            tracks: vec![track],
            ..Sequence::default()
        };
        let picture = sequences("T", &[sequence]).unwrap();
        // The scale is to the right of time.
        let texts = texts(&picture).into_iter();
        let right = texts.filter(|(text, x, _)| *x > 1540 && text != "step");
        right.map(|(text, ..)| text).collect::<Vec<_>>()
    };
    assert_eq!(scale(array![[0.5], [16.0]]), ["0", "16"]);
    assert_eq!(scale(array![[0.5], [-2.5]]), ["-2.5", "2.5"]);
    assert_eq!(scale(array![[-0.5], [-2.5]]), ["-2.5", "0"]);
    assert!(scale(array![[0.0], [f32::NAN]]).is_empty());
    let image = Sequence {
        length: 1,
        image: Some(array![[3.0, 7.0]]),
        ..Sequence::default()
    };
    let texts = texts(&sequences("T", &[image]).unwrap());
    for end in ["3", "7"] {
        assert!(texts.iter().any(|(text, ..)| text == end), "{texts:?}");
    }
}

#[test]
fn a_sequence_of_one_step_has_its_number_and_a_constant_series_its_value() {
    let track = Track {
        name: "input".into(),
        steps: vec![0],
        values: array![[20.0]],
        ..Track::default()
    };
    let sequence = Sequence {
        first: 7,
        length: 1,
        tracks: vec![track],
        ..Sequence::default()
    };
    let picture = sequences("T", &[sequence]).unwrap();
    let texts = texts(&picture);
    for expected in ["7", "20"] {
        assert!(texts.iter().any(|(text, ..)| text == expected), "{texts:?}");
    }
}

#[test]
fn predictions_that_are_no_numbers_count_as_wrong_in_a_confusion_matrix() {
    let labels = ["a", "b"].map(String::from);
    let picture = confusion("T", &labels, array![[3, 0], [1, 4]].view(), 2).unwrap();
    let caption = "7 of 10 right (70 %), 3 wrong, 2 of them no number and not shown";
    assert!(texts(&picture).iter().any(|(text, ..)| text == caption));
}

#[test]
fn charts_stand_below_one_another() {
    let (one, two) = (chart(), chart());
    let second = Chart {
        title: "below".into(),
        ..two
    };
    let both = charts(&[one, second]).unwrap();
    let texts = texts(&both);
    let place = |title: &str| texts.iter().find(|(text, ..)| text == title).unwrap().2;
    assert!(place("below") > place("A <chart> & more") + 500);
    assert_eq!(count(&both, "polygon"), 2);
    // The mark of the second stands above its own axes.
    let marks = texts.iter().filter(|(text, ..)| text == "here");
    let marks: Vec<i32> = marks.map(|mark| mark.2).collect();
    assert!(marks.len() == 2 && marks[1] > place("below"), "{marks:?}");
    assert_png(&both);
    assert!(charts(&[]).is_err());
}

#[test]
fn a_scatter_has_its_marks_its_key_and_the_names_of_its_places() {
    let cell = |at: usize| {
        let [x, y] = [at % 3, at / 3].map(|place| place as f64);
        Mark::Cell {
            x: [x - 0.5, x + 0.5],
            y: [y - 0.5, y + 0.5],
            value: at as f64,
        }
    };
    let dots = [Some(4.0), None].map(|value| Mark::Dot {
        at: [1.0, 1.0],
        value,
    });
    let draw = |cells: usize| {
        let scatter = Scatter {
            title: "A <scatter> & more".into(),
            x: Axis {
                categories: ["ant", "bee", "cow"].map(String::from).into(),
                ..Axis::new("across")
            },
            y: Axis {
                categories: hostile_names(3),
                ..Axis::new("upwards")
            },
            marks: (0..cells).map(cell).chain(dots).collect(),
            colour: ColourScale {
                label: "accuracy".into(),
                names: ["bad", "good"].map(String::from),
                ..ColourScale::default()
            },
            curves: vec![Curve {
                name: "1M".into(),
                pieces: vec![vec![[0.0, 0.0], [2.0, 2.0]]],
            }],
        };
        scatter.draw().unwrap()
    };
    let (without, with) = (draw(0), draw(9));
    assert_eq!(count(&with, "rect") - count(&without, "rect"), 9);
    // The dot and its edge; what has no value is a cross.
    assert_eq!(count(&with, "circle"), 2);
    assert_eq!(shown_names(&with).len(), 3);
    let texts: Vec<String> = texts(&with).into_iter().map(|(text, ..)| text).collect();
    for expected in [
        "A <scatter> & more",
        "across",
        "upwards",
        "ant",
        "bee",
        "cow",
        "accuracy",
        "bad",
        "good",
        "1M",
    ] {
        assert!(
            texts.iter().any(|text| text == expected),
            "{expected} is missing: {texts:?}"
        );
    }
    assert_png(&with);
}

#[test]
fn letters_that_the_programs_fonts_lack_can_be_told_apart_in_a_png() {
    let pixels = |title: &str| {
        let chart = Chart {
            title: title.into(),
            ..chart()
        };
        chart.draw().unwrap().png().unwrap()
    };
    assert_ne!(pixels("日"), pixels("本"));
    assert_ne!(pixels("한"), pixels("글"));
}
