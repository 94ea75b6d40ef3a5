namespace MLflow;

/// <content>Traces that go to Databricks workspaces: whole ones, several at the same time.</content>
internal sealed partial class TraceExporter
{
    private async Task SendToWorkspaceAsync(ExportLane lane, List<QueuedExport> batch, WorkspaceExport workspace)
    {
        var place = await WorkspaceExport.ResolveAsync(lane.Destination, destination => lane.Server.ResolveExperimentAsync(destination, _interrupt.Token)).ConfigureAwait(false);
        ExportFailureException? failure = null;
        var traces = batch.GroupBy(export => export.Progress).Select(group => group.ToList());
        var options = new ParallelOptions { MaxDegreeOfParallelism = WorkspaceExport.MaxParallelTraces, CancellationToken = _interrupt.Token };
        await Parallel.ForEachAsync(traces, options, async (parts, cancellationToken) =>
        {
            if (failure is not null)
            {
                // What the workspace says of one holds for those after it: a quota, an outage.
                return;
            }

            try
            {
                await SendToWorkspaceAsync(lane, parts, workspace, place, cancellationToken).ConfigureAwait(false);
            }
            catch (ExportFailureException e) when (e.Kind == ExportFailureKind.Refused)
            {
                Drop(lane, parts, e.Reason, e.Message);
            }
            catch (ExportFailureException e)
            {
                lock (_lock)
                {
                    failure = failure?.RetryAfter > (e.RetryAfter ?? TimeSpan.Zero) ? failure : e;
                    parts.ForEach(part => part.Failures += e.Kind == ExportFailureKind.Failed ? 1 : 0);
                }
            }
        }).ConfigureAwait(false);
        if (failure is null)
        {
            return;
        }

        // Those that were not tried, or not the cause, are as they were.
        batch.RemoveAll(export => export.Place is null);
        throw failure;
    }

    private async Task SendToWorkspaceAsync(ExportLane lane, List<QueuedExport> parts, WorkspaceExport workspace, string place, CancellationToken cancellationToken)
    {
        if (!lane.IsCatalog)
        {
            if (parts[^1].Progress.IsUploaded)
            {
                Drop(lane, parts, DropReasons.LateSpan, "A span ended after its trace was uploaded as a file, which cannot be added to.");
                return;
            }

            if (!parts[^1].HasFacts)
            {
                Drop(lane, parts, DropReasons.PartOfTrace, "The trace began in another process, and an experiment of a Databricks workspace takes a trace as one file only: a place in Unity Catalog takes spans.");
                return;
            }
        }

        await workspace.SendAsync(parts, place, cancellationToken).ConfigureAwait(false);
        lock (_lock)
        {
            parts[^1].Progress.IsUploaded = !lane.IsCatalog;
        }

        Sent(lane, parts);
    }

    /// <summary>The traces of one experiment wait for somebody who gives a right or credentials. Those of others go on.</summary>
    private void Hold(ExportLane lane, ExportFailureException e, long attempt)
    {
        lock (_lock)
        {
            var hold = lane.Server.Hold(lane.Destination, () => new RetryPolicy(_timeProvider, Random.Shared.NextDouble));
            hold.Failed(e.RetryAfter);
            _counters.LastError = e.Message;
            if (_flushes.FindAll(f => !f.Note(lane, attempt)).Count > 0)
            {
                hold.Hurry();
            }
        }

        _log.Warn("held", $"{e.Message} Traces wait {Where} and are tried again.");
    }

    /// <summary>
    /// Where a server takes whole traces only, what belongs to a finished one is put together before it goes to the disk, where nothing ties exports to each other. Parts of
    /// unfinished traces stay as they are. What Unity Catalog has acknowledged does not go to the disk.
    /// </summary>
    private void MergeParts(ExportLane lane)
    {
        List<List<QueuedExport>> traces;
        lock (_lock)
        {
            traces = [.. lane.Waiting.Where(e => e.Spooled is null).GroupBy(e => e.Progress).Select(Finished).Where(parts => parts.Count > 1 || parts.Exists(part => part.SentSpanBytes > 0))];
        }

        // Nobody but the worker changes or removes what waits.
        foreach (var parts in traces)
        {
            var merged = QueuedExport.Merge(parts, _memory);
            lock (_lock)
            {
                lane.Replace(parts, merged);
                _queuedBytes += merged.Size - parts.Sum(part => part.Size);
                _queuedSpans += merged.SpanCount - parts.Sum(part => part.SpanCount);
                merged.Progress.Waiting -= parts.Count - 1;
                parts.ForEach(Release);
            }
        }

        // What comes after the end of a trace is no part of what ended.
        static List<QueuedExport> Finished(IEnumerable<QueuedExport> exports)
        {
            var waiting = exports.ToList();
            var parts = waiting.GetRange(0, waiting.FindLastIndex(e => e.IsComplete) + 1);
            return parts.TrueForAll(part => part.Encoded is not null) ? parts : [];
        }
    }
}
