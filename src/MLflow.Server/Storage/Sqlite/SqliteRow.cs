using Microsoft.Data.Sqlite;
using MLflow.Server.Storage.Sql;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>The row at which a reader stands.</summary>
internal sealed class SqliteRow : IFigureRow
{
    private readonly SqliteDataReader _reader;

    public SqliteRow(SqliteDataReader reader) => _reader = reader;

    public string Text(int column) => _reader.GetString(column);

    public string? TextOrNull(int column) => _reader.IsDBNull(column) ? null : _reader.GetString(column);

    public long Int64(int column) => _reader.GetInt64(column);

    public double Double(int column) => _reader.GetDouble(column);

    public double? DoubleOrNull(int column) => _reader.IsDBNull(column) ? null : _reader.GetDouble(column);
}
