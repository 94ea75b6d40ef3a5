using System.Runtime.CompilerServices;
using Npgsql;

namespace MLflow.Server.Storage.Postgres;

/// <summary>What work may use while it runs in a transaction: statements with the parameters <c>$1</c>, <c>$2</c> and so on.</summary>
internal sealed class PostgresSession
{
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction? _transaction;

    public PostgresSession(NpgsqlConnection connection, NpgsqlTransaction? transaction, ArrivalClock arrivals, TimeProvider timeProvider)
    {
        _connection = connection;
        _transaction = transaction;
        Arrivals = arrivals;
        TimeProvider = timeProvider;
    }

    public ArrivalClock Arrivals { get; }

    public TimeProvider TimeProvider { get; }

    public long NowMs => TimeProvider.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Reads what of spans lies in the blob store.</summary>
    public SpanBlobs Blobs { get; init; } = SpanBlobs.None;

    /// <summary>Seconds after which a statement's answer is not waited for any more; null for the connection's own.</summary>
    public int? CommandTimeout { get; init; }

    /// <summary>Ends the statement that runs.</summary>
    public CancellationToken CancellationToken { get; init; }

    /// <summary>Runs a statement and says how many rows it changed.</summary>
    public async Task<int> ExecuteAsync(string sql, params IReadOnlyList<PostgresValue> values)
    {
        var command = Command(sql, values);
        await using (command.ConfigureAwait(false))
        {
            return await command.ExecuteNonQueryAsync(CancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The rows of a statement.</summary>
    public async Task<List<T>> QueryAsync<T>(string sql, Func<PostgresRow, T> read, params IReadOnlyList<PostgresValue> values)
    {
        var rows = new List<T>();
        await foreach (var row in StreamAsync(sql, values, CancellationToken).ConfigureAwait(false))
        {
            rows.Add(read(row));
        }

        return rows;
    }

    /// <summary>Statements to be run together.</summary>
    public PostgresBatch Batch()
    {
        var batch = new NpgsqlBatch(_connection, _transaction);
        batch.Timeout = CommandTimeout ?? batch.Timeout;
        return new PostgresBatch(batch, CancellationToken);
    }

    /// <summary>Writes rows by COPY, which is the quickest way for many. A key that is there already is an error.</summary>
    /// <param name="sql">COPY with the columns.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="write">Writes the columns of a row.</param>
    public async Task CopyAsync<T>(string sql, IReadOnlyList<T> rows, Func<PostgresCopy, T, Task> write)
    {
        var importer = await _connection.BeginBinaryImportAsync(sql, CancellationToken).ConfigureAwait(false);
        await using (importer.ConfigureAwait(false))
        {
            var copy = new PostgresCopy(importer, CancellationToken);
            foreach (var row in rows)
            {
                await copy.StartRowAsync().ConfigureAwait(false);
                await write(copy, row).ConfigureAwait(false);
            }

            await importer.CompleteAsync(CancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The rows of a statement, read on the calling thread.</summary>
    public List<T> Query<T>(string sql, Func<PostgresRow, T> read, IReadOnlyList<PostgresValue> values)
    {
        using var command = Command(sql, values);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
        {
            rows.Add(read(new PostgresRow(reader)));
        }

        return rows;
    }

    /// <summary>The rows of a statement one after the other, none kept.</summary>
    public async IAsyncEnumerable<PostgresRow> StreamAsync(string sql, IReadOnlyList<PostgresValue> values, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var command = Command(sql, values);
        await using (command.ConfigureAwait(false))
        {
            var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    yield return new PostgresRow(reader);
                }
            }
        }
    }

    private NpgsqlCommand Command(string sql, IReadOnlyList<PostgresValue> values)
    {
        var command = new NpgsqlCommand(sql, _connection, _transaction);
        command.CommandTimeout = CommandTimeout ?? command.CommandTimeout;
        foreach (var value in values)
        {
            command.Parameters.Add(value.Parameter());
        }

        return command;
    }
}
