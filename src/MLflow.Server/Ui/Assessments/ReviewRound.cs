using MLflow.Server.Traces;

namespace MLflow.Server.Ui.Assessments;

/// <summary>The traces of a list that have no feedback of a name yet, one after the other.</summary>
public sealed class ReviewRound
{
    private readonly IReadOnlyList<TraceInfo> _traces;
    private readonly HashSet<string> _judged = new(StringComparer.Ordinal);
    private readonly long _waiting;
    private int _at;

    /// <param name="traces">The first of them.</param>
    /// <param name="waiting">How many there were in all.</param>
    /// <param name="traceId">Where to begin; null or another one for the first.</param>
    public ReviewRound(IReadOnlyList<TraceInfo> traces, long waiting, string? traceId)
    {
        _traces = traces;
        _waiting = waiting;
        _at = Math.Max(0, traces.ToList().FindIndex(trace => trace.TraceId == traceId));
    }

    /// <summary>Null where none is left here.</summary>
    public TraceInfo? Current => _at < _traces.Count ? _traces[_at] : null;

    /// <summary>How many are not judged yet.</summary>
    public long Left => Math.Max(0, _waiting - _judged.Count);

    public bool HasPrevious => _at > 0;

    /// <summary>Whether <see cref="Current"/> was judged here.</summary>
    public bool IsJudged => Current is { } current && _judged.Contains(current.TraceId);

    /// <summary>There are more than were read.</summary>
    public bool HasMore => _waiting > _traces.Count;

    public void Judge()
    {
        if (Current is { } current)
        {
            _judged.Add(current.TraceId);
            _at++;
        }
    }

    public void Next() => _at = Math.Min(_at + 1, _traces.Count);

    public void Previous() => _at = Math.Max(0, _at - 1);

    /// <summary>The filter that finds them; null where no quotes are left for the name.</summary>
    public static string? Filter(string? list, string name) =>
        name.Contains('`', StringComparison.Ordinal) ? null : string.IsNullOrWhiteSpace(list) ? $"feedback.`{name}` IS NULL" : $"({list.Trim().TrimEnd(';')}) AND feedback.`{name}` IS NULL";
}
