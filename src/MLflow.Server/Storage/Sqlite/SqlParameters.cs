using Microsoft.Data.Sqlite;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Collects the values of a query that is put together from parts, and names them.</summary>
internal sealed class SqlParameters
{
    private readonly List<object?> _values = [];

    /// <summary>Adds a value and returns how the SQL refers to it.</summary>
    public string Add(object? value)
    {
        _values.Add(value);
        return $"$p{_values.Count}";
    }

    public void Bind(SqliteCommand command)
    {
        for (var i = 0; i < _values.Count; i++)
        {
            command.Parameters.AddWithValue($"$p{i + 1}", _values[i] ?? DBNull.Value);
        }
    }
}
