namespace MLflow.Server.Ui.List;

/// <summary>The address of a list: everything that can be seen on it is in here.</summary>
/// <param name="ExperimentId">The experiment.</param>
public sealed record TraceListUrl(long ExperimentId)
{
    public string? Filter { get; init; }

    /// <summary>One of <see cref="TimeWindow.Keys"/>.</summary>
    public string? Range { get; init; }

    /// <summary>Start of a time of the reader's own, in milliseconds since 1970.</summary>
    public string? From { get; init; }

    /// <summary>Its end.</summary>
    public string? To { get; init; }

    /// <summary>An item of an order: <c>execution_time_ms DESC</c>; null for the newest first.</summary>
    public string? Sort { get; init; }

    /// <summary>As <see cref="ListColumns"/> writes them; null for the reader's usual ones.</summary>
    public string? Columns { get; init; }

    /// <summary>The saved view that this came from.</summary>
    public string? View { get; init; }

    /// <summary>Of older traces: where the page begins.</summary>
    public string? Page { get; init; }

    /// <summary>The trace that is looked into beside the list.</summary>
    public string? Peek { get; init; }

    /// <summary>Whether it takes a part of the list's width instead of lying over it.</summary>
    public bool IsPinned { get; init; }

    /// <summary>The same list from its start.</summary>
    public TraceListUrl First => this with { Page = null, Peek = null };

    public string WithFilter(string? filter) => (First with { Filter = filter }).ToString();

    public string WithRange(string? range) => (First with { Range = range, From = null, To = null }).ToString();

    public string WithSort(string? sort) => (First with { Sort = sort }).ToString();

    public string WithPeek(string? traceId, bool isPinned) => (this with { Peek = traceId, IsPinned = isPinned }).ToString();

    /// <summary>The page of a trace of this list, which knows its neighbours by it.</summary>
    public TraceUrl ToTrace(string traceId) => new(traceId) { From = First.Query is { Length: > 0 } query ? query : "range=all" };

    public string WithPage(string? page) => (this with { Page = page, Peek = null }).ToString();

    /// <summary>The parts that a form must carry along, besides the filter.</summary>
    public IEnumerable<(string Name, string Value)> Parts => Pairs().Where(pair => pair.Name is not ("q" or "page" or "peek" or "pin")).Where(pair => !string.IsNullOrEmpty(pair.Value)).Select(pair => (pair.Name, pair.Value!));

    /// <summary>What stands behind the question mark.</summary>
    public string Query => string.Join('&', Pairs().Where(pair => !string.IsNullOrEmpty(pair.Value)).Select(pair => $"{pair.Name}={Uri.EscapeDataString(pair.Value!)}"));

    public override string ToString() => $"experiments/{ExperimentId}{(Query is { Length: > 0 } query ? "?" + query : "")}";

    private IEnumerable<(string Name, string? Value)> Pairs() =>
    [
        ("q", Filter), ("range", Range), ("from", From), ("to", To), ("sort", Sort), ("cols", Columns), ("view", View), ("page", Page), ("peek", Peek), ("pin", IsPinned && Peek is not null ? "1" : null),
    ];
}
