namespace MLflow.Server.Rest;

/// <summary>Web pages of other origins that may change something here, and read answers, as <c>https://host:port</c>; <c>*</c> for any.</summary>
internal sealed class OriginAllowList
{
    private const string Any = "*";

    private readonly HashSet<string> _origins;

    /// <param name="origins">Entries that <see cref="IsEntry"/> takes.</param>
    public OriginAllowList(IEnumerable<string> origins) => _origins = new HashSet<string>(origins.Select(origin => Parse(origin) is { } uri ? Text(uri) : origin), StringComparer.Ordinal);

    public bool IsEmpty => _origins.Count == 0;

    public bool IsAny => _origins.Contains(Any);

    public static bool IsEntry(string origin) => origin == Any || Parse(origin) is not null;

    /// <summary>The origin as a URI; null where it is none, as browsers say <c>null</c> of pages without one.</summary>
    public static Uri? Parse(string origin) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
            && uri.PathAndQuery == "/" && uri.Fragment.Length == 0 && uri.UserInfo.Length == 0
            ? uri
            : null;

    public bool Allows(string origin) => IsAny || (Parse(origin) is { } uri && _origins.Contains(Text(uri)));

    private static string Text(Uri uri) => uri.GetLeftPart(UriPartial.Authority);
}
