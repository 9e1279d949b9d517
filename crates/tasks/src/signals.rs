//! Signals without targets, from an `.npy` file: what a trained model is asked about.

use crate::npz::numbers;
use crate::{TaskError, input, npy};
use ndarray::{Array2, Axis, Ix3};
use std::path::Path;

/// The signals of an `.npy` file, each `[steps, d_input]`, as they stand there.
///
/// An array of shape `[steps]` is one signal of one channel, `[steps, d_input]` is one signal, `[signals, steps, d_input]`
/// are several.
///
/// # Errors
///
/// If the file cannot be read, is no `.npy` file, or its array has another number of dimensions.
pub fn read_npy_signals(path: &Path) -> Result<Vec<Array2<f64>>, TaskError> {
    let bytes = input::read(path)?;
    let problem = |problem| TaskError::file(path, problem);
    let array = npy::parse_numbers(&bytes).and_then(|array| numbers(array, false));
    let array = array.map_err(problem)?;
    let array = match array.ndim() {
        1 => array.insert_axis(Axis(1)).insert_axis(Axis(0)),
        2 => array.insert_axis(Axis(0)),
        3 => array,
        other => {
            return Err(problem(format!(
                "the array has {other} dimensions; [steps], [steps, inputs] and [signals, steps, inputs] can be read"
            )));
        }
    };
    let array = array.into_dimensionality::<Ix3>();
    let array = array.expect("it has three dimensions by now");
    Ok(array.outer_iter().map(|signal| signal.to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use std::fs;

    #[test]
    fn arrays_of_one_to_three_dimensions_are_signals() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signal.npy");
        let read = |shape: &[usize]| {
            let values: Vec<f32> = (0..shape.iter().product()).map(|x| x as f32).collect();
            fs::write(&path, npy::floats(shape, &values)).unwrap();
            read_npy_signals(&path)
        };
        assert_eq!(read(&[3]).unwrap(), [array![[0.0], [1.0], [2.0]]]);
        assert_eq!(read(&[2, 2]).unwrap(), [array![[0.0, 1.0], [2.0, 3.0]]]);
        let two = [array![[0.0], [1.0]], array![[2.0], [3.0]]];
        assert_eq!(read(&[2, 2, 1]).unwrap(), two);
        let sentence = read(&[1, 1, 1, 1]).unwrap_err().to_string();
        assert!(sentence.contains("4 dimensions"), "{sentence}");
        fs::write(&path, b"no array").unwrap();
        let sentence = read_npy_signals(&path).unwrap_err().to_string();
        assert!(sentence.contains("signal.npy"), "{sentence}");
    }
}
