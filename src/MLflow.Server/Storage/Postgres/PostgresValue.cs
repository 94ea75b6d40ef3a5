using Npgsql;
using NpgsqlTypes;

namespace MLflow.Server.Storage.Postgres;

/// <summary>A value of a statement. A type of its own, because an array is one value here and not many.</summary>
internal readonly struct PostgresValue
{
    private readonly object? _value;
    private readonly NpgsqlDbType? _type;

    private PostgresValue(object? value, NpgsqlDbType? type = null)
    {
        _value = value;
        _type = type;
    }

    public static implicit operator PostgresValue(string? value) => new(value is null ? null : PostgresText.Encode(value), NpgsqlDbType.Text);

    public static implicit operator PostgresValue(int value) => new(value);

    public static implicit operator PostgresValue(long value) => new(value);

    public static implicit operator PostgresValue(long? value) => new(value, NpgsqlDbType.Bigint);

    public static implicit operator PostgresValue(double? value) => new(value, NpgsqlDbType.Double);

    public static implicit operator PostgresValue(DateOnly value) => new(value);

    public static implicit operator PostgresValue(string?[] values) =>
        new(Array.ConvertAll(values, value => value is null ? null : PostgresText.Encode(value)), NpgsqlDbType.Array | NpgsqlDbType.Text);

    public static implicit operator PostgresValue(bool[] values) => new(values);

    public static implicit operator PostgresValue(short[] values) => new(values);

    public static implicit operator PostgresValue(int[] values) => new(values);

    public static implicit operator PostgresValue(long[] values) => new(values);

    public static implicit operator PostgresValue(long?[] values) => new(values);

    public static implicit operator PostgresValue(double[] values) => new(values);

    public static implicit operator PostgresValue(DateOnly[] values) => new(values);

    public static implicit operator PostgresValue(byte[] value) => new(value);

    public static implicit operator PostgresValue(byte[]?[] values) => new(values);

    /// <summary>A value of a filter.</summary>
    public static PostgresValue Of(object? value) => value switch
    {
        null or string => (string?)value,
        long number => number,
        double number => (double?)number,
        long[] numbers => numbers,
        string[] texts => texts,
        _ => throw new ArgumentOutOfRangeException(nameof(value), value, "Not a type of filter values."),
    };

    public NpgsqlParameter Parameter()
    {
        var parameter = new NpgsqlParameter { Value = _value ?? DBNull.Value };
        if (_type is { } type)
        {
            parameter.NpgsqlDbType = type;
        }

        return parameter;
    }
}
