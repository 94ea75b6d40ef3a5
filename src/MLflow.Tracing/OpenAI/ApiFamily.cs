namespace MLflow;

/// <summary>A group of endpoints that one recorder understands.</summary>
/// <param name="PathSuffix">End of the path, with its leading slash. Whatever stands before it (base address, Azure deployment) does not matter.</param>
/// <param name="SpanName">Name of the span of a synchronous call, as real MLflow gives it.</param>
/// <param name="AsyncSpanName">Name of the span of an asynchronous call.</param>
/// <param name="SpanType">One of <see cref="MLflow.SpanType"/>.</param>
/// <param name="Recorder">Turns bodies into span fields.</param>
internal sealed record ApiFamily(string PathSuffix, string SpanName, string AsyncSpanName, string SpanType, IRecorder Recorder)
{
    // Order matters where one suffix ends another: the longer comes first.
    private static readonly ApiFamily[] All =
    [
        new("/chat/completions", "Completions", "AsyncCompletions", MLflow.SpanType.ChatModel, new ChatCompletionsRecorder()),
    ];

    /// <summary>Finds the family of a request, or null when it is no model call.</summary>
    public static ApiFamily? Match(HttpMethod method, Uri? uri)
    {
        // Our own exporter never matches: it sends to /v1/traces and /api/….
        if (method != HttpMethod.Post || uri is not { IsAbsoluteUri: true })
        {
            return null;
        }

        var path = uri.AbsolutePath;
        foreach (var family in All)
        {
            if (path.EndsWith(family.PathSuffix, StringComparison.OrdinalIgnoreCase))
            {
                return family;
            }
        }

        return null;
    }
}
