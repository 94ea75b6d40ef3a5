using System.Threading.Channels;
using MLflow.Server.Traces;
using Npgsql;

namespace MLflow.Server.Storage.Postgres;

/// <summary>
/// Tells the other servers of the database what this one has stored, and hears what they have, by LISTEN and NOTIFY. Told after the commit and in statements of their own:
/// a transaction that notifies keeps all others of the database from committing beside it. Where nothing comes through, as behind a pooler of transactions, nobody is told.
/// </summary>
internal sealed class PostgresChangeFeed : IAsyncDisposable
{
    private const string Channel = "mlflow_changes";

    private const string NotifySql = $"SELECT pg_notify('{Channel}', $1)";

    /// <summary>What is stored within this time is told at once.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(100);

    /// <summary>After which silence it is tried whether the connection still holds.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(15);

    private readonly PostgresDatabase _database;
    private readonly NpgsqlDataSource _source;
    private readonly TraceChanges _changes;
    private readonly string _sender = Guid.NewGuid().ToString("N");
    private readonly CancellationTokenSource _closing = new();

    /// <summary>Changes that wait to be told; of more than this, that anything may have changed.</summary>
    private readonly Channel<TraceChange> _stored = System.Threading.Channels.Channel.CreateBounded<TraceChange>(1000);
    private readonly Task _loops;
    private int _isOverflown;

    public PostgresChangeFeed(PostgresDatabase database, NpgsqlDataSource source, TraceChanges changes)
    {
        _database = database;
        _source = source;
        _changes = changes;
        _changes.Stored += Take;
        _loops = Task.WhenAll(Task.Run(TellAsync), Task.Run(HearAsync));
    }

    public async ValueTask DisposeAsync()
    {
        _changes.Stored -= Take;
        await _closing.CancelAsync().ConfigureAwait(false);
        await _loops.ConfigureAwait(false);
        _closing.Dispose();
    }

    private void Take(TraceChange change)
    {
        if (!_stored.Writer.TryWrite(change))
        {
            Volatile.Write(ref _isOverflown, 1);
        }
    }

    private async Task TellAsync()
    {
        try
        {
            while (await _stored.Reader.WaitToReadAsync(_closing.Token).ConfigureAwait(false))
            {
                await Task.Delay(Gathering, TimeProvider.System, _closing.Token).ConfigureAwait(false);
                HashSet<long> experiments = [];
                HashSet<uint> traces = [];
                while (_stored.Reader.TryRead(out var change))
                {
                    experiments.UnionWith(change.Experiments!);
                    traces.UnionWith(change.Traces!);
                }

                var told = Interlocked.Exchange(ref _isOverflown, 0) == 0 ? new TraceChange(experiments, traces) : TraceChange.Any;
                try
                {
                    await _database.RunAsync(session => session.QueryAsync(NotifySql, _ => 0, PostgresChangeText.Write(_sender, told)), _closing.Token).ConfigureAwait(false);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    // The database is away: who waits looks for himself.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Closing.
        }
    }

    private async Task HearAsync()
    {
        for (var delay = TimeSpan.FromMilliseconds(100); !_closing.IsCancellationRequested; delay = delay * 2 < MaxDelay ? delay * 2 : MaxDelay)
        {
            try
            {
                var connection = await _source.OpenConnectionAsync(_closing.Token).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    connection.Notification += Hear;
                    await RunAsync(connection, $"LISTEN {Channel}").ConfigureAwait(false);
                    delay = TimeSpan.FromMilliseconds(100);

                    // What was told before is lost.
                    _changes.Pass(TraceChange.Any);
                    while (true)
                    {
                        if (!await connection.WaitAsync(Silence, _closing.Token).ConfigureAwait(false))
                        {
                            await RunAsync(connection, "SELECT 1").ConfigureAwait(false);
                        }
                    }
                }
            }
            catch (Exception) when (!_closing.IsCancellationRequested)
            {
                await Task.Delay(delay, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception)
            {
                // Closing.
            }
        }
    }

    private void Hear(object sender, NpgsqlNotificationEventArgs e)
    {
        if (PostgresChangeText.Read(e.Payload, _sender) is { } change)
        {
            _changes.Pass(change);
        }
    }

    private async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        var command = new NpgsqlCommand(sql, connection);
        await using (command.ConfigureAwait(false))
        {
            await command.ExecuteNonQueryAsync(_closing.Token).ConfigureAwait(false);
        }
    }
}
