using System.Threading.Channels;
using MLflow.Server.Telemetry;

namespace MLflow.Server.Storage.Postgres;

/// <summary>
/// Writes batches. Those that wait are taken together into one transaction with a few large statements, so that their cost is shared;
/// one that is refused fails alone. Callers go on only after the commit.
/// </summary>
internal sealed class PostgresWriter : IAsyncDisposable
{
    /// <summary>Batches that may wait; further callers wait for room.</summary>
    private const int QueueCapacity = 1024;

    /// <summary>Batches in one transaction: bounds the time that the first of a group waits for the last.</summary>
    private const int MaxGroup = 256;

    /// <summary>Bytes of payloads from which a group takes no further batch: a transaction's parameters are in memory on both sides.</summary>
    private const long MaxGroupBytes = 16 * 1024 * 1024;

    /// <summary>Groups written at the same time: one prepares while another one waits for its commit.</summary>
    private const int Loops = 2;

    private readonly Channel<PostgresWork> _queue = Channel.CreateBounded<PostgresWork>(QueueCapacity);
    private readonly PostgresDatabase _database;
    private readonly Task _loops;

    public PostgresWriter(PostgresDatabase database, ServerMeter? meter)
    {
        meter?.Watch(() => _queue.Reader.Count);
        _database = database;
        _loops = Task.WhenAll(Enumerable.Range(0, Loops).Select(_ => Task.Run(RunAsync)));
    }

    /// <summary>Returns when the batch is durable. Not cancelled any more once it waits in the queue.</summary>
    public async Task WriteAsync(PostgresWork work, CancellationToken cancellationToken)
    {
        await _queue.Writer.WriteAsync(work, cancellationToken).ConfigureAwait(false);
        await work.Completion.ConfigureAwait(false);
    }

    /// <summary>Commits what waits.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loops.ConfigureAwait(false);
    }

    // Nothing that a batch does may end this loop: an error goes to its caller.
    private async Task RunAsync()
    {
        var group = new List<PostgresWork>(MaxGroup);
        while (await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            for (var bytes = 0L; group.Count < MaxGroup && bytes < MaxGroupBytes && _queue.Reader.TryRead(out var work); bytes += work.PayloadBytes)
            {
                group.Add(work);
            }

            // The other loop may have been quicker.
            if (group.Count > 0)
            {
                await CommitAsync(group).ConfigureAwait(false);
                group.Clear();
            }
        }
    }

    private async Task CommitAsync(List<PostgresWork> group)
    {
        Exception?[] refusals;
        try
        {
            refusals = await PostgresTraceWriter.CommitAsync(_database, group).ConfigureAwait(false);
        }
        catch (MlflowException e) when (e.ErrorCode == ErrorCode.TEMPORARILY_UNAVAILABLE && e is not BlobGoneException)
        {
            group.ForEach(work => work.Complete(e));
            return;
        }
        catch (Exception) when (group.Count > 1)
        {
            // One of them is to blame.
            foreach (var work in group)
            {
                await CommitAsync([work]).ConfigureAwait(false);
            }

            return;
        }
        catch (Exception e)
        {
            group[0].Complete(e);
            return;
        }

        for (var i = 0; i < refusals.Length; i++)
        {
            group[i].Complete(refusals[i]);
        }
    }
}
