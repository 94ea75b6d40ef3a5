using Bunit;
using CsCheck;
using MLflow.Server.Traces;
using MLflow.Server.Ui;
using MLflow.Server.Ui.Reading;
using MLflow.Server.Ui.Searching;
using MLflow.Server.Ui.Spans;
using Xunit;

namespace MLflow.Server.Tests.Ui;

/// <summary>Whatever stands in any field, no tab and no face of the page is blank or fails.</summary>
public sealed class RandomJsonTests : BunitContext
{
    private const string Chunk = "mlflow.chunk.item.";

    private static readonly string[] Words =
    [
        "type", "role", "content", "text", "messages", "choices", "message", "tool_calls", "function", "name", "arguments", "input", "output", "parts", "annotations", "image_url", "url", "delta",
        "summary", "tools", "parameters", "required", "properties", "enum", "response_format", "json_schema", "schema", "audio", "data", "format", "user", "assistant", "tool", "tool_call_id", "id", "call_id",
        "web_search_call", "code_interpreter_call", "function_call", "reasoning", "refusal", "file", "input_audio", "status", "finish_reason", "usage", "input_tokens", "output_tokens", "", "東京", "\"", "<b>", "data:image/png;base64,x", "$ref", "#",
    ];

    private static readonly string[] Keys =
    [
        "mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.chat.tools", "mlflow.chat.tokenUsage", "mlflow.llm.cost", "mlflow.llm.cost_basis", "mlflow.llm.model", "mlflow.stream.end",
        "mlflow.stream.time_to_first_token_ms", "mlflow.capture.mode", "mlflow.capture.note", "mlflow.stream.chunks_omitted", "url.full", "app.own",
    ];

    private static readonly string[] EventNames = ["exception", "mlflow.openai.attempt", Chunk + "0", Chunk + "x", "own"];

    private static readonly string[] EventKeys = ["exception.type", "exception.message", "exception.stacktrace", "mlflow.chunk.value", "attempt", "duration_ms", "http.response.status_code", "retry_after_ms", "x-ratelimit-", "other"];

    private static readonly Gen<string> Word = AnyOf(Words);

    private static readonly Gen<string> Json = Gen.Recursive<string>((depth, inner) => depth >= 5
        ? Scalar
        : Gen.Frequency(
            (2, Scalar),
            (3, Gen.Select(Word, inner).Array[0, 5].Select(members => "{" + string.Join(',', members.DistinctBy(member => member.Item1).Select(member => $"{Quote(member.Item1)}:{member.Item2}")) + "}")),
            (2, inner.Array[0, 4].Select(items => "[" + string.Join(',', items) + "]"))));

    private static Gen<string> Scalar => Gen.OneOf(Word.Select(Quote), Gen.Double.Select(number => double.IsFinite(number) ? number.ToString("R", System.Globalization.CultureInfo.InvariantCulture) : "1e999"), AnyOf("null", "true", "false", "0", "-1", "{", "", "\"cut"));

    private static readonly Gen<SpanRecord> Span = Gen.Select(
        AnyOf("CHAT_MODEL", "TOOL", "AGENT", "RETRIEVER", "EMBEDDING", "own"),
        Gen.Select(AnyOf(Keys), Json).Array[0, 6],
        Gen.Select(AnyOf(EventNames), Gen.Long, Gen.Select(AnyOf(EventKeys), Json).Array[0, 4]).Array[0, 4],
        Gen.Int[0, 4],
        Gen.Int[0, 2]).Select((type, attributes, events, parent, end) => new SpanRecord
        {
            TraceId = "tr-1",
            OtelTraceId = "",
            SpanId = "",
            ParentSpanId = parent == 0 ? null : SomeSpan.Id(parent),
            Name = "step",
            Type = type,
            Status = end == 2 ? SpanStatus.Error : SpanStatus.Ok,
            StartNs = SomeSpan.Ns(parent),
            EndNs = end == 0 ? null : SomeSpan.Ns(parent + 5),
            Attributes = [.. attributes.DistinctBy(attribute => attribute.Item1).Select(attribute => KeyValuePair.Create(attribute.Item1, attribute.Item2))],
            Events = [.. events.Select(e => new SpanEventRecord(e.Item1, e.Item2, [.. e.Item3.Select(attribute => KeyValuePair.Create(attribute.Item1, attribute.Item2))]))],
        });

    [Fact]
    public void TracePage_RandomSpans_AlwaysShowsEveryTabAndFace() => Span.Array[1, 4].Sample(
        spans =>
        {
            var records = spans.Select((span, i) => span with { SpanId = SomeSpan.Id(i + 1) }).ToList();
            var info = new TraceInfo { TraceId = "tr-1", ExperimentId = 1, RequestTimeMs = 1_795_399_326_000, State = TraceState.Ok };
            var view = new TraceView(info, records, DateTimeOffset.FromUnixTimeMilliseconds(info.RequestTimeMs));
            foreach (var face in (ReadOnlySpan<string?>)[null, TraceUrl.Log, TraceUrl.Graph])
            {
                var url = new TraceUrl("tr-1", Whole: true) { Face = face, Find = "to" };
                var surface = Render<SpanSurface>(parameters => parameters.Add(p => p.View, view).Add(p => p.Selected, view.Default).Add(p => p.Url, url).Add(p => p.Search, TraceSearch.Of(view.Tree, "to")));
                Assert.NotEmpty(surface.Find(".left").TextContent.Trim());
            }

            foreach (var node in view.Tree.Rows)
            {
                foreach (var tab in PaneTab.For(node.Span, node.Span.Record.Events.Count(e => e.Name.StartsWith(Chunk, StringComparison.Ordinal))))
                {
                    var pane = Render<ReadingPane>(parameters => parameters.Add(p => p.Node, node).Add(p => p.Tree, view.Tree).Add(p => p.Url, new TraceUrl("tr-1", node.Id, tab.Key)));
                    Assert.NotEmpty(pane.Find("[role=tabpanel]").TextContent.Trim());
                }
            }

            DisposeComponentsAsync().GetAwaiter().GetResult();
        },
        iter: 150,
        threads: 1);

    private static Gen<string> AnyOf(params string[] words) => Gen.Int[0, words.Length - 1].Select(i => words[i]);

    private static string Quote(string text) => System.Text.Json.JsonSerializer.Serialize(text);
}
