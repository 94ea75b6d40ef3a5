using MLflow.Server.Storage;
using MLflow.Server.Traces;

namespace MLflow.Server.Ui.Spans;

/// <summary>Reads the contents of steps of a large trace when they are needed: its rows and sums are made of the columns alone.</summary>
internal sealed class StepContents(SpanTree tree, string traceId)
{
    /// <summary>Traces of so many spans are read with all their contents at once.</summary>
    public const int MostWhole = 1000;

    // Ids of one statement.
    private const int Batch = 500;
    private const int MostRoots = 20;
    private static readonly TimeSpan Settling = TimeSpan.FromMinutes(1);

    // What a call asked for runs soon after it.
    private const int StepsOfACall = 10;
    private const int RowsAround = 50;

    // Of a prompt, the calls that said what stands in it; of a tool, the calls that asked for it and that read its result.
    private const int CallsBefore = 21;
    private const int CallsAfter = 11;

    /// <summary>What title, sentences and notices of the page are made of.</summary>
    public IEnumerable<SpanNode> Told =>
        tree.Roots.Take(MostRoots)
            .Concat(tree.ErrorOrigins.Take(1))
            .Concat(tree.ErrorOrigins.TakeLast(1))
            .Concat(tree.ModelCalls.Take(1))
            .Concat(tree.ModelCalls.TakeLast(Noticing.Notices.MostCallsRead + 1).SelectMany(call => Rows(call.Number, call.Number + StepsOfACall)));

    /// <summary>A step and what its panes tell of others.</summary>
    public IEnumerable<SpanNode> Around(SpanNode node)
    {
        var started = node.ModelCall - 1 ?? tree.ModelCalls.TakeWhile(call => call.Span.StartMs <= node.Span.StartMs).Count();
        var calls = tree.ModelCalls.Skip(Math.Max(0, started - CallsBefore)).Take(Math.Min(started, CallsBefore) + CallsAfter);
        var sameParent = tree.ModelCalls.Take(started).LastOrDefault(call => ReferenceEquals(call.Parent, node.Parent));
        return Rows(node.Number - RowsAround, node.Number + RowsAround).Concat(calls).Concat(sameParent is null ? [] : [sameParent]);
    }

    /// <summary>
    /// Takes contents over from the same trace as it was read earlier: of steps that had ended a while before, and stand in the columns as they stood. Of one that has just ended
    /// log records may still come, which are read with it. What could not be had then may be there now.
    /// </summary>
    public void Keep(SpanTree earlier, DateTimeOffset now)
    {
        var settledNs = (now - Settling).ToUnixTimeMilliseconds() * 1_000_000;
        foreach (var record in earlier.Rows.Select(node => node.Span.Record).Where(record => !record.IsSkeleton && record.EndNs < settledNs && record[SpanBlobs.LostAttribute] is null))
        {
            if (tree.Find(record.SpanId)?.Span.Record is { } column && (column.StartNs, column.EndNs, column.Name, column.Type, column.Status, column.StatusMessage) == (record.StartNs, record.EndNs, record.Name, record.Type, record.Status, record.StatusMessage))
            {
                tree.Fill(record);
            }
        }
    }

    /// <summary>Reads the contents of those of the steps that have none yet.</summary>
    public async Task BringAsync(ITraceStore traces, IEnumerable<SpanNode> nodes, CancellationToken cancellationToken)
    {
        foreach (var part in nodes.Where(node => node.Span.Record.IsSkeleton).Distinct().ToList().Chunk(Batch))
        {
            var reason = "it has been deleted";
            try
            {
                // On a thread of its own, so that a page is not held up; what was read is put in its place by the page itself.
                string[] ids = [.. part.Select(node => node.Id)];
                foreach (var span in await Task.Run(() => traces.GetSpansAsync(traceId, ids, cancellationToken), cancellationToken))
                {
                    tree.Fill(span);
                }
            }
            catch (MlflowException e) when (e.ErrorCode == ErrorCode.PERMISSION_DENIED)
            {
                // The page was opened before.
                reason = "you may no longer read it";
            }

            foreach (var node in part.Where(node => node.Span.Record.IsSkeleton))
            {
                var lost = StoredJson.Quote($"The content of this span cannot be shown: {reason}.");
                tree.Fill(node.Span.Record with { IsSkeleton = false, Attributes = [.. node.Span.Record.Attributes, new(SpanBlobs.LostAttribute, lost)] });
            }
        }
    }

    private IEnumerable<SpanNode> Rows(int from, int to) => tree.Rows.Skip(Math.Max(0, from - 1)).Take(to - Math.Max(1, from) + 1);
}
