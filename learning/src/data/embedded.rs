//! The data sets of the repository's `data/` folder, part of the binary, so that a demo runs from anywhere.

use std::path::Path;

use super::{DataError, DataSpec, Dataset, Standardisation};
use crate::fixed::Fixed;

/// A data set that comes with the crate. See `data/README.md` for where they are from and their licences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embedded {
    /// UCI digits: 1,797 images of 8 x 8 pixels, 10 classes (Alpaydin and Kaynak 1998).
    Digits,
    /// UCI breast cancer Wisconsin (diagnostic): 569 rows, 30 features, 2 classes (Wolberg, Mangasarian, Street and Street 1995).
    BreastCancer,
}

/// Means and standard deviations of the published data set, rounded to two digits: public constants of the task. A task on data that is
/// not public takes them from the domain (the range of an instrument), never from its providers.
const BREAST_CANCER_SHIFT: [&str; 30] = [
    "14", "19", "92", "650", "0.096", "0.1", "0.089", "0.049", "0.18", "0.063", "0.41", "1.2", "2.9", "40", "0.007",
    "0.025", "0.032", "0.012", "0.021", "0.0038", "16", "26", "110", "880", "0.13", "0.25", "0.27", "0.11", "0.29",
    "0.084",
];
const BREAST_CANCER_SCALE: [&str; 30] = [
    "3.5", "4.3", "24", "350", "0.014", "0.053", "0.08", "0.039", "0.027", "0.0071", "0.28", "0.55", "2", "45",
    "0.003", "0.018", "0.03", "0.0062", "0.0083", "0.0026", "4.8", "6.1", "34", "570", "0.023", "0.16", "0.21",
    "0.066", "0.062", "0.018",
];

impl Embedded {
    /// As it is called on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::BreastCancer => "breast-cancer",
        }
    }

    /// The csv file's bytes.
    #[must_use]
    pub const fn csv(self) -> &'static [u8] {
        match self {
            Self::Digits => include_bytes!("../../../data/digits.csv"),
            Self::BreastCancer => include_bytes!("../../../data/breast-cancer.csv"),
        }
    }

    /// What a task on it declares.
    #[must_use]
    pub fn spec(self) -> DataSpec {
        let numbers = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap_or(Fixed::ONE)).collect();
        // The first line of the file, without the label's column at its end.
        let header = self.csv().split(|&byte| byte == b'\n').next().unwrap_or_default();
        let header = String::from_utf8_lossy(header);
        let mut names: Vec<String> = header.trim_end().split(',').map(str::to_owned).collect();
        names.pop();
        let (classes, standardise) = match self {
            Self::Digits => (10, Standardisation { shift: vec![Fixed::ZERO], scale: vec![Fixed::from_integer(16)] }),
            Self::BreastCancer => {
                (2, Standardisation { shift: numbers(&BREAST_CANCER_SHIFT), scale: numbers(&BREAST_CANCER_SCALE) })
            }
        };
        DataSpec { features: names.len(), classes, names, standardise }
    }

    /// All rows, values as in the file.
    ///
    /// # Errors
    /// Never for the files of the repository; a changed file gives a [`DataError`].
    pub fn raw(self) -> Result<Dataset, DataError> {
        let file = match self {
            Self::Digits => "data/digits.csv",
            Self::BreastCancer => "data/breast-cancer.csv",
        };
        self.spec().parse_csv(Path::new(file), self.csv())
    }
}
