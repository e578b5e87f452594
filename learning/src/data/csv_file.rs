//! csv: a header row with the features' names and `label`, then a row an example.

use std::path::Path;

use ndarray::Array2;

use super::{DataError, DataSpec, Dataset};

/// The column that holds the class.
pub(super) const LABEL: &str = "label";

/// Parses csv text against the task's declaration. Columns may stand in any order if the task names its features; otherwise all columns
/// but `label` count, in their order.
pub(super) fn parse(file: &Path, bytes: &[u8], spec: &DataSpec) -> Result<Dataset, DataError> {
    let malformed = |what: String| DataError::Malformed { file: file.to_owned(), what };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(|error| malformed(format!("the header cannot be read: {error}")))?.clone();
    let (columns, label) = columns(&header, spec).map_err(malformed)?;

    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for (index, record) in reader.records().enumerate() {
        let row = index + 1;
        let record = record.map_err(|error| match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                malformed(format!("row {row} has {len} columns where the header has {expected_len}"))
            }
            _ => malformed(format!("row {row} cannot be read: {error}")),
        })?;
        let cell = |column: usize, what: String| DataError::Cell {
            file: file.to_owned(),
            row,
            column: header.get(column).unwrap_or_default().to_owned(),
            what,
        };
        for &column in &columns {
            let text = record.get(column).unwrap_or_default();
            let value = text.parse::<f32>().ok().filter(|value| value.is_finite());
            values.push(value.ok_or_else(|| cell(column, format!("{text:?} is not a finite number")))?);
        }
        let text = record.get(label).unwrap_or_default();
        // Spreadsheets write 3 as 3.0.
        let digits = text.strip_suffix(".0").unwrap_or(text);
        let class = digits.parse::<i64>();
        labels.push(class.map_err(|_| {
            cell(label, format!("{text:?} is not a whole number; labels are 0..={}", spec.classes - 1))
        })?);
    }
    let features = Array2::from_shape_vec((labels.len(), columns.len()), values)
        .map_err(|error| malformed(format!("the rows do not form a table: {error}")))?;
    spec.assemble(file, features, &labels)
}

/// Which column of the file is which feature, and which is the label.
fn columns(header: &csv::StringRecord, spec: &DataSpec) -> Result<(Vec<usize>, usize), String> {
    let place = |name: &str| header.iter().position(|column| column == name);
    let label = place(LABEL).ok_or_else(|| {
        format!("the header has no column named {LABEL:?}; it is {}{}", shown(header), suggestion(header))
    })?;
    let others: Vec<usize> = (0..header.len()).filter(|&column| column != label).collect();
    if spec.feature_names.is_empty() {
        if others.len() != spec.features {
            return Err(format!(
                "the header has {} columns beside {LABEL:?}; the task declares {}",
                others.len(),
                spec.features
            ));
        }
        return Ok((others, label));
    }
    let columns = spec
        .feature_names
        .iter()
        .map(|name| place(name).ok_or_else(|| format!("the header has no column {name:?}, which the task declares")))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(&extra) = others.iter().find(|column| !columns.contains(column)) {
        return Err(format!(
            "the column {:?} is not among the features the task declares",
            header.get(extra).unwrap_or_default()
        ));
    }
    Ok((columns, label))
}

/// A header as it was found, cut short.
fn shown(header: &csv::StringRecord) -> String {
    const MOST: usize = 80;
    let names: Vec<&str> = header.iter().collect();
    let text = names.join(",");
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?} and so on", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// What is probably meant by a header without the label.
fn suggestion(header: &csv::StringRecord) -> String {
    let alike = header.iter().find(|column| column.trim().eq_ignore_ascii_case(LABEL));
    if let Some(column) = alike {
        return format!("; write {LABEL:?} instead of {column:?}");
    }
    let only = if header.len() == 1 { header.get(0).unwrap_or_default() } else { "" };
    for (separator, name) in [(';', "semicolons"), ('\t', "tabs"), ('|', "bars")] {
        if only.contains(separator) {
            return format!("; its columns are separated by {name}: save it with commas between them");
        }
    }
    if header.iter().all(|column| column.parse::<f32>().is_ok()) {
        return format!("; the first row must be the columns' names, {LABEL:?} among them");
    }
    format!("; name the column that holds the class {LABEL:?}")
}

/// Writes raw rows so that [`DataSpec::load_raw`] reads the same rows back: the shortest decimals that are the same floats.
///
/// # Errors
/// [`DataError::Read`] with what the system said, also for writing.
pub fn write_csv(file: &Path, data: &Dataset, spec: &DataSpec) -> Result<(), DataError> {
    let failed = |error: csv::Error| DataError::Read { file: file.to_owned(), source: std::io::Error::other(error) };
    let mut writer = csv::Writer::from_path(file).map_err(failed)?;
    let names = (0..data.features.ncols()).map(|column| match spec.feature_names.get(column) {
        Some(name) => name.clone(),
        None => format!("feature_{}", column + 1),
    });
    writer.write_record(names.chain([LABEL.to_owned()])).map_err(failed)?;
    for row in 0..data.rows() {
        let (values, label) = data.row(row);
        writer.write_record(values.iter().map(f32::to_string).chain([label.to_string()])).map_err(failed)?;
    }
    writer.flush().map_err(|source| DataError::Read { file: file.to_owned(), source })
}
