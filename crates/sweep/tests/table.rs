//! The table, read back by readers that know nothing of how it was written.

use std::collections::BTreeMap;
use std::fs::File;

use parquet::basic::{Compression, LogicalType, Type as Physical};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use ran_sweep::{Parameters, Results, SeedScore, Trial, table};
use serde_json::{Value, json};

fn trial(number: u64, point: &[(&str, Value)]) -> Trial {
    let point = point
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()));
    Trial {
        trial: number,
        point: point.collect(),
        parameters: Some(Parameters {
            trained: 90,
            fixed: 4_000_000_000,
        }),
        seeds: [5, 6]
            .map(|seed| SeedScore {
                seed,
                train: None,
                valid: Some(0.1 + 0.2),
                test: Some(1.0),
            })
            .to_vec(),
        score: Some(0.1 + 0.2),
        problem: None,
        seconds: 2.5,
        command: "run --set a=\"1, 2\"".into(),
    }
}

fn results() -> Results {
    let mut failed = trial(2, &[("units", json!(7)), ("kind", json!("attention"))]);
    failed.seeds.clear();
    failed.parameters = None;
    failed.score = None;
    failed.problem = Some("the matrix is singular,\nsaid \"LAPACK\"".into());
    Results {
        name: "table".into(),
        metric: "accuracy".into(),
        judged: "test".into(),
        higher_is_better: true,
        keys: ["units", "leak", "kind", "fast", "mixed", "seed"]
            .map(String::from)
            .to_vec(),
        logarithmic: Vec::new(),
        planned: 3,
        trials: vec![
            trial(
                0,
                &[
                    ("units", json!(10)),
                    ("leak", json!(1)),
                    ("fast", json!(true)),
                    ("mixed", json!(1)),
                    ("seed", json!(4)),
                ],
            ),
            trial(
                1,
                &[
                    ("units", json!(-3)),
                    ("leak", json!(0.25)),
                    ("fast", json!(false)),
                    ("mixed", json!("one")),
                ],
            ),
            failed,
        ],
    }
}

const NAMES: [&str; 17] = [
    "trial",
    "units",
    "leak",
    "kind",
    "fast",
    "mixed",
    "key.seed",
    "seed",
    "train",
    "valid",
    "test",
    "score",
    "trained_parameters",
    "fixed_parameters",
    "seconds",
    "problem",
    "command",
];

#[test]
fn a_csv_file_has_a_row_for_each_trial_and_seed() {
    let mut text = Vec::new();
    table::write_csv(&results(), &mut text).unwrap();
    let mut reader = csv::Reader::from_reader(&text[..]);
    assert_eq!(
        reader.headers().unwrap(),
        &csv::StringRecord::from(NAMES.to_vec())
    );
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 5);
    let run = "run --set a=\"1, 2\"";
    let numbers = [
        "",
        "0.30000000000000004",
        "1.0",
        "0.30000000000000004",
        "90",
        "4000000000",
        "2.5",
        "",
        run,
    ];
    for (row, seed) in [(0, "5"), (1, "6")] {
        let expected = [
            &["0", "10", "1.0", "", "true", "1", "4", seed],
            &numbers[..],
        ]
        .concat();
        assert_eq!(rows[row], csv::StringRecord::from(expected));
    }
    let failed = [
        "2",
        "7",
        "",
        "attention",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "2.5",
        "the matrix is singular,\nsaid \"LAPACK\"",
        run,
    ];
    assert_eq!(rows[4], csv::StringRecord::from(failed.to_vec()));
}

/// Writes a file and opens it again.
fn parquet(results: &Results) -> SerializedFileReader<File> {
    let file = tempfile::tempfile().unwrap();
    table::write_parquet(results, &file).unwrap();
    SerializedFileReader::new(file).unwrap()
}

#[test]
fn a_parquet_file_has_typed_columns_and_the_same_rows() {
    let reader = parquet(&results());
    let schema = reader.metadata().file_metadata().schema_descr();
    let types: Vec<(&str, Physical)> = schema
        .columns()
        .iter()
        .map(|column| (column.name(), column.physical_type()))
        .collect();
    let (integer, number, text) = (Physical::INT64, Physical::DOUBLE, Physical::BYTE_ARRAY);
    let expected = [
        integer,
        integer,
        number,
        text,
        Physical::BOOLEAN,
        text,
        integer,
        integer,
        number,
        number,
        number,
        number,
        integer,
        integer,
        number,
        text,
        text,
    ];
    assert_eq!(types, NAMES.into_iter().zip(expected).collect::<Vec<_>>());
    for column in schema
        .columns()
        .iter()
        .filter(|column| column.physical_type() == text)
    {
        assert_eq!(column.logical_type_ref(), Some(&LogicalType::String));
    }
    assert_eq!(
        reader.metadata().row_group(0).column(0).compression(),
        Compression::SNAPPY
    );
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        let fields = row.get_column_iter();
        fields
            .map(|(name, field)| (name.clone(), field.clone()))
            .collect::<BTreeMap<_, _>>()
    });
    let rows: Vec<BTreeMap<String, Field>> = rows.collect();
    assert_eq!(rows.len(), 5);
    assert_eq!(rows[1]["seed"], Field::Long(6));
    assert_eq!(rows[0]["leak"], Field::Double(1.0));
    assert_eq!(rows[2]["units"], Field::Long(-3));
    assert_eq!(rows[2]["fast"], Field::Bool(false));
    assert_eq!(
        [&rows[0]["mixed"], &rows[2]["mixed"]],
        [&Field::Str("1".into()), &Field::Str("one".into())]
    );
    assert_eq!(rows[2]["score"], Field::Double(0.1 + 0.2));
    assert_eq!(rows[2]["fixed_parameters"], Field::Long(4_000_000_000));
    assert_eq!(
        rows[4]["problem"],
        Field::Str("the matrix is singular,\nsaid \"LAPACK\"".into())
    );
    for absent in ["seed", "valid", "score", "trained_parameters", "leak"] {
        assert_eq!(rows[4][absent], Field::Null, "{absent}");
    }
}

#[test]
fn a_sweep_without_trials_is_a_table_without_rows() {
    let results = Results {
        trials: Vec::new(),
        ..results()
    };
    let reader = parquet(&results);
    assert_eq!(reader.get_row_iter(None).unwrap().count(), 0);
    let mut text = Vec::new();
    table::write_csv(&results, &mut text).unwrap();
    assert_eq!(String::from_utf8(text).unwrap().lines().count(), 1);
}

/// Accepts some bytes and refuses the rest, as a full disk does.
struct Full(usize);

impl std::io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(bytes.len())
            .ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error_with_a_sentence() {
    let csv = table::write_csv(&results(), Full(10))
        .unwrap_err()
        .to_string();
    assert!(
        csv.starts_with("the table cannot be written as CSV: "),
        "{csv}"
    );
    let parquet = table::write_parquet(&results(), Full(10))
        .unwrap_err()
        .to_string();
    assert!(
        parquet.starts_with("the table cannot be written as Parquet: "),
        "{parquet}"
    );
}
