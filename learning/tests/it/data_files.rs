//! Reading data files against a task's declaration.

use std::path::Path;

use bauta_learning::data::{write_csv, DataSpec, Embedded, Scaling};
use bauta_learning::fixed::Fixed;
use ndarray::{array, Array1, Array2};
use ndarray_npy::NpzWriter;
use proptest::collection::vec;
use proptest::prelude::*;
use safetensors::tensor::TensorView;
use safetensors::Dtype;

fn spec() -> DataSpec {
    DataSpec { features: 2, classes: 3, feature_names: Vec::new(), scaling: Vec::new(), class_names: Vec::new() }
}

fn named() -> DataSpec {
    DataSpec { feature_names: vec!["height".into(), "width".into()], ..spec() }
}

fn csv_error(spec: &DataSpec, text: &str) -> String {
    spec.parse_csv(Path::new("mine.csv"), text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn the_embedded_data_sets_are_whole() {
    let digits = Embedded::Digits.raw().unwrap();
    assert_eq!((digits.rows(), digits.features.ncols(), digits.classes), (1797, 64, 10));
    assert!(digits.features.iter().all(|pixel| (0.0..=16.0).contains(pixel)));
    let cancer = Embedded::BreastCancer.raw().unwrap();
    assert_eq!((cancer.rows(), cancer.features.ncols(), cancer.classes), (569, 30, 2));
    assert_eq!(cancer.labels.iter().filter(|label| **label == 1).count(), 357);
}

#[test]
fn the_embedded_files_have_the_checksums_of_their_readme() {
    use sha2::{Digest, Sha256};
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/README.md")).unwrap();
    for set in [Embedded::Digits, Embedded::BreastCancer] {
        assert!(readme.contains(&hex::encode(Sha256::digest(set.csv()))), "{} differs from data/README.md", set.name());
    }
}

#[test]
fn standardised_breast_cancer_has_means_near_0_and_deviations_near_1() {
    let spec = Embedded::BreastCancer.spec();
    let data = spec.standardised(&Embedded::BreastCancer.raw().unwrap());
    for column in data.features.columns() {
        let mean = column.mean().unwrap();
        assert!(mean.abs() < 0.2 && (column.std(0.0) - 1.0).abs() < 0.1, "mean {mean}, deviation {}", column.std(0.0));
    }
}

#[test]
fn columns_are_found_by_name_in_any_order() {
    let data = named().parse_csv(Path::new("mine.csv"), b"width,label,height\n1,2,3\n4,0.0,5\n").unwrap();
    assert_eq!(data.features, array![[3.0, 1.0], [5.0, 4.0]]);
    assert_eq!(data.labels, [2, 0]);
}

#[test]
fn scaling_subtracts_the_offset_and_multiplies_by_the_factor() {
    let scaling = vec![
        Scaling { offset: Fixed::from_integer(1), factor: Fixed::from_integer(2) },
        Scaling { offset: Fixed::ZERO, factor: Fixed::power_of_half(4) },
    ];
    let spec = DataSpec { scaling, ..spec() };
    let raw = spec.parse_csv(Path::new("mine.csv"), b"a,b,label\n3,8,0\n").unwrap();
    assert_eq!(spec.standardised(&raw).features, array![[4.0, 0.5]]);
}

#[test]
fn errors_in_csv_name_the_file_the_row_and_the_column() {
    for (text, words) in [
        ("a,b,label\n1,2,0\n1,oops,0\n", vec!["mine.csv", "row 2", "column b", "\"oops\""]),
        ("a,b,label\n1,2,0\n1,inf,0\n", vec!["row 2", "column b", "finite"]),
        ("a,b,label\n1,,0\n", vec!["row 1", "column b"]),
        ("a,b,label\n1,2,3\n", vec!["row 1", "label 3", "0..=2"]),
        ("a,b,label\n1,2,-1\n", vec!["row 1", "label -1"]),
        ("a,b,label\n1,2,1.5\n", vec!["row 1", "column label", "\"1.5\""]),
        ("a,b,label\n1,2\n", vec!["row 1", "2 columns", "3"]),
        ("a,b\n1,2\n", vec!["no column named \"label\""]),
        ("a,b\n1,2\n", vec!["it is \"a,b\"", "name the column that holds the class \"label\""]),
        ("a,b,Label\n1,2,0\n", vec!["it is \"a,b,Label\"", "write \"label\" instead of \"Label\""]),
        ("a;b;label\n1;2;0\n", vec!["it is \"a;b;label\"", "separated by semicolons: save it with commas"]),
        ("a\tb\tlabel\n1\t2\t0\n", vec!["separated by tabs"]),
        ("1,2,0\n1,2,0\n", vec!["the first row must be the columns' names"]),
        ("a,label\n1,2\n", vec!["1 columns", "declares 2"]),
        ("a,b,label\n", vec!["no rows"]),
        ("", vec!["label"]),
    ] {
        let error = csv_error(&spec(), text);
        for word in words {
            assert!(error.contains(word), "{error:?} lacks {word:?}");
        }
    }
    assert!(csv_error(&named(), "height,label\n1,0\n").contains("\"width\""));
    assert!(csv_error(&named(), "height,width,age,label\n1,2,3,0\n").contains("\"age\""));
}

#[test]
fn declarations_that_contradict_themselves_are_refused() {
    for (spec, word) in [
        (DataSpec { features: 0, ..spec() }, "features is 0"),
        (DataSpec { classes: 1, ..spec() }, "classes is 1"),
        (DataSpec { feature_names: vec!["a".into()], ..spec() }, "1 names"),
        (DataSpec { feature_names: vec!["a".into(), "a".into()], ..spec() }, "\"a\""),
        (DataSpec { feature_names: vec!["a".into(), "label".into()], ..spec() }, "\"label\""),
        (DataSpec { scaling: vec![Scaling { offset: Fixed::ZERO, factor: Fixed::ONE }], ..spec() }, "1 scalings"),
        (
            DataSpec { scaling: vec![Scaling { offset: Fixed::ZERO, factor: Fixed::ZERO }; 2], ..spec() },
            "factor of scaling 1",
        ),
        (DataSpec { class_names: vec!["a".into()], ..spec() }, "1 class names"),
    ] {
        let error = spec.check().unwrap_err().to_string();
        assert!(error.contains(word), "{error:?} lacks {word:?}");
    }
}

#[test]
fn a_written_csv_reads_back_as_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    for set in [Embedded::Digits, Embedded::BreastCancer] {
        let file = folder.path().join("share.csv");
        let rows = set.raw().unwrap().select(&[5, 3, 100]);
        write_csv(&file, &rows, &set.spec()).unwrap();
        assert!(set.spec().load_raw(&file).unwrap() == rows, "{} changed", set.name());
    }
}

#[test]
fn npz_files_of_several_types_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.npz");
    let (x, y) = (array![[1.0f64, 2.0], [3.0, 4.0]], array![2i64, 0]);
    write_npz(&file, &x, &y);
    let data = spec().load(&file).unwrap();
    assert_eq!((data.features, data.labels), (array![[1.0f32, 2.0], [3.0, 4.0]], vec![2, 0]));
    write_npz(&file, &x.mapv(|value| value as u8), &y.mapv(|label| label as u8));
    assert_eq!(spec().load(&file).unwrap().labels, [2, 0]);

    write_npz(&file, &x, &array![2i64]);
    assert!(spec().load(&file).unwrap_err().to_string().contains("2 rows have 1 labels"));
    write_npz(&file, &x, &array![2.5f64, 1.0]);
    assert!(spec().load(&file).unwrap_err().to_string().contains("the array y must be"));
    let mut writer = NpzWriter::new(std::fs::File::create(&file).unwrap());
    writer.add_array("x", &x).unwrap();
    writer.finish().unwrap();
    assert!(spec().load(&file).unwrap_err().to_string().contains("no readable array named y"));
}

fn write_npz<A: ndarray_npy::WritableElement, B: ndarray_npy::WritableElement>(
    file: &Path,
    x: &Array2<A>,
    y: &Array1<B>,
) {
    let mut writer = NpzWriter::new_compressed(std::fs::File::create(file).unwrap());
    writer.add_array("x", x).unwrap();
    writer.add_array("y", y).unwrap();
    writer.finish().unwrap();
}

#[test]
fn safetensors_files_are_read_and_their_faults_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.safetensors");
    let x: Vec<u8> = [1.0f32, 2.0, 3.0, f32::NAN].iter().flat_map(|value| value.to_le_bytes()).collect();
    let y: Vec<u8> = [1i64, 2].iter().flat_map(|label| label.to_le_bytes()).collect();
    let write = |tensors: &[(&str, Dtype, Vec<usize>, &[u8])]| {
        let views = tensors
            .iter()
            .map(|(name, kind, shape, bytes)| (*name, TensorView::new(*kind, shape.clone(), bytes).unwrap()));
        std::fs::write(&file, safetensors::serialize(views, None).unwrap()).unwrap();
    };
    let error = || spec().load(&file).unwrap_err().to_string();
    write(&[("x", Dtype::F32, vec![1, 2], &x[..8]), ("y", Dtype::I64, vec![1], &y[..8])]);
    let data = spec().load(&file).unwrap();
    assert_eq!((data.features, data.labels), (array![[1.0, 2.0]], vec![1]));

    write(&[("x", Dtype::F32, vec![2, 2], &x), ("y", Dtype::I64, vec![2], &y)]);
    assert!(error().contains("row 2, column 2"), "{}", error());
    write(&[("x", Dtype::F32, vec![4], &x), ("y", Dtype::I64, vec![2], &y)]);
    assert!(error().contains("x has 1 dimensions"), "{}", error());
    write(&[("x", Dtype::F32, vec![2, 2], &x), ("y", Dtype::F32, vec![4], &y)]);
    assert!(error().contains("y has type F32"), "{}", error());
    write(&[("x", Dtype::F32, vec![2, 2], &x)]);
    assert!(error().contains("no tensor named y"), "{}", error());
}

#[test]
fn a_file_that_is_missing_or_of_unknown_format_is_named() {
    let error = spec().load(Path::new("/nowhere/mine.csv")).unwrap_err().to_string();
    assert!(error.contains("/nowhere/mine.csv"), "{error}");
    let error = spec().load(Path::new("mine.parquet")).unwrap_err().to_string();
    assert!(error.contains(".csv, .npz or .safetensors"), "{error}");
}

#[test]
fn rows_are_not_shown_by_debug() {
    let data = spec().parse_csv(Path::new("mine.csv"), b"a,b,label\n31337,2,0\n").unwrap();
    assert!(!format!("{data:?}").contains("31337"));
}

proptest! {
    #[test]
    fn arbitrary_files_are_refused_without_a_panic(bytes in vec(any::<u8>(), 0..300), zip in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let bytes = if zip { [b"PK\x03\x04".as_slice(), &bytes].concat() } else { bytes };
        for name in ["a.csv", "a.npz", "a.safetensors"] {
            let file = folder.path().join(name);
            std::fs::write(&file, &bytes).unwrap();
            let _ = spec().load(&file);
        }
    }

    #[test]
    fn arbitrary_csv_text_is_refused_without_a_panic(text in "[a-c0-9,.\\n\"-]{0,80}") {
        let _ = spec().parse_csv(Path::new("a.csv"), format!("a,b,label\n{text}").as_bytes());
    }
}
