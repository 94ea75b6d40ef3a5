using System.Globalization;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Collects the values of a query that is put together from parts, and numbers them.</summary>
internal sealed class PostgresParameters
{
    private readonly List<PostgresValue> _values = [];

    public IReadOnlyList<PostgresValue> Values => _values;

    /// <summary>Adds a value and returns how the SQL refers to it.</summary>
    public string Add(object? value)
    {
        _values.Add(PostgresValue.Of(value));
        return string.Create(CultureInfo.InvariantCulture, $"${_values.Count}");
    }
}
