//! Sequential MNIST and Fashion-MNIST: which class an image is of, read piece by piece (after Le et al. 2015).

use crate::datasets::{cached, read_plain_or_gzipped};
use crate::pixels::{PixelOrder, permutation};
use crate::sample::{numbered, one_hot};
use crate::{Category, Dataset, Sample, TaskError, idx, split};
use ndarray::Axis;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Sequential MNIST: 60,000 training and 10,000 test images of 28×28 pixels, scaled to 0 to 1, of the digits 0 to 9.
///
/// The four idx files are looked up in the folder `from`, gzipped or not; without it, in the cache, where
/// `cargo xtask datasets fetch mnist` puts them. Those of the cache are compared with their checksums.
///
/// ```toml
/// [task]
/// name = "sequential-mnist"
/// order = "columns"   # 28 steps of 28 pixels (default); rows; pixels or permuted: 784 steps of one pixel
/// ```
///
/// Sources: LeCun et al. 1998; Le, Jaitly and Hinton, "A simple way to initialize recurrent networks of rectified
/// linear units" (2015), for the pixel-wise and permuted forms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SequentialMnistConfig {
    /// The folder with the four idx files; a relative path is looked up from the current directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// In which order the image is read (default columns).
    pub order: PixelOrder,
    /// Whether inputs are standardised with the training set's statistics (default false: some pixels of the border
    /// are almost never set, and would be blown up).
    pub standardise: bool,
    /// The fraction of the training set that is split off for validation, digit by digit (default 0).
    pub valid: f64,
    /// How many of the training sequences stay; which ones follows from the seed, and classes keep their shares (default all).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// Sequential Fashion-MNIST: images of ten kinds of clothes in the form of MNIST, from a folder.
///
/// ```toml
/// [task]
/// name = "fashion-mnist"
/// from = "data/fashion-mnist"   # the four idx files, gzipped or not
/// ```
///
/// Source: Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
/// algorithms" (2017).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FashionMnistConfig {
    /// The folder with the four idx files; a relative path is looked up from the current directory.
    pub from: PathBuf,
    /// In which order the image is read (default columns).
    #[serde(default = "columns")]
    pub order: PixelOrder,
    /// Whether inputs are standardised with the training set's statistics (default false).
    #[serde(default)]
    pub standardise: bool,
    /// The fraction of the training set that is split off for validation, class by class (default 0).
    #[serde(default)]
    pub valid: f64,
    /// How many of the training sequences stay; which ones follows from the seed, and classes keep their shares (default all).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

impl Default for SequentialMnistConfig {
    fn default() -> Self {
        Self {
            from: None,
            order: columns(),
            standardise: false,
            valid: 0.0,
            limit: None,
        }
    }
}

fn columns() -> PixelOrder {
    PixelOrder::Columns
}

const FASHION: [&str; 10] = [
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
];

impl SequentialMnistConfig {
    pub(crate) const NAME: &'static str = "sequential-mnist";

    pub(crate) fn load(&self, seed: u64) -> Result<Dataset, TaskError> {
        self.images(Self::NAME, numbered(10), seed)
    }

    /// The images of a task in the form of MNIST; without `from` they are those of MNIST itself.
    fn images(
        &self,
        name: &'static str,
        labels: Vec<String>,
        seed: u64,
    ) -> Result<Dataset, TaskError> {
        split::check_fraction(name, "valid", self.valid)?;
        let (train, shape) = self.split("train")?;
        let (test, test_shape) = self.split("t10k")?;
        if shape != test_shape {
            let problem = format!(
                "the test images have {test_shape:?} pixels where the training images have {shape:?}"
            );
            return Err(TaskError::key(name, "from", problem));
        }
        let widths = [train[0].inputs.ncols(), labels.len()];
        let dataset = Dataset {
            labels,
            train,
            test,
            ..Dataset::new(name, Category::Classification, widths)
        };
        dataset.finish(name, self.valid, self.limit, self.standardise, seed)
    }

    /// The images of the files that begin with `part`, and their height and width.
    fn split(&self, part: &str) -> Result<(Vec<Sample>, [usize; 2]), TaskError> {
        let (path, bytes) = self.read(&format!("{part}-images-idx3-ubyte"))?;
        let images = idx::images(&bytes).map_err(|problem| TaskError::file(&path, problem))?;
        let (path, bytes) = self.read(&format!("{part}-labels-idx1-ubyte"))?;
        let labels = idx::labels(&bytes, 10).map_err(|problem| TaskError::file(&path, problem))?;
        let (count, height, width) = images.dim();
        if labels.len() != count {
            let problem = format!("it holds {} labels for {count} images", labels.len());
            return Err(TaskError::file(&path, problem));
        }
        let permutation = permutation(height * width);
        let sample = |(image, &label): (ndarray::ArrayView2<'_, u8>, &u8)| {
            let image = image.mapv(|pixel| f32::from(pixel) / 255.0);
            let inputs = self.order.read(image.view(), &permutation);
            Sample {
                scored: vec![inputs.nrows() - 1],
                inputs,
                targets: one_hot(usize::from(label), 10),
            }
        };
        let samples = images.axis_iter(Axis(0)).zip(&labels).map(sample).collect();
        Ok((samples, [height, width]))
    }

    fn read(&self, name: &str) -> Result<(PathBuf, Vec<u8>), TaskError> {
        match &self.from {
            Some(folder) => read_plain_or_gzipped(folder, name, idx::length),
            None => cached("mnist", name),
        }
    }
}

impl FashionMnistConfig {
    pub(crate) const NAME: &'static str = "fashion-mnist";

    pub(crate) fn load(&self, seed: u64) -> Result<Dataset, TaskError> {
        let config = SequentialMnistConfig {
            from: Some(self.from.clone()),
            order: self.order,
            standardise: self.standardise,
            valid: self.valid,
            limit: self.limit,
        };
        config.images(Self::NAME, FASHION.map(String::from).to_vec(), seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use std::fs;
    use std::io::Write;
    use std::path::Path;

    fn idx_file(sizes: &[u32], data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, sizes.len() as u8];
        sizes
            .iter()
            .for_each(|size| bytes.extend(size.to_be_bytes()));
        bytes.extend(data);
        bytes
    }

    /// Two training images and one test image of 2×2 pixels.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).unwrap();
        write(
            "train-images-idx3-ubyte",
            idx_file(&[2, 2, 2], &[0, 51, 102, 255, 1, 2, 3, 4]),
        );
        write("train-labels-idx1-ubyte", idx_file(&[2], &[3, 0]));
        write("t10k-images-idx3-ubyte", idx_file(&[1, 2, 2], &[9; 4]));
        write("t10k-labels-idx1-ubyte", idx_file(&[1], &[9]));
        folder
    }

    fn load(folder: &Path, order: PixelOrder) -> Result<Dataset, TaskError> {
        let from = Some(folder.to_path_buf());
        SequentialMnistConfig {
            from,
            order,
            ..Default::default()
        }
        .load(0)
    }

    #[test]
    fn images_of_a_folder_are_scaled_and_read_in_order() {
        let folder = folder();
        let dataset = load(folder.path(), PixelOrder::Columns).unwrap();
        assert_eq!(
            (dataset.train.len(), dataset.test.len(), dataset.d_output),
            (2, 1, 10)
        );
        assert_eq!(dataset.train[0].inputs, array![[0.0, 0.4], [0.2, 1.0]]);
        assert_eq!(
            (dataset.train[0].targets[[0, 3]], dataset.train[0].scored[0]),
            (1.0, 1)
        );
        let dataset = load(folder.path(), PixelOrder::Pixels).unwrap();
        assert_eq!(dataset.train[0].inputs, array![[0.0], [0.2], [0.4], [1.0]]);
        let permuted = load(folder.path(), PixelOrder::Permuted).unwrap();
        let sorted = |sample: &Sample| {
            let mut pixels = sample.inputs.iter().copied().collect::<Vec<_>>();
            pixels.sort_by(f32::total_cmp);
            pixels
        };
        assert_eq!(sorted(&permuted.train[0]), [0.0, 0.2, 0.4, 1.0]);
        // The permutation is one and the same for every image and seed.
        assert_eq!(permuted, load(folder.path(), PixelOrder::Permuted).unwrap());
    }

    #[test]
    fn gzipped_files_are_read_too() {
        let folder = folder();
        let plain = load(folder.path(), PixelOrder::Rows).unwrap();
        let path = folder.path().join("train-images-idx3-ubyte");
        let file = fs::File::create(path.with_extension("gz")).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        gzip.write_all(&fs::read(&path).unwrap()).unwrap();
        gzip.finish().unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(load(folder.path(), PixelOrder::Rows).unwrap(), plain);
        fs::write(path.with_extension("gz"), "no gzip").unwrap();
        let message = load(folder.path(), PixelOrder::Rows)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("train-images-idx3-ubyte.gz: it cannot be unpacked"),
            "{message}"
        );
    }

    #[test]
    fn a_broken_folder_is_refused_with_a_sentence() {
        let rows: [(&str, Option<Vec<u8>>, &str); 5] = [
            (
                "t10k-labels-idx1-ubyte",
                None,
                "t10k-labels-idx1-ubyte: neither this file nor",
            ),
            (
                "train-images-idx3-ubyte",
                Some(idx_file(&[1], &[1])),
                "begins with 0x00000801",
            ),
            (
                "train-images-idx3-ubyte",
                Some(idx_file(&[2, 2, 2], &[1])),
                "do not fit the 1 bytes",
            ),
            (
                "train-labels-idx1-ubyte",
                Some(idx_file(&[1], &[1])),
                "it holds 1 labels for 2 images",
            ),
            (
                "t10k-images-idx3-ubyte",
                Some(idx_file(&[1, 1, 2], &[9; 2])),
                "key `from`: the test images have [1, 2]",
            ),
        ];
        for (name, bytes, expected) in rows {
            let folder = folder();
            let path = folder.path().join(name);
            match bytes {
                Some(bytes) => fs::write(path, bytes).unwrap(),
                None => fs::remove_file(path).unwrap(),
            }
            let message = load(folder.path(), PixelOrder::Columns)
                .unwrap_err()
                .to_string();
            assert!(
                message.contains(expected),
                "expected «{expected}», got «{message}»"
            );
        }
    }

    #[test]
    fn fashion_has_the_same_form_and_other_names() {
        let folder = folder();
        let text = format!("from = '{}'", folder.path().display());
        let dataset = toml::from_str::<FashionMnistConfig>(&text)
            .unwrap()
            .load(0)
            .unwrap();
        assert_eq!(dataset.labels[9], "ankle boot");
        let message = toml::from_str::<FashionMnistConfig>("")
            .unwrap_err()
            .to_string();
        assert!(message.contains("missing field `from`"), "{message}");
    }
}
