using MLflow.Server.Storage.Sql;
using Npgsql;

namespace MLflow.Server.Storage.Postgres;

/// <summary>The row at which a reader stands.</summary>
internal readonly struct PostgresRow : IFigureRow
{
    private readonly NpgsqlDataReader _reader;

    public PostgresRow(NpgsqlDataReader reader) => _reader = reader;

    public string Text(int column) => PostgresText.Decode(_reader.GetString(column));

    public string? TextOrNull(int column) => _reader.IsDBNull(column) ? null : Text(column);

    /// <summary>The texts of an array that are not absent.</summary>
    public IEnumerable<string> Texts(int column) => _reader.GetFieldValue<string?[]>(column).OfType<string>().Select(PostgresText.Decode);

    public bool Boolean(int column) => _reader.GetBoolean(column);

    public DateOnly Day(int column) => _reader.GetFieldValue<DateOnly>(column);

    public double Double(int column) => _reader.GetDouble(column);

    public long Int64(int column) => _reader.GetInt64(column);

    public long? Int64OrNull(int column) => _reader.IsDBNull(column) ? null : _reader.GetInt64(column);

    public double? DoubleOrNull(int column) => _reader.IsDBNull(column) ? null : _reader.GetDouble(column);

    public byte[] Bytes(int column) => _reader.GetFieldValue<byte[]>(column);

    public byte[]? BytesOrNull(int column) => _reader.IsDBNull(column) ? null : Bytes(column);

    /// <summary>A text or a number, or null.</summary>
    public object? Value(int column) => _reader.IsDBNull(column) ? null : _reader.GetValue(column) is string text ? PostgresText.Decode(text) : _reader.GetValue(column);
}
