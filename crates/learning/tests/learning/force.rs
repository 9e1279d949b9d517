//! The example of FORCE learning does what it says.

#[path = "../../../../examples/src/bin/force.rs"]
#[allow(dead_code, reason = "the example's main runs as a program only")]
mod example;

use burn_ndarray::NdArray;
use example::{CONFIG, continued, error, mackey_glass, two_sines};
use ndarray::Array2;
use ran_learning::{Generator, GeneratorConfig};

#[test]
fn a_taught_network_generates_a_signal_by_itself() {
    // The mean of the signal would have an error of 1.
    for (name, signal, alone, allowed) in [
        ("two sines", two_sines(2200), 200, 0.05),
        ("Mackey-Glass", mackey_glass(3050), 50, 0.2),
    ] {
        let said = continued(CONFIG, &signal, alone).expect("the configuration is right");
        let off = error(&signal, &said);
        assert!(off < allowed, "{name}: {off}");
    }
}

#[test]
fn teaching_in_pieces_equals_teaching_at_once_and_a_wrong_configuration_gets_a_sentence() {
    let text = "[force]\nevery = 2\n[reservoir]\ncontext = 2\n[[reservoir.population]]\nkind = 'attention-block'\nunits = 2\n\
                d_unit = 4\noutput = 'tanh'\n";
    let mut config: GeneratorConfig = toml::from_str(text).expect("it is a configuration");
    let signal = two_sines(40);
    let generator =
        |config: &GeneratorConfig| Generator::<NdArray>::new(config, 1, 3, &Default::default());
    let mut whole = generator(&config).expect("the configuration is right");
    let mut pieces = whole.clone();
    let at_once = whole.teach(signal.view()).expect("the targets are finite");
    let (first, second) = signal.view().split_at(ndarray::Axis(0), 17);
    let first = pieces.teach(first).expect("the targets are finite");
    let second = pieces.teach(second).expect("the targets are finite");
    let joined = ndarray::concatenate![ndarray::Axis(0), first, second];
    assert_eq!(joined, at_once);
    assert_eq!(whole.run(5), pieces.run(5));

    let nothing = Array2::from_elem((2, 1), f32::NAN);
    let sentence = whole.teach(nothing.view()).unwrap_err().to_string();
    assert!(sentence.contains("must be finite"), "{sentence}");
    config.force.every = 0;
    let sentence = generator(&config).unwrap_err().to_string();
    assert_eq!(sentence, "force.every must be at least 1, got 0");
}
