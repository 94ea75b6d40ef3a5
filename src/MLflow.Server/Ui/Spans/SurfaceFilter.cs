namespace MLflow.Server.Ui.Spans;

/// <summary>Which steps the surface shows.</summary>
public sealed class SurfaceFilter
{
    private readonly HashSet<SpanKind> _kinds;
    private readonly IReadOnlySet<SpanNode>? _hits;
    private readonly bool _onlyErrors;
    private readonly int _level;

    /// <summary>Reads the filter of an address.</summary>
    /// <param name="url">The address.</param>
    /// <param name="hits">Steps in which was found what is looked for.</param>
    public SurfaceFilter(TraceUrl url, IReadOnlySet<SpanNode> hits)
    {
        _kinds = [.. Kinds(url.Types)];
        _hits = url.OnlyHits && !string.IsNullOrEmpty(url.Find) ? hits : null;
        _onlyErrors = url.OnlyErrors;
        _level = url.Level is { } level and > 0 ? level : int.MaxValue;
        Fold = FoldState.Parse(url.Fold);
    }

    public FoldState Fold { get; }

    /// <summary>Whether rows are chosen by what is in them; those above a chosen row are then shown too.</summary>
    public bool Chooses => _kinds.Count > 0 || _hits is not null || _onlyErrors;

    /// <summary>Whether any row may be hidden.</summary>
    public bool IsAny => Chooses || _level < int.MaxValue;

    public bool Matches(SpanNode node) =>
        (_kinds.Count == 0 || _kinds.Contains(node.Span.Kind)) && _hits?.Contains(node) != false && (!_onlyErrors || node.Span.IsFailed);

    public bool HasLevel(SpanNode node) => node.Depth < _level;

    /// <summary>The kinds that an address names; what it misspells is left out.</summary>
    public static IEnumerable<SpanKind> Kinds(string? types) =>
        (types ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Select(word => Enum.TryParse<SpanKind>(word, ignoreCase: true, out var kind) && Enum.IsDefined(kind) ? kind : (SpanKind?)null)
            .OfType<SpanKind>()
            .Distinct();

    /// <summary>The address's word for the kinds with one more or less of them; null for all.</summary>
    public static string? Toggle(string? types, SpanKind kind)
    {
        var kinds = Kinds(types).ToList();
        if (!kinds.Remove(kind))
        {
            kinds.Add(kind);
        }

        return kinds.Count == 0 ? null : string.Join(',', kinds.Order()).ToLowerInvariant();
    }
}
