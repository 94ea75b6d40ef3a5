namespace MLflow;

/// <summary>What becomes of a trace that has begun.</summary>
internal enum TraceFate
{
    /// <summary>It is handed over.</summary>
    Kept,

    /// <summary>Chance left it out; its end will tell.</summary>
    Undecided,

    /// <summary>Nothing of it is handed over, and it counts nowhere.</summary>
    Dropped,
}
