//! A stream that was put away goes on as if it had not been.

use burn_ndarray::{NdArray, NdArrayDevice};
use ndarray::{Array1, Array2};
use ran_learning::{
    Category, Dataset, LearningError, Model, ModelConfig, Sample, StreamState, train,
};

type B = NdArray<f32>;

const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;

fn signal(steps: usize) -> Array2<f32> {
    Array2::from_shape_fn((steps, 2), |(step, channel)| {
        (step as f32 * 0.4 + channel as f32).sin()
    })
}

fn model(memory: &str, features: &str, targets: usize, seed: u64) -> Model<B> {
    let text = format!(
        "[reservoir]\ncontext = 4\nmemory = '{memory}'\n\
         [[reservoir.population]]\nkind = 'attention-block'\nunits = 3\nd_unit = 4\noutput = 'tanh'\n\
         [readout]\nfeatures = {features}\nridge = 0.1\n"
    );
    let config: ModelConfig = toml::from_str(&text).expect("it is a configuration");
    let inputs = signal(40);
    let dataset = Dataset {
        train: vec![Sample {
            scored: (40 - targets..40).collect(),
            targets: Array2::from_shape_fn((targets, 1), |(row, _)| inputs[[row, 0]]),
            inputs,
        }],
        ..Dataset::new("toy", Category::Regression, [2, 1])
    };
    let trained = train::<B>(&config, &dataset, seed, &DEVICE, &mut |_| {});
    trained.expect("the configuration fits").model
}

#[test]
fn half_a_signal_after_a_break_is_predicted_as_without_one() {
    let signal = signal(24);
    for memory in ["sliding", "rewritten"] {
        for (features, targets) in [
            ("'last'", 30),
            ("'mean'", 30),
            ("'mean-and-last'", 30),
            ("'every-step'", 30),
            ("'every-step'", 1),
            ("{ segments = 3 }", 30),
            ("'pooled'", 30),
            ("'pooled'", 1),
        ] {
            let model = model(memory, features, targets, 1);
            let mut whole = model.stream(&DEVICE);
            // After twelve steps the window's rows lie where those of a fresh stream lie; after seven they do not.
            for (at, margin) in [(12, 0.0), (7, 1e-5)] {
                whole.reset();
                let said: Vec<Array1<f32>> = signal
                    .rows()
                    .into_iter()
                    .map(|inputs| whole.step(inputs).expect("the inputs are right"))
                    .collect();
                let mut first = model.stream(&DEVICE);
                for inputs in signal.rows().into_iter().take(at) {
                    first.step(inputs).expect("the inputs are right");
                }
                let bytes = first.state().to_bytes().expect("its numbers are plain");
                drop(first);
                let state = StreamState::from_bytes(&bytes).expect("its own bytes are right");
                let mut second = model.restore(&state, &DEVICE).expect("it is the model's");
                for (step, inputs) in signal.rows().into_iter().enumerate().skip(at) {
                    let got = second.step(inputs).expect("the inputs are right");
                    let off = (&got - &said[step]).mapv(f32::abs).sum();
                    assert!(off <= margin, "{memory}, {features}, {step}: off by {off}");
                }
            }
        }
    }
}

#[test]
fn another_models_state_and_a_damaged_one_are_refused() {
    let own = model("sliding", "'mean'", 30, 1);
    let state = own.stream(&DEVICE).state();
    let other = model("sliding", "'mean'", 30, 2);
    let refused = |outcome: Result<_, LearningError>| match outcome {
        Ok(_) => panic!("it was taken for a state of this model"),
        Err(error) => error.to_string(),
    };
    let sentence = refused(other.restore(&state, &DEVICE).map(drop));
    assert!(
        sentence.starts_with("the saved stream is of another model"),
        "{sentence}"
    );
    let bytes = state.to_bytes().expect("its numbers are plain");
    let sentence = refused(StreamState::from_bytes(&bytes[..bytes.len() / 2]).map(drop));
    assert!(
        sentence.starts_with("the saved stream is damaged"),
        "{sentence}"
    );
    let text = String::from_utf8(bytes).expect("it is text");
    let short = text.replacen("\"sum\":[0.0,", "\"sum\":[", 1);
    assert_ne!(short, text);
    let state = StreamState::from_bytes(short.as_bytes()).expect("it is well formed");
    let sentence = refused(own.restore(&state, &DEVICE).map(drop));
    assert!(sentence.contains("11 sums, the model 12"), "{sentence}");
    let nameless = text.replacen("\"rows\":", "\"row\":", 1);
    assert_ne!(nameless, text);
    let sentence = refused(StreamState::from_bytes(nameless.as_bytes()).map(drop));
    assert!(
        sentence.contains("neither a reservoir's nor another network's"),
        "{sentence}"
    );
    let shape = text.replacen("[1,4,12]", "[1,3,12]", 1);
    assert_ne!(shape, text);
    let state = StreamState::from_bytes(shape.as_bytes()).expect("it is well formed");
    let sentence = refused(own.restore(&state, &DEVICE).map(drop));
    assert!(sentence.contains("has shape [1, 3, 12]"), "{sentence}");
    let pooling = model("sliding", "'pooled'", 30, 1);
    let text = pooling.stream(&DEVICE).state().to_bytes();
    let text = String::from_utf8(text.expect("its numbers are plain")).expect("it is text");
    let late = text.replacen("\"pool\":{\"steps\":0", "\"pool\":{\"steps\":3", 1);
    assert_ne!(late, text);
    let state = StreamState::from_bytes(late.as_bytes()).expect("it is well formed");
    let sentence = refused(pooling.restore(&state, &DEVICE).map(drop));
    assert!(
        sentence.contains("12 dimensions of 3 steps") && sentence.contains("at step 0"),
        "{sentence}"
    );
}
