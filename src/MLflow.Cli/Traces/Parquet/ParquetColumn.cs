using Parquet.Schema;

namespace MLflow.Cli.Traces.Parquet;

/// <summary>A column of spans: how it is declared, and what a row has there.</summary>
/// <param name="Field">Name and type.</param>
/// <param name="Value">A text, a whole number, a fraction or a time; null for nothing.</param>
internal sealed record ParquetColumn(DataField Field, Func<SpanTableRow, object?> Value);
