using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace MLflow.Benchmarks.Server;

/// <summary>
/// OTLP requests with traces of an agent: its root, a model call that asks for a tool, the tool, a search, and a model call that answers.
/// Each of a few applications has its own system prompt and tools. The same numbers are the same bytes, always.
/// </summary>
internal sealed class AgentTraces
{
    public const int SpansOfATrace = 5;

    /// <summary>Traces of a day.</summary>
    public const int PerDay = 10_000;

    /// <summary>A word of every such trace's question, and one that stands in one of a thousand.</summary>
    public const string RareWord = "xylographic";
    public const int RareEvery = 1000;

    /// <summary>Traces of one customer, which is a tag.</summary>
    public const int TracesOfACustomer = 20;

    public const int ErrorEvery = 50;

    /// <summary>Of traces in a row so many are one audit: every fiftieth of them has metadata, feedback and a span that name it.</summary>
    public const int TracesOfAnAudit = 1000;
    public const int AuditedEvery = 50;

    /// <summary>2026-01-01.</summary>
    public const long FirstStartMs = 1_767_225_600_000;

    private const int Applications = 8;
    private const int MsOfADay = 86_400_000;
    private const int SpanMs = 200;

    private readonly double _scale;
    private readonly int _seed;
    private readonly (string System, string Tools)[] _applications;
    private readonly ProtobufWriter _writer = new();
    private long _tokens;

    /// <param name="scale">1 for spans of 4 KB on average, less for smaller ones.</param>
    /// <param name="seed">Another one for other ids and texts.</param>
    public AgentTraces(double scale = 1, int seed = 17)
    {
        _scale = scale;
        _seed = seed;
        var prose = new Prose(new Random(seed));
        _applications = [.. Enumerable.Range(0, Applications).Select(_ => (prose.Text(Size(700)), Tools(prose)))];
    }

    public static string TraceId(int seed, int trace) => "tr-" + Convert.ToHexStringLower(OtelId(seed, trace));

    /// <summary>The id of a trace's span, numbered from 0.</summary>
    public string SpanIdOf(int trace, int number) => Convert.ToHexStringLower(SpanId(trace, number));

    /// <summary>Tokens of all calls of a trace.</summary>
    public long Tokens(int trace)
    {
        _writer.Clear();
        _tokens = 0;
        WriteAgent(trace);
        return _tokens;
    }

    public static long StartMs(int trace) => FirstStartMs + (long)((double)trace / PerDay * MsOfADay);

    /// <summary>A request of whole traces.</summary>
    public byte[] Request(int firstTrace, int traces)
    {
        _writer.Clear();
        var scope = BeginRequest();
        for (var trace = firstTrace; trace < firstTrace + traces; trace++)
        {
            WriteAgent(trace);
        }

        return EndRequest(scope);
    }

    /// <summary>A request of one trace of an agent that goes on for many turns, each a model call with all that was said before, and a tool.</summary>
    public byte[] History(int trace, int turns)
    {
        _writer.Clear();
        var scope = BeginRequest();
        var prose = new Prose(new Random(HashCode(trace)));
        var (system, tools) = _applications[trace % Applications];
        var messages = new StringBuilder($$"""{"role":"system","content":"{{system}}"},{"role":"user","content":"{{prose.Text(Size(500))}}"}""");
        var last = "";
        for (var turn = 0; turn < turns; turn++)
        {
            var (call, arguments, result) = (prose.Id("call_"), Arguments(prose), Records(prose, Size(900)));
            last = $$"""{"role":"assistant","content":"{{prose.Text(Size(250))}}","tool_calls":[{"id":"{{call}}","type":"function","function":{"name":"search_orders","arguments":{{Quoted(arguments)}} } }]}""";
            WriteSpan(trace, (2 * turn) + 1, 0, "chat gpt-4o", "CHAT_MODEL", $$"""{"model":"gpt-4o","messages":[{{messages}}],"tools":{{tools}},"temperature":0.2}""", Completion(prose, last, messages.Length / 4), null, Usage(messages.Length));
            WriteSpan(trace, (2 * turn) + 2, 0, "search_orders", "TOOL", arguments, result, null, null);
            messages.Append(',').Append(last).Append($$""",{"role":"tool","tool_call_id":"{{call}}","content":{{Quoted(result)}}}""");
        }

        WriteSpan(trace, 0, null, "agent", "AGENT", $$"""{"question":"{{prose.Text(Size(500))}}"}""", $$"""{"answer":"{{prose.Text(Size(500))}}"}""", null, null, turns * 2);
        return EndRequest(scope);
    }

    /// <summary>A request of some of the spans of one large trace; the root is the first.</summary>
    public byte[] Part(int trace, int firstSpan, int spans, int ofSpans)
    {
        _writer.Clear();
        var scope = BeginRequest();
        var prose = new Prose(new Random(HashCode(trace) + firstSpan));
        for (var span = firstSpan; span < firstSpan + spans; span++)
        {
            var (name, type) = span == 0 ? ("agent", "AGENT") : span % 10 == 1 ? ("chat gpt-4o", "CHAT_MODEL") : ("step", "TOOL");
            int? parent = span == 0 ? null : span % 10 == 1 ? 0 : (span / 10 * 10) + (span % 10 == 0 ? -9 : 1);
            WriteSpan(trace, span, parent, name, type, $$"""{"question":"{{prose.Text(Size(400))}}"}""", $$"""{"answer":"{{prose.Text(Size(400))}}"}""", null, type == "CHAT_MODEL" ? Usage(400) : null, span == 0 ? ofSpans - 1 : span % 1000);
        }

        return EndRequest(scope);
    }

    private void WriteAgent(int trace)
    {
        var prose = new Prose(new Random(HashCode(trace)));
        var (system, tools) = _applications[trace % Applications];
        var isError = trace % ErrorEvery == 0;
        var question = prose.Text(Size(900)) + (trace % RareEvery == 0 ? " " + RareWord + "." : "");
        var answer = prose.Text(Size(1400));
        var (call, arguments, result) = (prose.Id("call_"), Arguments(prose), Records(prose, Size(1300)));
        var documents = string.Join(',', Enumerable.Range(0, 4).Select(i => $$$"""{"page_content":"{{{prose.Text(Size(650))}}}","metadata":{"doc_uri":"docs/{{{prose.Word()}}}/{{{prose.Word()}}}.md","chunk_id":"{{{prose.Id("")}}}","score":{{{Decimal(0.9 - (i * 0.07))}}}}}"""));
        var asking = $$"""{"role":"system","content":"{{system}}"},{"role":"user","content":"{{question}}"}""";
        var toolCall = $$"""{"role":"assistant","content":null,"tool_calls":[{"id":"{{call}}","type":"function","function":{"name":"search_orders","arguments":{{Quoted(arguments)}} } }]}""";
        var answering = $$"""{{asking}},{{toolCall}},{"role":"tool","tool_call_id":"{{call}}","content":{{Quoted(result)}}}""";
        var final = $$"""{"role":"assistant","content":"{{answer}}","refusal":null}""";
        WriteSpan(trace, 1, 0, "chat gpt-4o-mini", "CHAT_MODEL", $$"""{"model":"gpt-4o-mini","messages":[{{asking}}],"tools":{{tools}},"temperature":0.2}""", Completion(prose, toolCall, asking.Length / 4), null, Usage(asking.Length));
        WriteSpan(trace, 2, 0, "search_orders", "TOOL", arguments, result, isError ? prose.Text(60) : null, null);
        WriteSpan(trace, 3, 0, IsAudited(trace) ? "retrieve " + Audit(trace) : "retrieve", "RETRIEVER", $$"""{"query":"{{prose.Text(Size(80))}}","k":4}""", $"[{documents}]", null, null);
        WriteSpan(trace, 4, 0, "chat gpt-4o-mini", "CHAT_MODEL", $$"""{"model":"gpt-4o-mini","messages":[{{answering}}],"tools":{{tools}},"temperature":0.2}""", Completion(prose, final, answering.Length / 4), null, Usage(answering.Length));
        WriteSpan(trace, 0, null, "support-agent", "AGENT", $$"""{"messages":[{"role":"user","content":"{{question}}"}]}""", $$"""{"messages":[{"role":"assistant","content":"{{answer}}"}]}""", isError ? "tool failed" : null, null, SpansOfATrace - 1);
    }

    private void WriteSpan(int trace, int number, int? parent, string name, string type, string inputs, string outputs, string? error, string? usage, int lastChild = 0)
    {
        var start = (ulong)StartMs(trace) * 1_000_000;
        var span = _writer.Begin(2);
        _writer.Bytes(1, OtelId(_seed, trace));
        _writer.Bytes(2, SpanId(trace, number));
        if (parent is { } above)
        {
            _writer.Bytes(4, SpanId(trace, above));
        }

        _writer.Text(5, name);
        _writer.Varint(6, 1);
        _writer.Fixed64(7, start + ((ulong)number * SpanMs * 1_000_000));
        _writer.Fixed64(8, start + ((ulong)(Math.Max(number, lastChild) + 1) * SpanMs * 1_000_000) + (ulong)(HashCode(trace) & 0x3ff_ffff));
        Attribute("mlflow.traceRequestId", TraceId(_seed, trace));
        Attribute("mlflow.spanType", type);
        Attribute("mlflow.spanInputs", inputs);
        Attribute("mlflow.spanOutputs", outputs);
        if (usage is not null)
        {
            Attribute("mlflow.llm.model", "gpt-4o-mini");
            Attribute("mlflow.chat.tokenUsage", usage);
        }
        else
        {
            Attribute("retry.count", (trace % 97).ToString(CultureInfo.InvariantCulture));
        }

        if (parent is null)
        {
            Attribute("mlflow.traceFacts", Facts(trace, lastChild + 1, error is not null));
        }

        var status = _writer.Begin(15);
        if (error is not null)
        {
            _writer.Text(2, error);
        }

        _writer.Varint(3, error is null ? 1UL : 2UL);
        _writer.End(status);
        _writer.End(span);
    }

    /// <summary>What our own client tells with a trace's last span.</summary>
    private string Facts(int trace, int spans, bool isError) =>
        $$$$"""
        {"trace":{"trace_info":{"trace_id":"{{{{TraceId(_seed, trace)}}}}","trace_location":{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"0"}},"state":"{{{{(isError ? "ERROR" : "OK")}}}}","trace_metadata":{"mlflow.trace.session":"s-{{{{trace / 10}}}}","mlflow.trace.user":"u-{{{{trace % 500}}}}","mlflow.trace.sizeStats":"{\"num_spans\": {{{{spans}}}}}"{{{{(IsAudited(trace) ? $",\"audit\":\"{Audit(trace)}\"" : "")}}}}},{{{{(IsAudited(trace) ? Feedback(trace) : "")}}}}"tags":{"tier":"{{{{(trace % 10 == 0 ? "gold" : "basic")}}}}","customer":"c-{{{{HashCode(trace) % Math.Max(1, trace / TracesOfACustomer)}}}}","mlflow.traceName":"support-agent"}} }}
        """;

    private static bool IsAudited(int trace) => trace % AuditedEvery == 0;

    /// <summary>Which audit a trace is in.</summary>
    public static string Audit(int trace) => $"a-{trace / TracesOfAnAudit}";

    private static string Feedback(int trace) => $$""" "assessments":[{"assessment_name":"audited","source":{"source_type":"CODE"},"feedback":{"value":"{{Audit(trace)}}"} }],""";

    private void Attribute(string key, string value)
    {
        var attribute = _writer.Begin(9);
        _writer.Text(1, key);
        var any = _writer.Begin(2);
        _writer.Text(1, value);
        _writer.End(any);
        _writer.End(attribute);
    }

    private (int Resource, int Scope) BeginRequest()
    {
        var resource = _writer.Begin(1);
        var attributes = _writer.Begin(1);
        var service = _writer.Begin(1);
        _writer.Text(1, "service.name");
        var any = _writer.Begin(2);
        _writer.Text(1, "support");
        _writer.End(any);
        _writer.End(service);
        _writer.End(attributes);
        var scope = _writer.Begin(2);
        return (resource, scope);
    }

    private byte[] EndRequest((int Resource, int Scope) begun)
    {
        _writer.End(begun.Scope);
        _writer.End(begun.Resource);
        return _writer.ToArray();
    }

    private int Size(int characters) => Math.Max(1, (int)(characters * _scale));

    private static string Completion(Prose prose, string message, int promptTokens) =>
        $$$"""{"id":"{{{prose.Id("chatcmpl-")}}}","object":"chat.completion","created":1767225600,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{{{message}}},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":{{{promptTokens}}},"completion_tokens":{{{message.Length / 4}}},"total_tokens":{{{promptTokens + (message.Length / 4)}}},"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}},"service_tier":"default","system_fingerprint":"{{{prose.Id("fp_")}}}"}""";

    private string Usage(int characters)
    {
        _tokens += (characters / 4) + (characters / 12);
        return $$"""{"input_tokens":{{characters / 4}},"output_tokens":{{characters / 12}},"total_tokens":{{(characters / 4) + (characters / 12)}}}""";
    }

    private static string Arguments(Prose prose) => $$"""{"customer":"{{prose.Id("cus_")}}","query":"{{prose.Text(60)}}","limit":10}""";

    private static string Records(Prose prose, int characters)
    {
        var records = new StringBuilder("[");
        for (var i = 0; records.Length < characters; i++)
        {
            records.Append(i == 0 ? "" : ",").Append($$"""{"order_id":"{{prose.Id("ord_")}}","status":"{{prose.Word()}}","total":{{Decimal(prose.Word().Length * 17.35)}},"currency":"EUR","note":"{{prose.Text(40)}}"}""");
        }

        return records.Append(']').ToString();
    }

    private static string Tools(Prose prose) => "[" + string.Join(',', Enumerable.Range(0, 3).Select(i =>
        $$$"""{"type":"function","function":{"name":"{{{(i == 0 ? "search_orders" : prose.Word() + "_" + prose.Word())}}}","description":"{{{prose.Text(90)}}}","parameters":{"type":"object","properties":{"customer":{"type":"string","description":"{{{prose.Text(40)}}}"},"query":{"type":"string","description":"{{{prose.Text(40)}}}"},"limit":{"type":"integer"}},"required":["customer"]}} }""")) + "]";

    private static string Quoted(string json) => "\"" + json.Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";

    private static string Decimal(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>Never negative, and for each trace its own.</summary>
    private int HashCode(int trace) => (int)(Mix((ulong)(uint)trace | ((ulong)(uint)_seed << 32)) & 0x7fff_ffff);

    private static byte[] OtelId(int seed, int trace)
    {
        var id = new byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(id, Mix(((ulong)(uint)trace << 1) | ((ulong)(uint)seed << 33)));
        BinaryPrimitives.WriteUInt64BigEndian(id.AsSpan(8), Mix(((ulong)(uint)trace << 1) | 1 | ((ulong)(uint)seed << 33)));
        return id;
    }

    private byte[] SpanId(int trace, int number)
    {
        var id = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(id, Mix(((ulong)(uint)trace << 32) | (uint)(number + 1)) ^ (uint)_seed);
        return id;
    }

    /// <summary>SplitMix64: numbers in a row become numbers without order.</summary>
    private static ulong Mix(ulong value)
    {
        value += 0x9e37_79b9_7f4a_7c15;
        value = (value ^ (value >> 30)) * 0xbf58_476d_1ce4_e5b9;
        value = (value ^ (value >> 27)) * 0x94d0_49bb_1331_11eb;
        return value ^ (value >> 31);
    }
}
