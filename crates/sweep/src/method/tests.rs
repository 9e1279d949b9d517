use std::convert::Infallible;

use super::*;

fn space(text: &str) -> Space {
    toml::from_str(text).unwrap()
}

fn method(text: &str) -> Method {
    toml::from_str(text).unwrap()
}

/// Runs a method to its end on a function, and gives the points and their losses.
fn run(method: &Method, space: &Space, loss: impl Fn(&Point) -> f64) -> Vec<Tried> {
    let mut tried = Vec::new();
    loop {
        let points = method
            .propose(space, &tried, &mut |_| Ok::<_, Infallible>(true))
            .unwrap()
            .unwrap();
        if points.is_empty() {
            return tried;
        }
        for point in points {
            let (trial, loss) = (tried.len() as u64, Some(loss(&point)));
            tried.push(Tried { trial, point, loss });
        }
    }
}

fn float(point: &Point, key: &str) -> f64 {
    point[key].as_float().unwrap()
}

#[test]
fn a_grid_has_every_combination_once_without_what_conditions_leave_out() {
    let space = space(
        "a = [1, 2]\nb = { from = 1, to = 3 }\nc = { values = ['x', 'y'], when = { a = [2] } }",
    );
    let points: Vec<_> = run(&Method::Grid, &space, |_| 0.0)
        .into_iter()
        .map(|one| one.point)
        .collect();
    // Three points with a = 1, six with a = 2.
    assert_eq!(points.len(), 9);
    assert!(
        points
            .iter()
            .all(|point| point.contains_key("c") == (point["a"] == Value::Integer(2)))
    );
}

#[test]
fn a_key_that_may_be_left_out_is_left_out_at_times() {
    let space =
        space("a = { values = [1, 2], optional = true }\nb = { values = [3], when = { a = [1] } }");
    for (text, count) in [
        ("name = 'grid'", 3),
        ("name = 'random'\ntrials = 40", 40),
        ("name = 'tpe'\ntrials = 40", 40),
    ] {
        let tried = run(&method(text), &space, |point| {
            if point.contains_key("a") { 1.0 } else { 0.0 }
        });
        assert_eq!(tried.len(), count, "{text}");
        let without = tried
            .iter()
            .filter(|one| !one.point.contains_key("a"))
            .count();
        assert!((1..count).contains(&without), "{text}: {without}");
        assert!(
            tried.iter().all(|one| one.point.contains_key("b")
                == (one.point.get("a") == Some(&Value::Integer(1))))
        );
    }
}

#[test]
fn points_do_not_depend_on_how_they_are_asked_for() {
    let space = space(
        "a = { from = 0.0, to = 1.0 }\nb = { from = 1, to = 100, log = true }\nc = ['x', 'y', 'z']",
    );
    let loss = |point: &Point| float(point, "a");
    for text in [
        "name = 'random'\ntrials = 30",
        "name = 'sobol'\ntrials = 30",
        "name = 'tpe'\ntrials = 30",
        "name = 'halving'\nresource = 'r'\nleast = 1\nmost = 9\ntrials = 18",
    ] {
        let method = method(text);
        let all = run(&method, &space, loss);
        assert_eq!(all.len() as u64, method.trials(&space), "{text}");
        assert_eq!(all, run(&method, &space, loss), "{text}");
        // Taken up after its first batches, it goes on in the same way.
        let first = method
            .propose(&space, &[], &mut |_| Ok::<_, Infallible>(true))
            .unwrap()
            .unwrap()
            .len();
        let next = method
            .propose(&space, &all[..first], &mut |_| Ok::<_, Infallible>(true))
            .unwrap()
            .unwrap();
        assert!(
            next.iter()
                .zip(&all[first..])
                .all(|(one, other)| *one == other.point),
            "{text}"
        );
    }
}

#[test]
fn draws_stay_in_their_ranges_and_reach_all_of_them() {
    let space = space(
        "a = { from = 0.01, to = 100.0, log = true }\nb = { from = 3, to = 9, step = 3 }\nc = ['x', 'y']",
    );
    for text in [
        "name = 'random'\ntrials = 200",
        "name = 'sobol'\ntrials = 200",
        "name = 'tpe'\ntrials = 200",
    ] {
        let tried = run(&method(text), &space, |_| 0.0);
        let logs: Vec<f64> = tried
            .iter()
            .map(|one| float(&one.point, "a").log10())
            .collect();
        assert!(logs.iter().all(|log| (-2.001..=2.001).contains(log)));
        assert!(
            logs.iter().any(|log| *log < -1.0) && logs.iter().any(|log| *log > 1.0),
            "{text}"
        );
        let mut steps: Vec<_> = tried
            .iter()
            .map(|one| one.point["b"].as_integer().unwrap())
            .collect();
        steps.sort_unstable();
        steps.dedup();
        assert_eq!(steps, [3, 6, 9], "{text}");
    }
}

/// The best leak lies at the end of its range, where an estimate that has become narrow puts every draw.
#[test]
fn no_point_is_tried_twice_while_there_are_others() {
    let space = space("leak = { from = 0.05, to = 1.0 }\nunits = [1, 2, 3]");
    for seed in 0..4 {
        let method = method(&format!("name = 'tpe'\ntrials = 60\nseed = {seed}"));
        let tried = run(&method, &space, |point| -float(point, "leak"));
        let points: HashSet<String> = tried.iter().map(|one| format!("{:?}", one.point)).collect();
        assert_eq!(points.len(), 60, "seed {seed}");
    }
    let tried = run(
        &method("name = 'tpe'\ntrials = 30"),
        &self::space("a = [1, 2, 3]"),
        |_| 0.0,
    );
    assert_eq!(tried.len(), 30);
    let values: HashSet<String> = tried.iter().map(|one| format!("{:?}", one.point)).collect();
    assert_eq!(values.len(), 3, "a small space is tried as a whole");
}

#[test]
fn two_keys_with_the_same_range_are_drawn_and_estimated_apart() {
    let space = space("a = { from = 0.0, to = 1.0 }\nb = { from = 0.0, to = 1.0 }");
    for text in [
        "name = 'random'\ntrials = 20",
        "name = 'sobol'\ntrials = 20",
    ] {
        let tried = run(&method(text), &space, |_| 0.0);
        assert!(
            tried
                .iter()
                .any(|one| (float(&one.point, "a") - float(&one.point, "b")).abs() > 0.1),
            "{text}"
        );
    }
    // Good points lie where a is small and b is large.
    let tried = run(&method("name = 'tpe'\ntrials = 80"), &space, |point| {
        (float(point, "a") - 0.1).powi(2) + (float(point, "b") - 0.9).powi(2)
    });
    let late = &tried[60..];
    let mean =
        |key: &str| late.iter().map(|one| float(&one.point, key)).sum::<f64>() / late.len() as f64;
    assert!(
        mean("a") < 0.3 && mean("b") > 0.7,
        "{} and {}",
        mean("a"),
        mean("b")
    );
}

#[test]
fn only_points_that_are_allowed_are_proposed_and_none_where_there_is_none() {
    let space = space("a = { from = 1, to = 100 }");
    let small = |point: &Point| Ok::<_, Infallible>(point["a"].as_integer().unwrap() <= 10);
    for text in [
        "name = 'grid'",
        "name = 'random'\ntrials = 5",
        "name = 'sobol'\ntrials = 5",
        "name = 'tpe'\ntrials = 5",
    ] {
        let method = method(text);
        let points = method
            .propose(&space, &[], &mut { small })
            .unwrap()
            .unwrap();
        assert!(
            !points.is_empty() && points.iter().all(|point| small(point).unwrap()),
            "{text}"
        );
        assert_eq!(
            method.propose(&space, &[], &mut |_| Ok::<_, Infallible>(false)),
            Ok(None),
            "{text}"
        );
    }
}

#[test]
fn a_search_is_not_drawn_to_values_that_were_never_allowed() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let keys = names.map(|name| format!("{name} = [1, 2, 3, 4, 5, 6]\n"));
    let space = space(&(keys.concat() + "x = { from = 0.0, to = 1.0 }"));
    let tpe = method("name = 'tpe'\ntrials = 100");
    let mut allowed = |point: &Point| {
        let small = |name: &str| point[name].as_integer() < Some(3);
        Ok::<_, Infallible>(names.iter().all(|name| small(name)))
    };
    // Among those that were tried, no value of a key is better than the other.
    let at = |trial: u64| {
        let value = |bit: usize| Value::Integer((trial >> bit & 1) as i64 + 1);
        let mut point: Point = names
            .iter()
            .enumerate()
            .map(|(bit, name)| (name.to_string(), value(bit)))
            .collect();
        point.insert("x".into(), Value::Float(trial as f64 / 100.0));
        let even = trial.count_ones().is_multiple_of(2);
        let loss = Some(if even { 0.0 } else { 1.0 });
        Tried { trial, point, loss }
    };
    let tried: Vec<Tried> = (0..64).map(at).collect();
    let found = tpe.propose(&space, &tried, &mut allowed).unwrap();
    assert_eq!(found.map(|points| points.len()), Some(4));
}

#[test]
fn a_point_is_tried_twice_only_where_there_is_no_other() {
    let space = space("a = [1, 2, 3]");
    let tried = run(&method("name = 'random'\ntrials = 5"), &space, |_| 0.0);
    let values: Vec<_> = tried
        .iter()
        .map(|one| one.point["a"].as_integer().unwrap())
        .collect();
    let mut first = values[..3].to_vec();
    first.sort_unstable();
    assert_eq!(first, [1, 2, 3]);
    assert_eq!(values.len(), 5);
}

#[test]
fn halving_gives_more_to_the_better_ones_and_nothing_to_what_failed() {
    let space = space("a = { from = 0.0, to = 1.0 }");
    let halving =
        method("name = 'halving'\nresource = 'learning.epochs'\nleast = 2\nmost = 20\ntrials = 9");
    let mut tried: Vec<Tried> = Vec::new();
    for expected in [(9, 2), (3, 6), (1, 18)] {
        let points = halving
            .propose(&space, &tried, &mut |_| Ok::<_, Infallible>(true))
            .unwrap()
            .unwrap();
        assert_eq!(points.len(), expected.0);
        for point in points {
            assert_eq!(point["learning.epochs"], Value::Integer(expected.1));
            let trial = tried.len() as u64;
            let loss = (trial != 0).then(|| float(&point, "a"));
            tried.push(Tried { trial, point, loss });
        }
    }
    let best = tried[1..9]
        .iter()
        .map(|one| float(&one.point, "a"))
        .fold(f64::MAX, f64::min);
    assert_eq!(float(&tried[12].point, "a"), best);
    assert_eq!(
        halving.propose(&space, &tried, &mut |_| Ok::<_, Infallible>(true)),
        Ok(Some(Vec::new()))
    );
}

#[test]
fn a_trial_for_which_no_point_is_found_has_the_point_of_another() {
    // One in 6,000 is allowed: many trials of 10,000 draws find none.
    let space = space("a = { from = 1, to = 6000 }");
    let mut allowed = |point: &Point| Ok::<_, Infallible>(point["a"] == Value::Integer(4));
    let random = method("name = 'random'\ntrials = 12");
    let points = random.propose(&space, &[], &mut allowed).unwrap().unwrap();
    assert_eq!(points.len(), 12);
    assert!(points.iter().all(|point| point["a"] == Value::Integer(4)));
    // Some seeds find nothing for the first trial.
    for seed in 1..8 {
        let random = method(&format!("name = 'random'\ntrials = 12\nseed = {seed}"));
        let points = random.propose(&space, &[], &mut allowed).unwrap();
        assert_eq!(points.map(|points| points.len()), Some(12), "seed {seed}");
    }
}

#[test]
fn a_space_that_is_nearly_used_up_is_tried_to_its_end() {
    let space = space("a = { from = 1, to = 300 }");
    let tried = run(&method("name = 'random'\ntrials = 900"), &space, |_| 0.0);
    let points: HashSet<String> = tried.iter().map(|one| format!("{:?}", one.point)).collect();
    assert_eq!(points.len(), 300);
}

#[test]
fn rounding_leaves_neither_a_range_nor_its_steps() {
    let space = space(
        "narrow = { from = 0.99991, to = 0.99996 }\ntenths = { from = 0.3, to = 0.9, step = 0.1 }\n\
         there = { values = [1], when = { tenths = [0.3, 0.9] } }\nstepped = { from = 10000.5, to = 10003.5, step = 1.0 }\n\
         wide = { from = 0.1, to = 1.0 }",
    );
    let tried = run(&method("name = 'random'\ntrials = 20"), &space, |_| 0.0);
    let conditioned = tried.iter().filter(|one| one.point.contains_key("there"));
    assert!(
        conditioned.count() > 0,
        "a step is the number that one writes"
    );
    let tenths = space.iter().find(|(key, _)| *key == "tenths").unwrap().1;
    let listed = tenths.domain.listed().unwrap();
    assert_eq!(
        listed,
        [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9].map(Value::Float)
    );
    for one in &tried {
        assert!(listed.contains(&one.point["tenths"]), "{one:?}");
        assert!((0.99991..=0.99996).contains(&float(&one.point, "narrow")));
        let steps = float(&one.point, "stepped") - 10000.5;
        assert!([0.0, 1.0, 2.0, 3.0].contains(&steps), "{steps}");
        let wide = float(&one.point, "wide");
        assert_eq!(format!("{wide:.3e}").parse(), Ok(wide), "four digits");
    }
}

#[test]
fn a_space_may_have_more_keys_and_trials_than_a_sobol_sequence() {
    let keys: String = (0..260)
        .map(|at| format!("k{at} = {{ from = 0.0, to = 1.0 }}\n"))
        .collect();
    let tried = run(&method("name = 'sobol'\ntrials = 3"), &space(&keys), |_| {
        0.0
    });
    let last: HashSet<String> = tried
        .iter()
        .map(|one| one.point["k99"].to_string())
        .collect();
    let beyond: HashSet<String> = tried
        .iter()
        .map(|one| one.point["k259"].to_string())
        .collect();
    assert_eq!([last.len(), beyond.len()], [3, 3]);
    let one = space("a = { from = 0.0, to = 1.0 }");
    let far = |first| {
        samplers::draw(
            &one,
            Draw::Sobol(1),
            first..first + 2,
            &[],
            &mut |_: &Point| Ok::<_, Infallible>(true),
        )
    };
    assert_ne!(far(0), far(1 << 16));
}

#[test]
fn what_does_not_fit_the_space_is_refused() {
    let space = space("a = { from = 0.0, to = 1.0 }");
    for (text, word) in [
        ("name = 'grid'", "\"a\""),
        ("name = 'random'\ntrials = 0", "got 0"),
        ("name = 'tpe'\ntrials = 5\nbatch = 0", "batch"),
        (
            "name = 'halving'\nresource = 'r'\nleast = 1\nmost = 9\ntrials = 1000000000000",
            "1 to 10000000 trials",
        ),
        (
            "name = 'halving'\nresource = 'a'\nleast = 1\nmost = 2\ntrials = 3",
            "varies",
        ),
        (
            "name = 'halving'\nresource = 'r'\nleast = 3\nmost = 2\ntrials = 3",
            "3 and 2",
        ),
    ] {
        let problem = method(text).check(&space).unwrap_err();
        assert!(problem.contains(word), "{text}: {problem}");
    }
    let unknown = toml::from_str::<Method>("name = 'bayes'")
        .unwrap_err()
        .to_string();
    assert!(unknown.contains("`tpe`"), "{unknown}");
}
