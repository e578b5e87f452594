//! The data sets of the repository's `data/` folder, part of the binary, so that a demo runs from anywhere.

use std::path::Path;

use super::{DataError, DataSpec, Dataset, Scaling};
use crate::fixed::Fixed;

/// A data set that comes with the crate. See `data/README.md` for where they are from and their licences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embedded {
    /// UCI digits: 1,797 images of 8 x 8 pixels, 10 classes (Alpaydin and Kaynak 1998).
    Digits,
    /// UCI breast cancer Wisconsin (diagnostic): 569 rows, 30 features, 2 classes (Wolberg, Mangasarian, Street and Street 1995).
    BreastCancer,
}

/// Means and standard deviations of the published data set, rounded to two digits, in units of 0.0001: public constants of the task. A
/// task on data that is not public takes them from the domain (the range of an instrument), never from its providers.
const BREAST_CANCER_MEAN: [i32; 30] = [
    140_000, 190_000, 920_000, 6_500_000, 960, 1_000, 890, 490, 1_800, 630, 4_100, 12_000, 29_000, 400_000, 70, 250,
    320, 120, 210, 38, 160_000, 260_000, 1_100_000, 8_800_000, 1_300, 2_500, 2_700, 1_100, 2_900, 840,
];
const BREAST_CANCER_DEVIATION: [u32; 30] = [
    35_000, 43_000, 240_000, 3_500_000, 140, 530, 800, 390, 270, 71, 2_800, 5_500, 20_000, 450_000, 30, 180, 300, 62,
    83, 26, 48_000, 61_000, 340_000, 5_700_000, 230, 1_600, 2_100, 660, 620, 180,
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
        // The first line of the file, without the label's column at its end.
        let header = self.csv().split(|&byte| byte == b'\n').next().unwrap_or_default();
        let header = String::from_utf8_lossy(header);
        let mut names: Vec<String> = header.trim_end().split(',').map(str::to_owned).collect();
        names.pop();
        let features = names.len();
        let (classes, scaling, class_names) = match self {
            Self::Digits => {
                let scaling = Scaling { offset: Fixed::ZERO, factor: Fixed::power_of_half(4) };
                (10, vec![scaling; features], (0..10).map(|digit| digit.to_string()).collect())
            }
            Self::BreastCancer => {
                let constants = BREAST_CANCER_MEAN.iter().zip(BREAST_CANCER_DEVIATION);
                let scaling = constants.map(|(mean, deviation)| Scaling {
                    offset: Fixed::ratio(*mean, 10_000),
                    factor: Fixed::ratio(10_000, deviation),
                });
                (2, scaling.collect(), vec!["malignant".to_owned(), "benign".to_owned()])
            }
        };
        DataSpec { features, classes, feature_names: names, scaling, class_names }
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
