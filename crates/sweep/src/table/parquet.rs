//! Columns as a Parquet file.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use super::TableError;
use super::column::Column;

/// Writes columns of equal length as one file.
pub(super) fn write(
    columns: &[(String, Column)],
    into: impl Write + Send,
) -> Result<(), TableError> {
    let fields = columns.iter().map(|(name, column)| {
        let (physical, logical) = match column {
            Column::Integer(_) => (Physical::INT64, None),
            Column::Number(_) => (Physical::DOUBLE, None),
            Column::Truth(_) => (Physical::BOOLEAN, None),
            Column::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        let field = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build()?;
        Ok(Arc::new(field))
    });
    let fields = fields.collect::<Result<Vec<_>, ParquetError>>()?;
    let schema = Type::group_type_builder("trials")
        .with_fields(fields)
        .build()?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    let mut writer = SerializedFileWriter::new(into, Arc::new(schema), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for (_, column) in columns {
        match column {
            Column::Integer(values) => fill::<Int64Type, _>(&mut group, values)?,
            Column::Number(values) => fill::<DoubleType, _>(&mut group, values)?,
            Column::Truth(values) => fill::<BoolType, _>(&mut group, values)?,
            Column::Text(values) => {
                let texts = values
                    .iter()
                    .map(|text| text.as_deref().map(ByteArray::from));
                fill::<ByteArrayType, _>(&mut group, &texts.collect::<Vec<_>>())?;
            }
        }
    }
    group.close()?;
    writer.close()?;
    Ok(())
}

/// Writes the next column: the values that are there, and which rows they are in.
fn fill<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[Option<T::T>],
) -> Result<(), ParquetError> {
    let present: Vec<T::T> = values.iter().flatten().cloned().collect();
    let levels = values.iter().map(|value| i16::from(value.is_some()));
    let levels: Vec<i16> = levels.collect();
    let next = group.next_column()?;
    let mut column = next.ok_or_else(|| ParquetError::General("a column is missing".into()))?;
    column
        .typed::<T>()
        .write_batch(&present, Some(&levels), None)?;
    column.close()
}
