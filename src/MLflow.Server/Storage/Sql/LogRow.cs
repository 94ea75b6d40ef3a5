using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sql;

/// <summary>A log record made ready outside the transaction.</summary>
/// <param name="Log">The record.</param>
/// <param name="Attributes">Its attributes as a JSON object.</param>
/// <param name="Hash">Of its content: the same record again has the same.</param>
internal sealed record LogRow(SpanLogRecord Log, string Attributes, byte[] Hash)
{
    /// <summary>Records of one transaction, more only where one span has more: others write in between.</summary>
    private const int MaxChunk = 1000;

    /// <summary>All records of a span together, in their order, so that it is written again once.</summary>
    public static IEnumerable<List<LogRow>> Chunks(IReadOnlyList<SpanLogRecord> logs)
    {
        var chunk = new List<LogRow>();
        foreach (var ofSpan in logs.GroupBy(log => (log.OtelTraceId, log.SpanId)))
        {
            // Two equal records in one request are two: the same was said twice.
            var seen = new Dictionary<string, int>();
            foreach (var log in ofSpan)
            {
                var attributes = SpanPayload.WriteObject(log.Event.Attributes);
                var text = string.Create(CultureInfo.InvariantCulture, $"{log.Event.TimeNs} {log.Event.Name} {attributes}");
                seen[text] = seen.GetValueOrDefault(text) + 1;
                chunk.Add(new LogRow(log, attributes, HashOf(text, seen[text])));
            }

            if (chunk.Count >= MaxChunk)
            {
                yield return chunk;
                chunk = [];
            }
        }

        if (chunk.Count > 0)
        {
            yield return chunk;
        }
    }

    private static byte[] HashOf(string text, int occurrence) =>
        SHA256.HashData(Encoding.UTF8.GetBytes(occurrence == 1 ? text : string.Create(CultureInfo.InvariantCulture, $"{occurrence} {text}"))).AsSpan(0, 16).ToArray();
}
