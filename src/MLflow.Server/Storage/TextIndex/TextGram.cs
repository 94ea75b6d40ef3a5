namespace MLflow.Server.Storage.TextIndex;

/// <summary>Grams that are neighbours, of which a trace must have one.</summary>
/// <param name="First">The lowest.</param>
/// <param name="Count">How many there are.</param>
internal readonly record struct TextGram(int First, int Count)
{
    public int Page => TextSegment.PageOf(First);
}
