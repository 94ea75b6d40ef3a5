namespace MLflow.Server.Storage.Postgres;

/// <summary>Which conditions of a filter hold for a row that may match; each has a bit, of which a filter has 100 at most (<c>FilterLimits.MaxConditions</c>).</summary>
internal sealed class CandidateFacts
{
    /// <summary>Those that hold for the row itself.</summary>
    public UInt128 Row { get; set; }

    /// <summary>Those that hold for one of its spans, each combination once, however many spans there are.</summary>
    public HashSet<UInt128> Spans { get; } = [];
}
