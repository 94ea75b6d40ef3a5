using System.Text.Json;
using Xunit;

namespace MLflow.Tests.Privacy;

/// <summary>Traces with rules, given back as they would be sent.</summary>
public abstract class PrivacyTestBase
{
    internal RecordingLog Log { get; } = new();

    private protected static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected MlflowClient Client(Action<PrivacyOptions> configure)
    {
        var options = new MlflowClientOptions { TrackingUri = "http://127.0.0.1:1", SpoolDirectory = "none", LoggerFactory = Log };
        configure(options.Privacy);
        return new MlflowClient(options);
    }

    /// <summary>The trace of one span, within which the work is done.</summary>
    private protected async Task<TraceRecord> TraceAsync(Action<PrivacyOptions> configure, Action<MlflowClient, LiveSpan> work)
    {
        await using var client = Client(configure);
        await using var collector = TraceCollector.Start(client);
        using (var span = client.StartSpan("work"))
        {
            work(client, span);
        }

        return await collector.GetTraceAsync(cancellationToken: Token);
    }

    private protected Task<TraceRecord> TraceAsync(Action<PrivacyOptions> configure, Action<LiveSpan> work) => TraceAsync(configure, (_, span) => work(span));

    private protected static string Text(JsonElement? value) => value is { ValueKind: JsonValueKind.String } text ? text.GetString()! : value?.GetRawText() ?? "";

    /// <summary>All texts of a trace.</summary>
    private protected static string Everything(TraceRecord trace) => string.Join('\n', [
        .. trace.Spans.SelectMany(span => span.Attributes.Select(attribute => attribute.Key + "=" + Text(attribute.Value))
            .Concat([span.Name, span.SpanType, span.StatusMessage ?? ""])
            .Concat(span.Events.SelectMany(e => e.Attributes.Select(attribute => e.Name + "." + attribute.Key + "=" + Text(attribute.Value))))),
        .. trace.Tags.Concat(trace.Metadata).Select(pair => pair.Key + "=" + pair.Value),
        trace.RequestPreview ?? "",
        trace.ResponsePreview ?? ""]);
}
