namespace MLflow.Server.Ui.Spans;

/// <summary>One of the four answers: a bold result and a sentence of evidence.</summary>
public sealed record Answer
{
    public required string Question { get; init; }

    public required string Result { get; init; }

    /// <summary>True when the result is a failure.</summary>
    public bool IsBad { get; init; }

    public IReadOnlyList<Phrase> Evidence { get; init; } = [];

    /// <summary>The bar under "Why this slow?".</summary>
    public IReadOnlyList<SplitPart> Split { get; init; } = [];
}
