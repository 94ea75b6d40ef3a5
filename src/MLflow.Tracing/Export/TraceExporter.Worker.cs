using System.Buffers;
using System.Collections.Frozen;
using System.Runtime.InteropServices;

namespace MLflow;

internal sealed partial class TraceExporter
{
    /// <summary>Tries of a request that the server fails on before it is given up.</summary>
    public const int MaxFailures = 7;

    /// <summary>Tries after which the exports of a failing request go one by one, in case one of them is what the server fails on.</summary>
    public const int SuspectFailures = 3;

    /// <summary>Bytes of one OTLP request, unless one span alone is larger.</summary>
    public const int MaxRequestBytes = 1 << 20;

    private const int MaxParallelRequests = 8;
    private const int MaxSpoolWriteBytes = 2 << 20;
    private long _unreportedOverflow;

    /// <summary>The worker. It ends only when the exporter is closed; nothing that a server does or a span holds may end it.</summary>
    private void Run(TaskCompletionSource ended)
    {
        try
        {
            Run();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // An exception on a thread would end the process.
            _log.Warn("worker", "Traces are no longer sent: " + e);
        }

        ended.SetResult();
    }

    private void Run()
    {
        while (!_stop.IsCancellationRequested)
        {
            if (TakeAside() is { } aside)
            {
                SpoolAll("the signal to end the program came");
                aside.SetResult();
                continue;
            }

            // 1. What is due? A lane is due when its server is, and when it has waited for company or somebody waits for it.
            ExportStep step;
            lock (_lock)
            {
                _alarm = long.MaxValue;
                step = Next();
                if (step.Kind == ExportStepKind.Send)
                {
                    _lastAttempt++;
                }
                else if (step.Kind == ExportStepKind.Sleep && step.Wait != Timeout.InfiniteTimeSpan)
                {
                    SetAlarm(step.Wait);
                }
            }

            ReportOverflow();
            switch (step.Kind)
            {
                case ExportStepKind.Encode:
                    step.Batch.ForEach(Encode);
                    continue;
                case ExportStepKind.Spool:
                    Spool(step.Lane!);
                    continue;
                case ExportStepKind.Identify:
                    IdentifyAsync(step.Server!).GetAwaiter().GetResult();
                    continue;
                case ExportStepKind.Load:
                    Load(step.Address!, step.Held);
                    continue;
                case ExportStepKind.Sleep:
                    _wake.WaitOne();
                    continue;
                default:
                    break;
            }

            var (lane, batch, attempt) = (step.Lane!, step.Batch, _lastAttempt);

            // 2. Send. Whatever fails, the batch is either still in its lane or counted as dropped.
            try
            {
                SendAsync(lane, batch).GetAwaiter().GetResult();
                lane.Server.Retry.Succeeded();
                lane.Server.IsOutageReported = false;
                Release(lane);
                _spool?.Adopt(lane.Destination.TrackingUri);
            }
            catch (ExportFailureException e)
            {
                Fail(lane, batch, e, attempt);
            }
            catch (OperationCanceledException) when (_interrupt.IsCancellationRequested)
            {
                // The exporter ends, or the batch goes to the disk.
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                if (batch.Count > 1)
                {
                    // One of them cannot be sent, and it must not take the others with it.
                    batch.ForEach(b => b.GoesAlone = true);
                }
                else
                {
                    Drop(lane, batch, DropReasons.Failed, "MLflow.Tracing could not send it: " + e);
                }
            }
        }

        lock (_lock)
        {
            _flushes.ForEach(f => f.Complete());
            _aside?.SetResult();
            _aside = null;
        }
    }

    /// <summary>Who waits until all is on the disk; null for nobody. Requests are no longer interrupted afterwards.</summary>
    private TaskCompletionSource? TakeAside()
    {
        lock (_lock)
        {
            if (_aside is not { } aside)
            {
                return null;
            }

            _aside = null;
            if (!_stop.IsCancellationRequested)
            {
                _interrupt = new CancellationTokenSource();
            }

            return aside;
        }
    }

    /// <summary>Nothing waits on the answer: a server that is away is told of when there is something to send.</summary>
    private async Task IdentifyAsync(TrackingServer server)
    {
        try
        {
            await server.IdentifyAsync(_interrupt.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ExportFailureException or OperationCanceledException)
        {
            // Asked again later.
        }
    }

    /// <summary>Encodes what was handed over from the program's threads. What cannot be encoded is dropped and does not take others with it.</summary>
    private void Encode(QueuedExport export)
    {
        try
        {
            var encoded = Encode(export.Raw!);
            lock (_lock)
            {
                _queuedBytes += export.Lane!.Become(export, encoded);
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Drop(export.Lane!, [export], DropReasons.Failed, "MLflow.Tracing could not encode it: " + e);
        }
    }

    /// <summary>Null where it fails: then the worker tries, and counts what it cannot encode either.</summary>
    private EncodedExport? TryEncode(TraceExport export)
    {
        try
        {
            return Encode(export);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return null;
        }
    }

    private EncodedExport Encode(TraceExport export)
    {
        bool withPreviews, recordsCalls;
        lock (_lock)
        {
            _servers.TryGetValue(export.Trace.Destination.TrackingUri, out var server);
            withPreviews = server is not { TakesFacts: true };
            recordsCalls = server is { RecordsCalls: true };
        }

        var encoder = TakeEncoder();
        var encoded = encoder.Encode(export, _memory, withPreviews, recordsCalls);
        Keep(encoder);
        return encoded;
    }

    private ExportEncoder TakeEncoder() => Interlocked.Exchange(ref _encoder, null) ?? new ExportEncoder();

    private void Keep(ExportEncoder encoder)
    {
        if (!encoder.IsWorthKeeping || Interlocked.CompareExchange(ref _encoder, encoder, null) is not null)
        {
            encoder.Dispose();
        }
    }

    /// <summary>Records calls that were left to a server and go elsewhere: to another one, to the disk, or by themselves because they were refused.</summary>
    private void RecordCalls(ExportLane lane, List<QueuedExport> exports)
    {
        foreach (var export in exports)
        {
            if (export.Encoded is not { IsPlainCall: true } plain)
            {
                continue;
            }

            var encoder = TakeEncoder();
            var recorded = encoder.EncodeRecorded(plain, _memory, withPreviews: !lane.Server.TakesFacts);
            Keep(encoder);
            lock (_lock)
            {
                _queuedBytes += lane.Become(export, recorded);
                _memory.Release(plain.Block);
            }
        }
    }

    private ExportStep Next()
    {
        if (_raw.Count > 0)
        {
            var raw = _raw;
            _raw = [];
            return new ExportStep(ExportStepKind.Encode) { Batch = raw };
        }

        if (_toIdentify is { } unknown)
        {
            _toIdentify = null;
            return new ExportStep(ExportStepKind.Identify) { Server = unknown };
        }

        ExportLane? due = null;
        List<QueuedExport> batch = [];
        var wait = Timeout.InfiniteTimeSpan;
        HashSet<ExportLane>? idle = null;
        foreach (var lane in _lanes.Values)
        {
            var remaining = RemainingOf(lane);
            if (remaining > TimeSpan.Zero)
            {
                if (IsForSpool(lane))
                {
                    return new ExportStep(ExportStepKind.Spool) { Lane = lane };
                }

                wait = Shorter(wait, remaining);
                if (MaySpool(lane))
                {
                    wait = Shorter(wait, Linger - _timeProvider.GetElapsedTime(lane.WaitsSince));
                }
            }
            else if (due is null || lane.FirstSequence < due.FirstSequence)
            {
                var next = lane.NextBatch();
                if (next.Count > 0)
                {
                    (due, batch) = (lane, next);
                }
                else
                {
                    // Parts of unfinished traces: their last part wakes the worker.
                    (idle ??= []).Add(lane);
                }
            }
        }

        if (due is null && _spool is not null)
        {
            foreach (var (address, server) in _servers)
            {
                // One that is away is tried with what waits on the disk, when nothing else is there to try it with.
                var held = server.HeldNow();
                if (_lanes.Values.Any(lane => ReferenceEquals(lane.Server, server) && !held.Contains(lane.Destination)))
                {
                    continue;
                }

                if (_spool.HasUnread(address, held))
                {
                    if (server.Retry.Remaining <= TimeSpan.Zero)
                    {
                        return new ExportStep(ExportStepKind.Load) { Address = address, Held = held };
                    }

                    wait = Shorter(wait, server.Retry.Remaining);
                }
                else if (held.Count > 0 && _spool.HasUnread(address, FrozenSet<TraceDestination>.Empty))
                {
                    wait = Shorter(wait, held.Min(destination => server.HoldOf(destination)!.Remaining));
                }
            }
        }

        foreach (var flush in _flushes.Where(f => !_lanes.Values.Any(l => f.WaitsFor(l) && idle?.Contains(l) != true) && !_servers.Any(s => f.WaitsForSpool(s.Value) && _spool?.HasAny(s.Key, f.IsOwnOnly) == true)))
        {
            flush.Complete();
        }

        // At least a millisecond: timers cut what is below, and the loop would turn without progress.
        return due is null
            ? new ExportStep(ExportStepKind.Sleep) { Wait = wait == Timeout.InfiniteTimeSpan ? wait : wait + TimeSpan.FromMilliseconds(1) }
            : new ExportStep(ExportStepKind.Send) { Lane = due, Batch = batch };
    }

    private static TimeSpan Shorter(TimeSpan left, TimeSpan right) => left == Timeout.InfiniteTimeSpan || right < left ? right : left;

    /// <summary>Its server is away, it has waited long enough, and nobody waits for it to be tried again.</summary>
    private bool IsForSpool(ExportLane lane) =>
        ((MaySpool(lane) && (lane.IsFull || _timeProvider.GetElapsedTime(lane.WaitsSince) >= Linger)) || (lane.Hold is not null && lane.IsFull && _spool is { TakesMore: true }))
        && Spoolable(lane) is var (fromDisk, fresh) && (fromDisk.Any() || fresh.Any());

    /// <summary>What of a lane can leave memory. Where that is nothing, to try it would be to turn without progress, and to keep other lanes waiting.</summary>
    private static (IEnumerable<QueuedExport> FromDisk, IEnumerable<QueuedExport> Fresh) Spoolable(ExportLane lane) => (
        lane.Waiting.Where(e => e.Spooled is not null),

        // What came since the worker looked is not encoded, and waits for the next time.
        lane.Waiting.Where(e => e is { Spooled: null, Encoded: not null, IsAnnouncement: false } && (lane.Server.TakesSpans || lane.IsCatalog || (e.IsComplete && !e.Progress.IsUploaded))));

    private bool MaySpool(ExportLane lane) =>
        _spool is { TakesMore: true } && lane.Server is { Retry.Failures: > 0 } server && (server.TakesSpans || server.Workspace is not null) && !_flushes.Exists(f => f.WaitsFor(lane));

    /// <summary>Puts what waits in a lane on the disk, as far as there is room. What has come from there is there still.</summary>
    /// <param name="lane">The lane.</param>
    /// <param name="isLast">The program ends: what does not fit is lost, so that all is tried, and at once.</param>
    private void Spool(ExportLane lane, bool isLast = false)
    {
        List<QueuedExport> fresh, fromDisk;
        if (!lane.Server.TakesSpans)
        {
            MergeParts(lane);
        }

        lock (_lock)
        {
            Forget(lane, [.. lane.Waiting.Where(e => e.IsAnnouncement)]);
            var spoolable = Spoolable(lane);
            (fromDisk, fresh) = ([.. spoolable.FromDisk], [.. spoolable.Fresh]);
        }

        // What will be there when it is read again is not known.
        RecordCalls(lane, fresh);
        fromDisk.ForEach(export => _spool!.PutBack(export.Spooled!));
        lock (_lock)
        {
            fromDisk.ForEach(export => Remove(lane, export));
        }

        // In pieces: what is written at once stands in memory twice.
        for (var at = 0; at < fresh.Count;)
        {
            var end = at;
            for (long bytes = 0; end < fresh.Count && bytes < MaxSpoolWriteBytes; end++)
            {
                bytes += fresh[end].Size;
            }

            if (isLast)
            {
                _spool!.TryAgain();
            }

            if (!TrySpool(lane, fresh[at..end]) && !isLast)
            {
                break;
            }

            at = end;
        }

        ExpireSpool();
    }

    /// <returns>Whether all of them are on the disk.</returns>
    private bool TrySpool(ExportLane lane, List<QueuedExport> exports)
    {
        bool[] counts;
        lock (_lock)
        {
            counts = StandForTraces(exports);
        }

        var areWritten = _spool!.Write(lane.Destination, exports, counts);
        lock (_lock)
        {
            for (var i = 0; i < exports.Count; i++)
            {
                if (areWritten[i])
                {
                    _counters.Spool(exports[i].Progress, counts[i]);

                    // A later span of it cannot join it any more.
                    exports[i].Progress.IsUploaded |= lane.Server.Workspace is not null && !lane.IsCatalog;
                    Remove(lane, exports[i]);
                }
            }
        }

        return !areWritten.Contains(false);
    }

    /// <summary>Of a trace whose parts are all among them, the last part stands for it.</summary>
    private static bool[] StandForTraces(List<QueuedExport> exports)
    {
        var traces = new Dictionary<ExportProgress, (int Parts, int Last, bool IsComplete)>();
        for (var i = 0; i < exports.Count; i++)
        {
            ref var trace = ref CollectionsMarshal.GetValueRefOrAddDefault(traces, exports[i].Progress, out _);
            trace = (trace.Parts + 1, i, trace.IsComplete || exports[i].IsComplete);
        }

        var counts = new bool[exports.Count];
        foreach (var (progress, trace) in traces)
        {
            counts[trace.Last] = trace.IsComplete && ExportCounters.Counts(progress, trace.Parts);
        }

        return counts;
    }

    private void ExpireSpool()
    {
        var expired = _spool!.Expire();
        lock (_lock)
        {
            for (; expired > 0; expired--)
            {
                _counters.Unspool(isOwn: true, DropReasons.SpoolTooOld);
            }
        }
    }

    /// <summary>Queues a part of what waits on the disk for a server.</summary>
    /// <param name="address">The server.</param>
    /// <param name="held">Destinations whose records stay where they are.</param>
    private void Load(Uri address, IReadOnlySet<TraceDestination> held)
    {
        ExpireSpool();
        var records = _spool!.Read(address, ExportLane.MaxBatchBytes, held);

        // As if they had waited already: they have.
        var since = _timeProvider.GetTimestamp() - (_timeProvider.TimestampFrequency * (long)Linger.TotalSeconds);
        lock (_lock)
        {
            foreach (var record in records)
            {
                var queued = new QueuedExport(record, ++_lastSequence);
                _queuedBytes += queued.Size;
                _queuedSpans += queued.SpanCount;
                LaneOf(record.Destination).Add(queued, since);
            }
        }
    }

    private TimeSpan RemainingOf(ExportLane lane)
    {
        var retry = lane.Hold?.Remaining is { } held && held > lane.Server.Retry.Remaining ? held : lane.Server.Retry.Remaining;
        if (retry > TimeSpan.Zero || lane.IsFull || _flushes.Exists(f => f.WaitsFor(lane)))
        {
            return retry;
        }

        return Linger - _timeProvider.GetElapsedTime(lane.WaitsSince);
    }

    private async Task SendAsync(ExportLane lane, List<QueuedExport> batch)
    {
        var server = lane.Server;
        var takesSpans = server.TakesSpans;
        if (server.Workspace is { } workspace)
        {
            await SendToWorkspaceAsync(lane, batch, workspace).ConfigureAwait(false);
            return;
        }

        await server.IdentifyAsync(_interrupt.Token).ConfigureAwait(false);
        if (server.TakesSpans != takesSpans)
        {
            // The batch was made up for the other way of sending.
            return;
        }

        try
        {
            await SendAsync(lane, batch, await server.ResolveExperimentAsync(lane.Destination, _interrupt.Token).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (ExportFailureException e) when (e.ErrorCode == "RESOURCE_DOES_NOT_EXIST" && lane.Destination.ExperimentName is { } name)
        {
            // The server lost the experiment since we asked (a development database was emptied): ask again, once.
            server.ForgetExperiment(name);
            await SendAsync(lane, batch, await server.ResolveExperimentAsync(lane.Destination, _interrupt.Token).ConfigureAwait(false)).ConfigureAwait(false);
        }
    }

    private async Task SendAsync(ExportLane lane, List<QueuedExport> batch, string experimentId)
    {
        if (!lane.Server.RecordsCalls || batch is [{ GoesAlone: true }])
        {
            RecordCalls(lane, batch);
        }

        if (!lane.Server.TakesSpans)
        {
            await SendWholeTraceAsync(lane, batch, experimentId).ConfigureAwait(false);
            return;
        }

        if (!await SendSpansAsync(lane.Server, batch.FindAll(e => !e.AreSpansSent), experimentId).ConfigureAwait(false))
        {
            return;
        }

        var sent = new List<QueuedExport>();
        var complete = new List<QueuedExport>();
        var unrecorded = new List<QueuedExport>();
        foreach (var export in batch)
        {
            if (export.Encoded is { IsPlainCall: true } && !export.AreFactsSent)
            {
                // Somebody else answered, who stored it as it was: it stays, and goes again.
                unrecorded.Add(export);
                continue;
            }

            export.AreSpansSent = true;
            (export.HasFacts && !export.AreFactsSent ? complete : sent).Add(export);
        }

        RecordCalls(lane, unrecorded);
        Sent(lane, sent);
        await SendFactsAsync(lane, complete, experimentId).ConfigureAwait(false);
    }

    /// <summary>Sends the spans, and with the last one of each complete trace its facts, where the server takes them so.</summary>
    /// <returns>False when the server does not take spans after all.</returns>
    private async Task<bool> SendSpansAsync(TrackingServer server, List<QueuedExport> batch, string experimentId)
    {
        using var request = new OtlpRequest((int)Math.Min(MaxRequestBytes + (MaxRequestBytes / 8), batch.Sum(export => export.Size) + 4096));
        var withFacts = new List<QueuedExport>();
        request.Begin();
        foreach (var export in batch)
        {
            var position = 0;
            for (var left = export.SpanCount - 1; left >= 0; left--)
            {
                // A server may refuse a very large one for its size: it takes no others with it.
                if (request.SpanCount > 0 && export.Encoded!.SpanBytesAt(position) >= MaxRequestBytes)
                {
                    if (!await PostAsync(server, request, withFacts, experimentId).ConfigureAwait(false))
                    {
                        return false;
                    }

                    request.Begin();
                }

                if (Add(request, export, ref position, server.TakesFacts && export.HasFacts && !export.GoesAlone && left == 0, experimentId) || export.Encoded!.IsPlainCall)
                {
                    withFacts.Add(export);
                }

                if (request.Size >= MaxRequestBytes)
                {
                    if (!await PostAsync(server, request, withFacts, experimentId).ConfigureAwait(false))
                    {
                        return false;
                    }

                    request.Begin();
                }
            }
        }

        return request.SpanCount == 0 || await PostAsync(server, request, withFacts, experimentId).ConfigureAwait(false);
    }

    /// <returns>Whether the facts went with the span.</returns>
    private static bool Add(OtlpRequest request, QueuedExport export, ref int position, bool withFacts, string experimentId)
    {
        export.Encoded!.TryReadSpan(ref position, out var span);
        if (withFacts)
        {
            request.Add(span, export.Encoded.Facts, experimentId);
        }
        else
        {
            request.Add(span);
        }

        return withFacts;
    }

    private async Task<bool> PostAsync(TrackingServer server, OtlpRequest request, List<QueuedExport> withFacts, string experimentId)
    {
        var plainCalls = withFacts.Count(export => export.Encoded!.IsPlainCall);
        if (!await server.SendSpansAsync(experimentId, request.End(), withFacts.Count > plainCalls, plainCalls, _interrupt.Token).ConfigureAwait(false))
        {
            return false;
        }

        withFacts.ForEach(e => e.AreFactsSent = e.Encoded!.IsPlainCall ? server.RecordsCalls : server.TakesFacts);
        withFacts.Clear();
        return true;
    }

    /// <summary>StartTraceV3 for each finished trace. One that is refused does not take the others with it.</summary>
    private async Task SendFactsAsync(ExportLane lane, List<QueuedExport> complete, string experimentId)
    {
        if (complete.Count == 0)
        {
            // Most batches: without a loop, and its threads of the pool.
            return;
        }

        ExportFailureException? failure = null;
        var options = new ParallelOptions { MaxDegreeOfParallelism = MaxParallelRequests, CancellationToken = _interrupt.Token };
        await Parallel.ForEachAsync(complete, options, async (export, cancellationToken) =>
        {
            try
            {
                await SendFactsAsync(lane.Server, [export], experimentId, cancellationToken).ConfigureAwait(false);
                Sent(lane, [export]);
            }
            catch (ExportFailureException e) when (e.Kind == ExportFailureKind.Refused && !IsLostExperiment(lane, e))
            {
                Drop(lane, [export], e.Reason, e.Message);
            }
            catch (ExportFailureException e)
            {
                failure = e;
            }
        }).ConfigureAwait(false);
        if (failure is not null)
        {
            throw failure;
        }
    }

    private async Task SendWholeTraceAsync(ExportLane lane, List<QueuedExport> parts, string experimentId)
    {
        var progress = parts[^1].Progress;
        if (progress.IsUploaded)
        {
            Drop(lane, parts, DropReasons.LateSpan, "A span ended after its trace was uploaded as a file, which cannot be added to.");
            return;
        }

        if (!parts[^1].HasFacts)
        {
            Drop(lane, parts, DropReasons.PartOfTrace, "The trace began in another process, and this server takes a trace as one file only: MLflow 3.6 and later take spans.");
            return;
        }

        await SendFactsAsync(lane.Server, parts, experimentId, _interrupt.Token).ConfigureAwait(false);
        lock (_lock)
        {
            progress.IsUploaded = true;
        }

        Sent(lane, parts);
    }

    private static async Task SendFactsAsync(TrackingServer server, List<QueuedExport> parts, string experimentId, CancellationToken cancellationToken)
    {
        var info = new ArrayBufferWriter<byte>(2048);
        parts[^1].Encoded!.Facts.WriteTo(info, experimentId);
        if (await server.StartTraceAsync(info.WrittenMemory, cancellationToken).ConfigureAwait(false) is { } location)
        {
            await server.UploadTraceDataAsync(location, TracesJsonWriter.Write(parts.Select(p => p.Encoded!)), cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool IsLostExperiment(ExportLane lane, ExportFailureException e) =>
        e.ErrorCode == "RESOURCE_DOES_NOT_EXIST" && lane.Destination.ExperimentName is not null;

    private void Sent(ExportLane lane, List<QueuedExport> batch)
    {
        lock (_lock)
        {
            foreach (var export in batch)
            {
                Count(export, dropped: null);
                Remove(lane, export);
            }
        }

        SettleSpooled(batch);
    }

    private void Fail(ExportLane lane, List<QueuedExport> batch, ExportFailureException e, long attempt)
    {
        // What still runs may have ended before the next try, and must not come after its end.
        Forget(lane, batch.FindAll(b => b.IsAnnouncement));
        batch.RemoveAll(b => b.IsAnnouncement);
        batch.ForEach(b => NoteTried(b.Spooled));
        if (e.Kind != ExportFailureKind.Held)
        {
            Release(lane);
        }

        switch (e.Kind)
        {
            case ExportFailureKind.Refused when batch.Count > 1 && lane.Server.TakesSpans:
                // One request, one answer: which of them the server does not want shows when each goes by itself.
                batch.ForEach(b => b.GoesAlone = true);
                return;
            case ExportFailureKind.Refused:
                Drop(lane, batch, e.Reason, e.Message);
                return;
            case ExportFailureKind.Held:
                Hold(lane, e, attempt);
                return;
            case ExportFailureKind.Failed:
                batch.ForEach(b => b.GoesAlone |= (lane.Server.Workspace is null ? ++b.Failures : b.Failures) >= SuspectFailures);
                var givenUp = batch.FindAll(b => b.Failures > MaxFailures);
                if (givenUp.Count > 0)
                {
                    Drop(lane, givenUp, e.Reason, e.Message);
                }

                break;
            case ExportFailureKind.Unreachable:
                lane.Server.Forget();
                break;
            default:
                break;
        }

        long pending;
        lock (_lock)
        {
            lane.Server.Retry.Failed(e.RetryAfter);
            _counters.LastError = Describe(lane.Server, e);
            if (_flushes.FindAll(f => !f.Note(lane.Server, e.Kind, attempt)).Count > 0)
            {
                // It hurried this server already, but before the failure set the time of the next try.
                lane.Server.Retry.Hurry();
            }

            pending = _counters.Pending;
        }

        ReportOutage(lane.Server, e, pending);
    }

    private void Release(ExportLane lane)
    {
        lock (_lock)
        {
            lane.Server.Release(lane.Destination);
        }
    }

    private void NoteTried(SpoolRecord? record)
    {
        if (record is not null)
        {
            _spool!.Tried(record);
        }
    }

    private void Forget(ExportLane lane, List<QueuedExport> announcements)
    {
        lock (_lock)
        {
            announcements.ForEach(a => Remove(lane, a));
        }
    }

    private static string Describe(TrackingServer server, ExportFailureException e) =>
        e.Kind == ExportFailureKind.Unreachable && server.Workspace is null ? $"no MLflow server at {server.Address}: {e.Message}" : e.Message;

    private void Drop(ExportLane lane, List<QueuedExport> batch, string reason, string message)
    {
        lock (_lock)
        {
            _counters.LastError = message;
            foreach (var export in batch)
            {
                Count(export, reason);
                Remove(lane, export);
            }
        }

        SettleSpooled(batch);

        _log.Warn(reason, $"{batch.Count} {(batch.Count == 1 ? "trace was" : "traces were")} dropped: {message}");
    }

    /// <param name="export">What was sent or dropped. Under the lock.</param>
    /// <param name="dropped">Why it was dropped; null for what was sent.</param>
    private void Count(QueuedExport export, string? dropped)
    {
        if (export.Spooled is { } record)
        {
            if (record.Counts)
            {
                _counters.Unspool(record.Segment.IsOwn, dropped);
            }
        }
        else if (dropped is null)
        {
            _counters.Sent(export.Progress);
        }
        else
        {
            _counters.Drop(export.Progress, dropped);
        }
    }

    /// <summary>Not under the lock: files are deleted.</summary>
    private void SettleSpooled(List<QueuedExport> batch)
    {
        foreach (var export in batch)
        {
            if (export.Spooled is { } record)
            {
                _spool!.Settle(record);
            }
        }
    }

    private void Remove(ExportLane lane, QueuedExport export)
    {
        lane.Remove(export);
        Release(export);
        _queuedBytes -= export.Size;
        _queuedSpans -= export.SpanCount;
        if (lane.IsEmpty)
        {
            _lanes.Remove(lane.Destination);
        }
    }

    private void ReportOutage(TrackingServer server, ExportFailureException e, long pending)
    {
        if (server.IsOutageReported)
        {
            return;
        }

        server.IsOutageReported = true;
        _log.Warn(
            "outage",
            server.Workspace is { } workspace ? $"The Databricks workspace {workspace.Host} does not take traces now ({e.Message.TrimEnd('.')}). They wait {Where} and are tried again ({pending} so far)."
                : e.Kind == ExportFailureKind.Unreachable
                ? $"No MLflow server at {server.Address} ({e.Message}). Traces wait {Where} and are sent when it is there ({pending} so far): run 'dotnet mlflow server', or set MLFLOW_TRACKING_URI to where yours is."
                : $"The MLflow server does not take traces now ({e.Message}). They wait {Where} and are tried again ({pending} so far).");
    }

    private string Where => _spool is null ? "in memory" : $"in {_spool.Folder}";

    private void ReportOverflow()
    {
        var count = Interlocked.Exchange(ref _unreportedOverflow, 0);
        if (count > 0)
        {
            _log.Warn(
                DropReasons.QueueFull,
                $"{count} exports were dropped because {MaxQueuedBytes >> 20} MiB of spans wait already: the MLflow server is away or too slow.");
        }
    }
}
