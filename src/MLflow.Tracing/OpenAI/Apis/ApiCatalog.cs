using System.Globalization;

namespace MLflow;

/// <summary>
/// The operations of the OpenAI API (OpenAPI document of 2026, <c>github.com/openai/openai-openapi</c>) and how each is recorded. Names and types are
/// real MLflow's where it records the operation; <c>docs/openai-apis.md</c> is this table for readers, and a test compares the two.
/// </summary>
internal static partial class ApiCatalog
{
    public static readonly ApiOperation ChatCompletions = Model("chat.completions.create", "/chat/completions", "Completions", MLflow.SpanType.ChatModel, new ChatCompletionsRecorder());

    public static readonly ApiOperation Completions = Model("completions.create", "/completions", "Completions", MLflow.SpanType.Llm, new ChatCompletionsRecorder(isLegacy: true));

    public static readonly ApiOperation Embeddings = Model("embeddings.create", "/embeddings", "Embeddings", MLflow.SpanType.Embedding, new BodyFormRecorder(facts: MediaFacts.OfEmbeddings));

    public static readonly ApiOperation Responses = Model("responses.create", "/responses", "Responses", MLflow.SpanType.ChatModel, new ResponsesRecorder());

    /// <summary>What goes to an OpenAI address and is none of the known operations.</summary>
    public static readonly ApiOperation Other = new("other", "", "", "OpenAI", MLflow.SpanType.Unknown, BodyFormRecorder.Instance);

    /// <summary>A call of a model whose request tells which.</summary>
    public static readonly ApiOperation ByShape = Invocations("invocations", "/serving-endpoints/{endpoint}/invocations");

    /// <summary>The same at MLflow's gateway. Its oldest form is that of other servers of models too, which are none of ours unless OpenAI's package asks them.</summary>
    private static readonly ApiOperation[] GatewayInvocations =
    [
        Invocations("gateway.mlflow.invocations", "/gateway/{endpoint}/mlflow/invocations"),
        Invocations("gateway.invocations", "/gateway/{endpoint}/invocations"),
        Invocations("endpoints.invocations", "/endpoints/{endpoint}/invocations", isRecognisedAnywhere: false),
    ];

    public static IReadOnlyList<ApiOperation> All { get; } = Order(
    [
        ChatCompletions,
        Completions,
        Embeddings,
        Responses,
        ByShape,
        .. GatewayInvocations,
        .. Media(),
        .. Assistants(),
        .. Platform(),
        .. Organization(),
        .. Text(),
    ]);

    private static readonly Dictionary<string, ApiOperation[]>.AlternateLookup<ReadOnlySpan<char>> ByLastWord = All
        .GroupBy(operation => operation.LastWord, StringComparer.OrdinalIgnoreCase)
        .ToDictionary(group => group.Key, group => group.ToArray(), StringComparer.OrdinalIgnoreCase)
        .GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The operation that fits best, or null.</summary>
    public static ApiOperation? Find(string method, ReadOnlySpan<char> path)
    {
        path = path.TrimEnd('/');
        var slash = path.LastIndexOf('/');
        if (slash < 0)
        {
            return null;
        }

        // A template ends in a word, or in a word and a value; no template ends in two values.
        var last = Find(method, path, path[(slash + 1)..]);
        var before = Find(method, path, path[(path[..slash].LastIndexOf('/') + 1)..slash]);
        return last is null || before?.Literals > last.Literals ? before : last;
    }

    /// <summary>A call of a model, which its path shows on any host.</summary>
    private static ApiOperation Model(string name, string template, string spanName, string spanType, IRecorder recorder) =>
        new(name, "POST", template, spanName, spanType, recorder) { AsyncSpanName = "Async" + spanName, IsRecognisedAnywhere = true };

    private static ApiOperation Invocations(string name, string template, bool isRecognisedAnywhere = true) =>
        new(name, "POST", template, "Invocations", MLflow.SpanType.Llm, new ShapeRecorder()) { IsRecognisedAnywhere = isRecognisedAnywhere };

    /// <summary>An operation beside the calls of models.</summary>
    private static ApiOperation Call(string name, string method, string template, string spanName, string spanType = MLflow.SpanType.Unknown, IRecorder? recorder = null) =>
        new(name, method, template, spanName, spanType, recorder ?? BodyFormRecorder.Instance);

    /// <summary>An operation whose span is named as OpenAI's Python client names class and method: <c>vector_stores.files.list</c> is <c>Files.list</c>.</summary>
    private static ApiOperation Row(string name, string method, string template, string spanType = MLflow.SpanType.Unknown, IRecorder? recorder = null)
    {
        var parts = name.Split('.');
        var words = parts[^2].Split('_').Select(word => word == "api" ? "API" : CultureInfo.InvariantCulture.TextInfo.ToTitleCase(word));
        return Call(name, method, template, string.Concat(words) + "." + parts[^1], spanType, recorder);
    }

    private static ApiOperation? Find(string method, ReadOnlySpan<char> path, ReadOnlySpan<char> lastWord)
    {
        if (ByLastWord.TryGetValue(lastWord, out var operations))
        {
            foreach (var operation in operations)
            {
                if (operation.Method == method && operation.Matches(path))
                {
                    return operation;
                }
            }
        }

        return null;
    }

    private static ApiOperation[] Order(IEnumerable<ApiOperation> operations) => [.. operations.OrderByDescending(operation => operation.Literals)];
}
