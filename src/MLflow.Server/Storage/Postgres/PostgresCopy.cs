using Npgsql;
using NpgsqlTypes;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Rows on their way by the binary protocol of COPY; the columns of a row are written in their order.</summary>
internal sealed class PostgresCopy
{
    private readonly NpgsqlBinaryImporter _importer;
    private readonly CancellationToken _cancellationToken;

    public PostgresCopy(NpgsqlBinaryImporter importer, CancellationToken cancellationToken)
    {
        _importer = importer;
        _cancellationToken = cancellationToken;
    }

    public Task StartRowAsync() => _importer.StartRowAsync(_cancellationToken);

    public Task TextAsync(string? value) => value is null ? NullAsync() : _importer.WriteAsync(PostgresText.Encode(value), NpgsqlDbType.Text, _cancellationToken);

    public Task NumberAsync(long? value) => value is { } number ? _importer.WriteAsync(number, NpgsqlDbType.Bigint, _cancellationToken) : NullAsync();

    public Task SmallAsync(short value) => _importer.WriteAsync(value, NpgsqlDbType.Smallint, _cancellationToken);

    public Task DayAsync(DateOnly value) => _importer.WriteAsync(value, NpgsqlDbType.Date, _cancellationToken);

    public Task BytesAsync(byte[]? value) => value is null ? NullAsync() : _importer.WriteAsync(value, NpgsqlDbType.Bytea, _cancellationToken);

    private Task NullAsync() => _importer.WriteNullAsync(_cancellationToken);
}
