using Npgsql;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Statements that go to the database together and are run one after the other: one way there and back for all of them.</summary>
internal sealed class PostgresBatch
{
    private readonly NpgsqlBatch _batch;
    private readonly List<Action<PostgresRow>?> _readers = [];
    private readonly CancellationToken _cancellationToken;

    public PostgresBatch(NpgsqlBatch batch, CancellationToken cancellationToken)
    {
        _batch = batch;
        _cancellationToken = cancellationToken;
    }

    /// <summary>Adds a statement that returns no rows.</summary>
    public void Add(string sql, params IReadOnlyList<PostgresValue> values) => Add(null, sql, values);

    /// <summary>Adds a statement that returns rows; the list is filled when the batch is run.</summary>
    public List<T> AddQuery<T>(string sql, Func<PostgresRow, T> read, params IReadOnlyList<PostgresValue> values)
    {
        var rows = new List<T>();
        Add(row => rows.Add(read(row)), sql, values);
        return rows;
    }

    public async Task RunAsync()
    {
        await using (_batch.ConfigureAwait(false))
        {
            if (_batch.BatchCommands.Count == 0)
            {
                return;
            }

            // Statements without rows have no result to stand at.
            var reader = await _batch.ExecuteReaderAsync(_cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                foreach (var read in _readers.OfType<Action<PostgresRow>>())
                {
                    while (await reader.ReadAsync(_cancellationToken).ConfigureAwait(false))
                    {
                        read(new PostgresRow(reader));
                    }

                    await reader.NextResultAsync(_cancellationToken).ConfigureAwait(false);
                }
            }
        }
    }

    private void Add(Action<PostgresRow>? read, string sql, IReadOnlyList<PostgresValue> values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(value.Parameter());
        }

        _batch.BatchCommands.Add(command);
        _readers.Add(read);
    }
}
