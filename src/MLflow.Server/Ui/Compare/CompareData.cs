using MLflow.Server.Storage;
using MLflow.Server.Traces;

namespace MLflow.Server.Ui.Compare;

/// <summary>What a page that compares has read.</summary>
/// <param name="Found">The traces that were found, in the order of the address.</param>
/// <param name="Missing">The ids of those that were not.</param>
/// <param name="TooMany">Whether the address names more than fit.</param>
internal sealed record CompareData(IReadOnlyList<(TraceInfo Info, IReadOnlyList<SpanRecord> Spans)> Found, IReadOnlyList<string> Missing, bool TooMany)
{
    public static async Task<CompareData> ReadAsync(ITraceStore traces, string? ids, CancellationToken cancellationToken)
    {
        var asked = (ids ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Distinct(StringComparer.Ordinal).ToList();
        var found = new List<(TraceInfo, IReadOnlyList<SpanRecord>)>();
        var missing = new List<string>();
        foreach (var id in asked.Take(CompareView.MostTraces))
        {
            try
            {
                if ((await traces.GetInfosAsync([id], cancellationToken)) is [var info])
                {
                    found.Add((info, await traces.GetSpansAsync(id, cancellationToken)));
                    continue;
                }
            }
            catch (MlflowException e) when (e.ErrorCode == ErrorCode.PERMISSION_DENIED)
            {
                // What somebody may not see is not there for them.
            }

            missing.Add(id);
        }

        return new CompareData(found, missing, asked.Count > CompareView.MostTraces);
    }
}
