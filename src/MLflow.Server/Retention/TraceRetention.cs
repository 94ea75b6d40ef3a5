using System.Globalization;
using MLflow.Server.Access;
using MLflow.Server.Access.Guards;
using MLflow.Server.Artifacts;
using MLflow.Server.Blobs;
using MLflow.Server.Storage;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Retention;

namespace MLflow.Server.Retention;

/// <summary>Ends traces: those that have expired, and those of a user or a session that somebody wants gone. It asks nobody what they may do.</summary>
internal sealed partial class TraceRetention
{
    /// <summary>Archives that are written at the same time.</summary>
    private const int ParallelArchives = 4;

    private readonly ITraceStore _traces;
    private readonly IRetentionStore _store;
    private readonly IBlobLedger _ledger;
    private readonly SpanBlobs _blobs;
    private readonly TraceFiles _files;
    private readonly AuditLog _audit;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger<TraceRetention> _logger;

    public TraceRetention(
        UnguardedStores stores, IRetentionStore store, IBlobLedger ledger, SpanBlobs blobs, TraceFiles files, AuditLog audit, RetentionPolicy policy, TimeProvider timeProvider, ILogger<TraceRetention> logger)
    {
        _traces = stores.Traces;
        _store = store;
        _ledger = ledger;
        _blobs = blobs;
        _files = files;
        _audit = audit;
        _timeProvider = timeProvider;
        _logger = logger;
        Default = policy;
    }

    /// <summary>What holds for experiments that say nothing else.</summary>
    public RetentionPolicy Default { get; }

    /// <summary>Tells the store what to expect of traces that come.</summary>
    public async Task ExpectAsync(CancellationToken cancellationToken)
    {
        var days = (await _store.ListScopesAsync(cancellationToken).ConfigureAwait(false)).ToDictionary(scope => scope.ExperimentId, scope => DaysOf(Default.For(scope.Tags)));
        _store.Expect(experimentId => days.TryGetValue(experimentId, out var own) ? own : DaysOf(Default));

        static int? DaysOf(RetentionPolicy policy) => policy.Action == RetentionAction.Delete ? policy.Days : null;
    }

    /// <summary>Says what would happen now.</summary>
    /// <param name="isAsked">Which experiments.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<IReadOnlyList<RetentionOutcome>> PreviewAsync(Predicate<long> isAsked, CancellationToken cancellationToken)
    {
        var outcomes = new List<RetentionOutcome>();
        foreach (var (scope, policy, beforeMs) in await ScopesAsync(isAsked, cancellationToken).ConfigureAwait(false))
        {
            var isArchive = policy.Action == RetentionAction.Archive;
            var (expired, kept) = await _store.CountExpiredAsync(scope.ExperimentId, beforeMs, withArchived: !isArchive, cancellationToken).ConfigureAwait(false);
            outcomes.Add(new RetentionOutcome(scope.ExperimentId, isArchive ? 0 : expired, isArchive ? expired : 0, kept, Failed: 0));
        }

        return outcomes;
    }

    /// <summary>Ends what has expired, a bounded number at a time, so that what is sent meanwhile is stored in between.</summary>
    /// <param name="isAsked">Which experiments.</param>
    /// <param name="actor">Who wants it, for the audit log.</param>
    /// <param name="mayGoOn">Asked before each number; false ends it early.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public async Task<IReadOnlyList<RetentionOutcome>> RunAsync(Predicate<long> isAsked, Actor actor, Func<Task<bool>> mayGoOn, CancellationToken cancellationToken)
    {
        var outcomes = new List<RetentionOutcome>();
        foreach (var (scope, policy, beforeMs) in await ScopesAsync(isAsked, cancellationToken).ConfigureAwait(false))
        {
            var outcome = new RetentionOutcome(scope.ExperimentId, 0, 0, 0, 0);
            var isEnded = false;
            try
            {
                for (ExpiredTrace? after = null; !isEnded;)
                {
                    if (!await mayGoOn().ConfigureAwait(false))
                    {
                        return outcomes;
                    }

                    var isArchive = policy.Action == RetentionAction.Archive;
                    var expired = await _store.FindExpiredAsync(scope.ExperimentId, beforeMs, withArchived: !isArchive, after, IRetentionStore.MaxChunk, cancellationToken).ConfigureAwait(false);
                    if (expired.Count > 0)
                    {
                        after = expired[^1];
                        outcome = isArchive
                            ? await ArchiveAsync(scope, beforeMs, expired, outcome, cancellationToken).ConfigureAwait(false)
                            : await DeleteAsync(scope, beforeMs, expired, outcome, cancellationToken).ConfigureAwait(false);
                    }

                    isEnded = expired.Count < IRetentionStore.MaxChunk;
                }
            }
            finally
            {
                // Also of what was done before something went wrong.
                outcomes.Add(outcome);
                await WriteAuditAsync(actor, scope, policy, outcome).ConfigureAwait(false);
            }
        }

        await _store.GiveSpaceBackAsync(cancellationToken).ConfigureAwait(false);
        return outcomes;
    }

    /// <summary>Deletes the traces of a user or a session, kept and archived ones too; or counts them.</summary>
    /// <param name="owner">Whose.</param>
    /// <param name="isAsked">In which experiments.</param>
    /// <param name="isDryRun">Whether they are only counted.</param>
    /// <param name="actor">Who wants it, for the audit log.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public async Task<IReadOnlyList<OwnedTraces>> DeleteOwnedAsync(TraceOwner owner, Predicate<long> isAsked, bool isDryRun, Actor actor, CancellationToken cancellationToken)
    {
        var locations = (await _store.ListScopesAsync(cancellationToken).ConfigureAwait(false)).ToDictionary(scope => scope.ExperimentId, scope => scope.ArtifactLocation);
        var counts = new SortedDictionary<long, long>();
        IReadOnlyList<(string TraceId, long ExperimentId)> found;
        var after = "";
        do
        {
            found = await _store.FindOwnedAsync(owner, after, IRetentionStore.MaxChunk, cancellationToken).ConfigureAwait(false);
            after = found.Count > 0 ? found[^1].TraceId : after;
            foreach (var ofExperiment in found.Where(trace => isAsked(trace.ExperimentId)).GroupBy(trace => trace.ExperimentId, trace => trace.TraceId))
            {
                var ended = ofExperiment.Count();
                if (!isDryRun)
                {
                    var deleted = await _traces.DeleteAsync(new TraceDeletion { ExperimentId = ofExperiment.Key, TraceIds = [.. ofExperiment] }, cancellationToken).ConfigureAwait(false);
                    _files.Delete(locations.GetValueOrDefault(ofExperiment.Key, ""), deleted);
                    ended = deleted.Count;
                    await _audit.WriteAsync(
                        actor, AuditAction.DeleteTraces, string.Create(CultureInfo.InvariantCulture, $"experiment {ofExperiment.Key}: {owner}"), ended.ToString(CultureInfo.InvariantCulture)).ConfigureAwait(false);
                }

                counts[ofExperiment.Key] = counts.GetValueOrDefault(ofExperiment.Key) + ended;
            }
        }
        while (found.Count == IRetentionStore.MaxChunk);

        return [.. counts.Select(count => new OwnedTraces(count.Key, count.Value))];
    }

    private async Task<List<(RetentionScope Scope, RetentionPolicy Policy, long BeforeMs)>> ScopesAsync(Predicate<long> isAsked, CancellationToken cancellationToken)
    {
        var now = _timeProvider.GetUtcNow();
        var started = await _store.StartedAsync(cancellationToken).ConfigureAwait(false);
        var scopes = new List<(RetentionScope, RetentionPolicy, long)>();
        foreach (var scope in await _store.ListScopesAsync(cancellationToken).ConfigureAwait(false))
        {
            var policy = Default.For(scope.Tags);

            // A database that has just learned of retention has had no day of it yet.
            if (isAsked(scope.ExperimentId) && policy.ExpiredBefore(now) is { } beforeMs && beforeMs >= started)
            {
                scopes.Add((scope, policy, beforeMs));
            }
        }

        return scopes;
    }

    private async Task<RetentionOutcome> DeleteAsync(RetentionScope scope, long beforeMs, IReadOnlyList<ExpiredTrace> expired, RetentionOutcome outcome, CancellationToken cancellationToken)
    {
        var deleted = await _store.DeleteExpiredAsync(scope.ExperimentId, beforeMs, [.. expired.Select(trace => trace.TraceId)], cancellationToken).ConfigureAwait(false);
        _files.Delete(scope.ArtifactLocation, deleted);
        return outcome with { Deleted = outcome.Deleted + deleted.Count };
    }

    private async Task<RetentionOutcome> ArchiveAsync(RetentionScope scope, long beforeMs, IReadOnlyList<ExpiredTrace> expired, RetentionOutcome outcome, CancellationToken cancellationToken)
    {
        var (archived, failed) = (0, 0);
        await Parallel.ForEachAsync(
            expired,
            new ParallelOptions { MaxDegreeOfParallelism = ParallelArchives, CancellationToken = cancellationToken },
            async (trace, cancellation) =>
            {
                switch (await ArchiveAsync(scope, beforeMs, trace, cancellation).ConfigureAwait(false))
                {
                    case true:
                        Interlocked.Increment(ref archived);
                        break;
                    case false:
                        Interlocked.Increment(ref failed);
                        break;
                }
            }).ConfigureAwait(false);
        return outcome with { Archived = outcome.Archived + archived, Failed = outcome.Failed + failed };
    }

    /// <returns>Null where there is nothing to archive, or not any more.</returns>
    private async Task<bool?> ArchiveAsync(RetentionScope scope, long beforeMs, ExpiredTrace trace, CancellationToken cancellationToken)
    {
        var spans = await _traces.GetSpansAsync(trace.TraceId, cancellationToken).ConfigureAwait(false);
        if (spans.Count == 0)
        {
            return null;
        }

        if (spans.Any(span => span.IsIncomplete))
        {
            LogLost(_logger, trace.TraceId);
            return false;
        }

        try
        {
            var content = _blobs.Archives!.Write(spans);
            var hash = BlobName.HashOf(content);
            var names = await _blobs.PutAsync(_ledger, [(hash, content)], cancellationToken).ConfigureAwait(false);
            return await _store.ArchiveAsync(scope.ExperimentId, beforeMs, trace, names[hash], cancellationToken).ConfigureAwait(false) ? true : null;
        }
        catch (BlobGoneException)
        {
            // The next time.
            return false;
        }
    }

    private Task WriteAuditAsync(Actor actor, RetentionScope scope, RetentionPolicy policy, RetentionOutcome outcome)
    {
        var ended = policy.Action == RetentionAction.Archive ? outcome.Archived : outcome.Deleted;
        return ended == 0 ? Task.CompletedTask : _audit.WriteAsync(
            actor,
            policy.Action == RetentionAction.Archive ? AuditAction.ArchiveTraces : AuditAction.ExpireTraces,
            string.Create(CultureInfo.InvariantCulture, $"experiment {scope.ExperimentId}: {policy.Days} days"),
            ended.ToString(CultureInfo.InvariantCulture));
    }

    [LoggerMessage(LogLevel.Warning, "Trace {TraceId} is not archived: a part of it cannot be had from the blob store, and all of it stays where it is.")]
    private static partial void LogLost(ILogger logger, string traceId);
}
