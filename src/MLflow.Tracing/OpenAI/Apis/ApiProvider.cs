namespace MLflow;

/// <summary>Who serves a call. The names are those by which MLflow looks up prices (LiteLLM's provider names).</summary>
internal static class ApiProvider
{
    private static readonly (string Suffix, string Provider)[] Hosts =
    [
        ("api.openai.com", "openai"),
        (".api.openai.com", "openai"),
        (".openai.azure.com", "azure"),
        (".openai.azure.us", "azure"),
        (".services.ai.azure.com", "azure"),
        (".cognitiveservices.azure.com", "azure"),
        (".cloud.databricks.com", "databricks"),
        (".azuredatabricks.net", "databricks"),
        (".gcp.databricks.com", "databricks"),
        ("openrouter.ai", "openrouter"),
        ("ollama.com", "ollama"),
        ("api.groq.com", "groq"),
        ("api.mistral.ai", "mistral"),
        ("api.deepseek.com", "deepseek"),
        ("api.together.xyz", "together_ai"),
        ("api.fireworks.ai", "fireworks_ai"),
        ("api.x.ai", "xai"),
        ("api.perplexity.ai", "perplexity"),
        ("api.cerebras.ai", "cerebras"),
        ("generativelanguage.googleapis.com", "gemini"),
        ("api.anthropic.com", "anthropic"),
    ];

    /// <summary>True for addresses under which everything is an OpenAI call.</summary>
    public static bool IsOpenAIAddress(Uri uri)
    {
        var host = uri.Host;
        return host.EndsWith("api.openai.com", StringComparison.OrdinalIgnoreCase)
            || (host.Contains(".azure.", StringComparison.OrdinalIgnoreCase)
                && Of(uri) == "azure"
                && uri.AbsolutePath.StartsWith("/openai/", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The provider, or null where the address does not tell.</summary>
    public static string? Of(Uri uri)
    {
        var host = uri.Host;
        foreach (var (suffix, provider) in Hosts)
        {
            if (suffix[0] == '.' ? host.EndsWith(suffix, StringComparison.OrdinalIgnoreCase) : host.Equals(suffix, StringComparison.OrdinalIgnoreCase))
            {
                return provider;
            }
        }

        var path = uri.AbsolutePath;
        if (path.StartsWith("/serving-endpoints/", StringComparison.OrdinalIgnoreCase) || path.StartsWith("/ai-gateway/", StringComparison.OrdinalIgnoreCase))
        {
            return "databricks";
        }

        // What is behind an endpoint of MLflow's gateway its address does not tell, but for those that pass one provider's own API through.
        if (path.Contains("/gateway/openai/v1/", StringComparison.OrdinalIgnoreCase))
        {
            return "openai";
        }

        if (IsMlflowGateway(path))
        {
            return "mlflow";
        }

        if (path.Contains("/openai/deployments/", StringComparison.OrdinalIgnoreCase))
        {
            return "azure";
        }

        // Ollama's own port.
        return uri is { IsLoopback: true, Port: 11434 } ? "ollama" : null;
    }

    /// <summary>The model that the address names: an Azure deployment, an endpoint of Databricks or of MLflow's gateway, the model of a realtime session. Null where it names none.</summary>
    public static string? ModelOf(Uri uri) => SegmentAfter(uri, "/deployments/") ?? EndpointOf(uri) ?? RealtimeModel(uri);

    /// <summary>The endpoint that the address names: of Databricks' model serving or AI Gateway, or of MLflow's gateway. Null where it names none.</summary>
    public static string? EndpointOf(Uri uri) => IsInvocation(uri.AbsolutePath)
        ? SegmentAfter(uri, "/serving-endpoints/") ?? SegmentAfter(uri, "/gateway/") ?? SegmentAfter(uri, "/endpoints/")
        : null;

    /// <summary>Whether what a request calls its model is an endpoint of such a server.</summary>
    public static bool IsEndpoint(Uri uri)
    {
        var path = uri.AbsolutePath;
        return path.StartsWith("/serving-endpoints/", StringComparison.OrdinalIgnoreCase) || path.StartsWith("/ai-gateway/", StringComparison.OrdinalIgnoreCase) || IsMlflowGateway(path);
    }

    private static bool IsMlflowGateway(string path) =>
        path.Contains("/gateway/mlflow/v1/", StringComparison.OrdinalIgnoreCase)
        || path.Contains("/gateway/openai/v1/", StringComparison.OrdinalIgnoreCase)
        || (IsInvocation(path) && (path.Contains("/gateway/", StringComparison.OrdinalIgnoreCase) || path.Contains("/endpoints/", StringComparison.OrdinalIgnoreCase)));

    private static bool IsInvocation(string path) => path.EndsWith("/invocations", StringComparison.OrdinalIgnoreCase);

    private static string? RealtimeModel(Uri uri) =>
        uri.AbsolutePath.EndsWith("/realtime", StringComparison.OrdinalIgnoreCase)
            ? UrlText.Query(uri).FirstOrDefault(parameter => parameter.Key is "model" or "deployment").Value
            : null;

    private static string? SegmentAfter(Uri uri, string marker)
    {
        var path = uri.AbsolutePath;
        var at = path.IndexOf(marker, StringComparison.OrdinalIgnoreCase);
        if (at < 0)
        {
            return null;
        }

        var rest = path[(at + marker.Length)..];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 ? Uri.UnescapeDataString(rest[..slash]) : null;
    }
}
