using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace MLflow.Benchmarks.Privacy;

/// <summary>What the background pays for looking at what is sent: the search for secrets, and what it adds to the encoding of a span.</summary>
internal static class PrivacyBenchmark
{
    private const int Rounds = 41;
    private const int Repeats = 2000;

    private const string Request =
        """{"model":"gpt-4o-mini","temperature":0.2,"messages":[{"role":"system","content":"You are a helpful assistant. Answer shortly, and say what you don\u0027t know."},{"role":"user","content":"…"}]}""";

    private const string Answer =
        """{"id":"chatcmpl-b1","object":"chat.completion","created":1764900000,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":"…","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":240,"completion_tokens":120,"total_tokens":360},"service_tier":"default","system_fingerprint":"fp_44709d6fcb"}""";

    public static void Run()
    {
        var text = string.Join(' ', Enumerable.Repeat("The capital of France is Paris, and its river is the Seine.", 14));
        var request = Encoding.UTF8.GetBytes(Request.Replace("…", text, StringComparison.Ordinal));
        var answer = Encoding.UTF8.GetBytes(Answer.Replace("…", text[..500], StringComparison.Ordinal));
        byte[] pair = [.. request, .. answer];
        var search = Median(() => SecretScrubber.Suspects(pair));
        Line($"search in a request of {request.Length} and an answer of {answer.Length} bytes", search, search * 1024 / pair.Length);

        TraceOutlet? outlet = null;
        var tracer = new Tracer(() => outlet!, TimeProvider.System);
        outlet = new TraceOutlet(tracer, new Discard(), () => new TraceDestination(new Uri("http://localhost:5000"), null, "0"));
        var unfiltered = EncodingOf(tracer, request, answer, new PrivacyOptions { ScrubSecrets = false, Capture = CaptureMode.Full });
        var scrubbed = EncodingOf(tracer, request, answer, new PrivacyOptions { Capture = CaptureMode.Full });
        Line("encoding of the call's span and facts", unfiltered, null);
        Line("… with the search", scrubbed, null);

        var rules = new PrivacyOptions { Capture = CaptureMode.Full };
        rules.RedactedKeys.Add("ssn");
        Line("… with a rule for a key", EncodingOf(tracer, request, answer, rules), null);
        rules.RedactedPatterns.Add(@"\b\d{3}-\d{2}-\d{4}\b");
        Line("… and one for a pattern", EncodingOf(tracer, request, answer, rules), null);
        Line("… with a key in the answer", EncodingOf(tracer, request, Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(answer).Replace("capital of France", "key sk-aB3dE5gH7jK9mN1pQ2sT", StringComparison.Ordinal)), new PrivacyOptions { Capture = CaptureMode.Full }), null);
    }

    private static double EncodingOf(Tracer tracer, byte[] request, byte[] answer, PrivacyOptions options)
    {
        using var encoder = new ExportEncoder();
        var memory = new ExportMemory();
        return Median(() =>
        {
            // What is redacted stays so: each time another span.
            var span = tracer.StartDetached("Completions", SpanType.ChatModel, parent: null);
            span.Trace.Outlet.Privacy = Filter(options);
            span.SetAttribute(AttributeNames.Inputs, AttributeValue.FromJson(request));
            span.SetAttribute(AttributeNames.Outputs, AttributeValue.FromJson(answer));
            span.SetAttribute(AttributeNames.HttpUrl, AttributeValue.FromString("https://api.openai.com/v1/chat/completions"));
            span.SetAttribute(AttributeNames.Model, AttributeValue.FromString("gpt-4o-mini"));
            span.SetAttribute(AttributeNames.ResponseId, AttributeValue.FromString("chatcmpl-b1"));
            span.Dispose();
            var encoded = encoder.Encode(new TraceExport(span.Trace, [span], IsComplete: true), memory, withPreviews: false);
            memory.Release(encoded.Block);
        });
    }

    private static readonly Dictionary<PrivacyOptions, PrivacyFilter> Filters = [];

    private static PrivacyFilter Filter(PrivacyOptions options) =>
        Filters.TryGetValue(options, out var filter) ? filter : Filters[options] = new PrivacyFilter(options, new SelfLog(null, TimeProvider.System), new());

    private static void Line(string what, double nanoseconds, double? perKibibyte) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"| {what} | {nanoseconds:N0} ns |{(perKibibyte is { } rate ? $" {rate:N0} ns |" : " |")}"));

    /// <summary>Nanoseconds of one call.</summary>
    private static double Median(Action action)
    {
        var times = new double[Rounds];
        for (var i = 0; i < Rounds; i++)
        {
            var start = Stopwatch.GetTimestamp();
            for (var repeat = 0; repeat < Repeats; repeat++)
            {
                action();
            }

            times[i] = Stopwatch.GetElapsedTime(start).TotalNanoseconds / Repeats;
        }

        Array.Sort(times);
        return times[Rounds / 2];
    }

    private sealed class Discard : ITraceExporter
    {
        public void Enqueue(TraceExport export, bool inBackground)
        {
        }

        public bool ShowsRunning(TraceDestination destination) => false;
    }
}
