using System.IO.Enumeration;

namespace MLflow;

/// <summary>Tells which requests of the process are OpenAI calls. Asked for every HTTP request, so what is none must be dismissed quickly and without allocating.</summary>
internal sealed class CallFilter
{
    private const int Slots = 16;
    private const int MaxKnownLength = 512;

    // Of calls that are told by their address alone. Written by any thread: an entry is whole or not there.
    private readonly KnownCall?[] _known = new KnownCall?[Slots];
    private readonly string[] _includedHosts;
    private readonly string[] _excludedHosts;
    private readonly string[] _includedPaths;
    private readonly string[] _excludedPaths;

    public CallFilter(OpenAIAutologOptions options)
    {
        _includedHosts = [.. options.IncludedHosts];
        _excludedHosts = [.. options.ExcludedHosts];
        _includedPaths = [.. options.IncludedPaths];
        _excludedPaths = [.. options.ExcludedPaths];
    }

    /// <summary>The operation that the request asks for, or null when it is no OpenAI call.</summary>
    /// <param name="request">The request.</param>
    /// <param name="isOpenAI">True where the client is known to be one.</param>
    public ApiOperation? Match(HttpRequestMessage request, bool isOpenAI = false)
    {
        if (request.RequestUri is not { IsAbsoluteUri: true } uri)
        {
            return null;
        }

        // Most calls go where an earlier one went.
        var url = uri.OriginalString;
        if (FindKnown(url) is { } known && request.Method == HttpMethod.Post)
        {
            return known;
        }

        if (IsExcluded(uri))
        {
            return null;
        }

        var operation = MatchUnknown(request, uri, isOpenAI);
        if (operation is { IsRecognisedAnywhere: true, Method: "POST" } && request.Method == HttpMethod.Post && url.Length <= MaxKnownLength)
        {
            _known[SlotOf(url)] = new KnownCall(url, operation);
        }

        return operation;
    }

    private ApiOperation? MatchUnknown(HttpRequestMessage request, Uri uri, bool isOpenAI)
    {
        // The path is a string that Uri makes anew for us: most requests are told by less.
        if (isOpenAI || IsOpenAI(request, uri))
        {
            return ApiCatalog.Find(request.Method.Method, uri.AbsolutePath) ?? ApiCatalog.Other;
        }

        if (_includedPaths.Length > 0 && Any(_includedPaths, uri.AbsolutePath))
        {
            return ApiCatalog.Find(request.Method.Method, uri.AbsolutePath) ?? ApiCatalog.ByShape;
        }

        return request.Method == HttpMethod.Post && ApiCatalog.Find("POST", uri.AbsolutePath) is { IsRecognisedAnywhere: true } operation ? operation : null;
    }

    /// <summary>True where a client of the OpenAI package, or one of its kind, sends.</summary>
    public static bool IsOfPackage(HttpRequestMessage request) =>
        request.Headers.NonValidated.TryGetValues("User-Agent", out var agents) && IsOpenAIAgent(agents.ToString());

    private ApiOperation? FindKnown(string url) => url.Length > 0 && _known[SlotOf(url)] is { } known && known.Url == url ? known.Operation : null;

    private static int SlotOf(string url) => (url.Length ^ url[^1] ^ url[url.Length / 2]) & (Slots - 1);

    private bool IsExcluded(Uri uri) =>
        (_excludedHosts.Length > 0 && AnyHost(_excludedHosts, uri)) || (_excludedPaths.Length > 0 && Any(_excludedPaths, uri.AbsolutePath));

    private bool IsOpenAI(HttpRequestMessage request, Uri uri) =>
        ApiProvider.IsOpenAIAddress(uri)
        || (_includedHosts.Length > 0 && AnyHost(_includedHosts, uri))
        || IsOfPackage(request);

    /// <summary>The clients name themselves <c>OpenAI/2.15.0 (…)</c> (.NET), <c>azsdk-net-AI.OpenAI/2.1.0</c>; others of their kind by the same word.</summary>
    private static bool IsOpenAIAgent(string agent) =>
        agent.StartsWith("OpenAI/", StringComparison.Ordinal)
        || agent.Contains(" OpenAI/", StringComparison.Ordinal)
        || agent.Contains("AI.OpenAI/", StringComparison.Ordinal);

    private static bool AnyHost(string[] patterns, Uri uri)
    {
        foreach (var pattern in patterns)
        {
            // With a port the pattern means that port alone.
            if (FileSystemName.MatchesSimpleExpression(pattern, pattern.Contains(':') ? uri.Authority : uri.Host))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Any(string[] patterns, string path)
    {
        foreach (var pattern in patterns)
        {
            if (FileSystemName.MatchesSimpleExpression(pattern, path))
            {
                return true;
            }
        }

        return false;
    }

    private sealed record KnownCall(string Url, ApiOperation Operation);
}
