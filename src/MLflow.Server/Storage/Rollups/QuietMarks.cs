namespace MLflow.Server.Storage.Rollups;

/// <summary>Knows which hours have not changed since the last look: those that go on changing would be worked out again and again.</summary>
internal sealed class QuietMarks
{
    /// <summary>Marks that are looked at together; the others have their turn when these are gone.</summary>
    public const int MaxMarks = 10_000;

    /// <summary>Hours that are worked out in one step.</summary>
    public const int Step = 16;

    private HashSet<RollupMark> _seen = [];

    /// <summary>What to work out in a step.</summary>
    /// <param name="marks">All marks.</param>
    /// <param name="now">Also those that have changed since the last look.</param>
    public IReadOnlyList<RollupMark> Take(IReadOnlyList<RollupMark> marks, bool now)
    {
        var quiet = marks.Where(mark => now || _seen.Contains(mark)).Take(Step).ToList();
        if (quiet.Count == 0)
        {
            _seen = [.. marks];
        }

        return quiet;
    }
}
