namespace MLflow;

/// <summary>What was decided of a request, as one of its features: its span, or that it has none.</summary>
internal sealed record RequestTrace(LiveSpan? Span)
{
    public static readonly RequestTrace None = new((LiveSpan?)null);
}
