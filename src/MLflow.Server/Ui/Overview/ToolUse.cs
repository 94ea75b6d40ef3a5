using MLflow.Server.Traces;
using MLflow.Server.Ui.Chat;
using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Overview;

/// <summary>What a trace's calls of models offered as tools, asked for, and got wrong.</summary>
public sealed record ToolUse
{
    private ToolUse(TraceInfo info) => (TraceId, Facts) = (info.TraceId, info.Facts);

    public string TraceId { get; }

    /// <summary>Those of the trace when it was read: while they stay, so does this.</summary>
    public TraceFacts Facts { get; }

    /// <summary>Functions that answered requests offered. Tools that the provider runs are no functions, and how they are called is no call that could be counted.</summary>
    public IReadOnlySet<string> Offered { get; private init; } = new HashSet<string>();

    /// <summary>Functions that answers asked for.</summary>
    public IReadOnlySet<string> Called { get; private init; } = new HashSet<string>();

    /// <summary>By function, the calls whose arguments were held against its schema, and how many of them did not fit.</summary>
    public IReadOnlyDictionary<string, (int Checked, int Misfits)> Arguments { get; private init; } = new Dictionary<string, (int, int)>();

    /// <param name="info">The trace.</param>
    /// <param name="spans">Its calls of models; others are passed over.</param>
    public static ToolUse Of(TraceInfo info, IEnumerable<SpanRecord> spans)
    {
        ArgumentNullException.ThrowIfNull(info);
        ArgumentNullException.ThrowIfNull(spans);
        var (offered, called) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
        var arguments = new Dictionary<string, (int Checked, int Misfits)>(StringComparer.Ordinal);
        foreach (var span in spans.Select(record => new SpanView(record, record.StartNs)).Where(span => span.IsModelCall))
        {
            if (MessageReader.Outputs(span.Outputs) is not { Count: > 0 } answer)
            {
                // Who did not come to an answer could not ask for a tool.
                continue;
            }

            offered.UnionWith(ToolDefinitions.Functions(span).Select(tool => tool.Key));
            var schemas = ArgumentCheck.Schemas(span);
            foreach (var call in answer.SelectMany(message => message.Calls))
            {
                called.Add(call.Name);
                if (schemas.TryGetValue(call.Name, out var schema))
                {
                    var before = arguments.GetValueOrDefault(call.Name);
                    arguments[call.Name] = (before.Checked + 1, before.Misfits + (ArgumentCheck.Problems(call.Parsed, schema).Count > 0 ? 1 : 0));
                }
            }
        }

        return new ToolUse(info) { Offered = offered, Called = called, Arguments = arguments };
    }
}
