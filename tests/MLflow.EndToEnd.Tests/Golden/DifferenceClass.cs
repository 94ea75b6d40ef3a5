namespace MLflow.EndToEnd.Tests.Golden;

/// <summary>A kind of difference that is meant to be, why, and how often it occurs.</summary>
public sealed record DifferenceClass(string Name, string Reason, int Count, Func<Difference, bool> Matches)
{
    private const string Outputs = "attributes.mlflow.spanOutputs";
    private const string Inputs = "attributes.mlflow.spanInputs";
    private const string WholeArguments = """{\"city\":\"Paris\",\"unit\":\"c\"}""";
    private const string Chunk = "events[].mlflow.chunk.value";

    private static readonly string[] OwnNames = ["openai.", "http.", "url.", "gen_ai.", "error.", "mlflow.stream.", "mlflow.capture.", "mlflow.llm.", "mlflow.openai."];

    public static readonly IReadOnlyList<DifferenceClass> All =
    [
        new("lost trace", "real MLflow never ends the span of a stream that is left, cut or fails in the middle", 4, d =>
            d is { Path: "trace", Theirs: null } && d.Ours == (d.Case == "chat_stream_abandoned" ? "OK" : "ERROR")),
        new("nulls of Python objects", "real MLflow dumps the client's objects with a null for each absent field; we keep the bytes that were sent", 419, d =>
            d is { Theirs: "null", Ours: null } && (Is(d, Outputs) || Is(d, Chunk))),
        new("empty values as sent", "an empty list or object was sent; the dump of real MLflow says null", 39, d =>
            d is { Theirs: "null", Ours: "[]" or "{}" } && Is(d, Outputs)),
        new("service tier of streams", "real MLflow's merge drops it", 6, d =>
            d is { Path: Outputs + ".service_tier", Theirs: "null", Ours: not null }),
        new("streamed tool calls", "real MLflow's merge drops them and makes the absent text an empty one", 2, d =>
            d is { Path: Outputs + ".choices[].message.tool_calls", Theirs: "null", Ours: not null } && d.Ours.Contains(WholeArguments, StringComparison.Ordinal)
            || d is { Path: Outputs + ".choices[].message.content", Theirs: "", Ours: "null" }),
        new("finish reason of streams", "real MLflow says stop whatever the reason was", 1, d =>
            d is { Path: Outputs + ".choices[].finish_reason", Theirs: "stop" }),
        new("several streamed choices", "real MLflow mixes their texts in one choice", 3, d =>
            d is { Case: "chat_stream_n2", Path: Outputs + ".choices[]", Theirs: null }
            or { Case: "chat_stream_n2", Path: Outputs + ".choices[].message.content" or "response_preview" }),
        new("attributes of ours", "operation, exchange, provider, figures of streams and tokens, what a cost was told from: names that real MLflow has not", 798, d =>
            d.Theirs is null && Array.Exists(OwnNames, name => d.Path.StartsWith("attributes." + name, StringComparison.Ordinal))),
        new("chunk events of ours", "the value of an event line that the data do not say", 0, d => d is { Theirs: null, Path: "events[].mlflow.chunk.event" }),
        new("attempts", "a call that was tried again has an event for each try", 2, d =>
            d is { Path: "events", Theirs: null, Ours: "mlflow.openai.attempt" }),
        new("newer protocol", "model, cached tokens and the mark of complete facts came with MLflow 3.11; the golden traces are of 3.6", 96, d =>
            d is { Path: "attributes.mlflow.llm.model" or "attributes.mlflow.chat.tokenUsage.cache_read_input_tokens" or "metadata.mlflow.trace.infoFinalized", Theirs: null }
            or { Path: "metadata.mlflow.trace.tokenUsage", Theirs: not null, Ours: not null }),
        new("exceptions of .NET", "type, message and stack are those of the exception that the .NET program saw", 23, d =>
            d is { Path: "events[].exception.type" or "events[].exception.message" or "events[].exception.stacktrace", Theirs: not null, Ours: not null }),
        new("status message", "real MLflow leaves it empty, or has the exception's message; we say type and message", 8, d =>
            d is { Path: "status.message", Ours: not null } && (d.Theirs == "" || IsTypeScript(d))),
        new("Python arguments", "real MLflow records the method's arguments, with what only Python has; we record the body that was sent", 144, d =>
            (Is(d, Inputs) || Is(d, "attributes")) && (IsPythonOnly(d) || d is { Case: "chat_params", Path: Inputs + ".custom" or "attributes.custom" })),
        new("parsed by the client", "the Python client makes a schema of a class, adds the parsed object to its response, and sends stream: false", 6, d =>
            d is { Case: "chat_parse", Path: Outputs + ".choices[].message.parsed" or Inputs + ".stream" or "attributes.stream" }
            or { Case: "responses_parse", Path: Outputs + ".output[].content[].parsed" or Inputs + ".text" or "attributes.text" }),
        new("no output", "of a failed call: absent, not an empty text", 16, d =>
            d is { Path: "metadata.mlflow.traceOutputs", Theirs: "", Ours: null } or { Path: "response_preview", Theirs: "", Ours: null or "null" }),
        new("JSON in previews", "the same JSON as sent, without Python's spaces and key order", 93, d =>
            d is { Path: "metadata.mlflow.traceInputs" or "metadata.mlflow.traceOutputs" or "request_preview" or "response_preview", Theirs: ['{', ..], Ours: ['{', ..] }),
        new("tokens of other APIs", "real MLflow 3.6 counts those of chat and of responses only", 6, d =>
            d is { Path: "attributes.mlflow.chat.tokenUsage" or "metadata.mlflow.trace.tokenUsage", Theirs: null }
            && (d.Case.StartsWith("completion_", StringComparison.Ordinal) || d.Case.StartsWith("embeddings_", StringComparison.Ordinal))),
        new("streamed completions", "real MLflow joins the texts; we record the completion that is not streamed, with usage and finish reason", 3, d =>
            d is { Case: "completion_stream", Path: "response_preview" or "metadata.mlflow.traceOutputs" or Outputs }),
        new("vectors in base64", "the client asks for base64 and decodes it; we record what was sent", 6, d =>
            d.Path.EndsWith(".encoding_format", StringComparison.Ordinal) && d is { Theirs: null, Ours: "base64" }
            || d is { Path: Outputs + ".data[].embedding", Theirs: ['[', ..] }),
        new("user of a call", "the user that a request names is the trace's user; newer MLflow has one where the program sets it", 1, d =>
            d is { Case: "chat_params", Path: "metadata.mlflow.trace.user", Theirs: null }),
        new("TypeScript: span type", "its SDK calls every OpenAI call LLM; we call those of chats CHAT_MODEL, as the Python SDK does", 5, d =>
            IsTypeScript(d) && d is { Path: "attributes.mlflow.spanType", Theirs: "LLM", Ours: "CHAT_MODEL" }),
        new("TypeScript: streams", "its SDK records the iterator; we record what was streamed", 18, d =>
            d.Case == "ts-chat_stream" && (Is(d, Outputs) || d.Path == "response_preview" || d is { Path: "events", Theirs: null })),
        new("TypeScript: parameters", "its SDK has no attribute for a parameter, for tools, the message format and the trace's name; the Python SDK has", 18, d =>
            IsTypeScript(d) && d.Theirs is null && d.Path is "tags.mlflow.traceName" or "attributes.model" or "attributes.stream" or "attributes.tools"
                or "attributes.mlflow.chat.tools" or "attributes.mlflow.message.format"),
        new("TypeScript: previews", "its SDK sends the whole JSON, cut; we send the last message's text, as the Python SDK does", 6, d =>
            IsTypeScript(d) && d is { Path: "request_preview" or "response_preview", Theirs: ['{', ..] }),
        new("TypeScript: of the client", "the client adds output_text; vectors have no output tokens and no messages", 3, d =>
            IsTypeScript(d) && d is { Path: Outputs + ".output_text" or "attributes.mlflow.chat.tokenUsage.output_tokens" or "attributes.mlflow.message.format", Ours: null }),
    ];

    public static (string Table, IReadOnlyList<string> Faults) Judge(IReadOnlyCollection<Difference> differences)
    {
        var faults = new List<string>();
        var rest = differences.ToList();
        var table = new System.Text.StringBuilder();
        foreach (var known in All)
        {
            var found = rest.RemoveAll(difference => known.Matches(difference));
            table.AppendLine(System.Globalization.CultureInfo.InvariantCulture, $"{found,5}  {known.Name}: {known.Reason}");
            if (found != known.Count)
            {
                faults.Add($"class '{known.Name}' was expected {known.Count} times and found {found} times");
            }
        }

        faults.AddRange(rest.Select(difference => "new: " + difference));
        return (table.ToString(), faults);
    }

    private static bool IsTypeScript(Difference difference) => difference.Case.StartsWith("ts-", StringComparison.Ordinal);

    private static bool Is(Difference difference, string path) => difference.Path.StartsWith(path + ".", StringComparison.Ordinal);

    private static bool IsPythonOnly(Difference difference)
    {
        var name = difference.Path[(difference.Path.LastIndexOf('.') + 1)..];
        return difference.Theirs is ['<', ..] or "NOT_GIVEN"
            || (difference.Ours is null && (name is "timeout" || difference.Path.Contains(".extra_", StringComparison.Ordinal)));
    }
}
