namespace MLflow.Server.Storage.Rollups;

/// <summary>An hour of an experiment whose figures are out of date.</summary>
/// <param name="ExperimentId">The experiment.</param>
/// <param name="Hour">The hour since 1970.</param>
/// <param name="Version">Another one than before where something has changed since.</param>
internal readonly record struct RollupMark(long ExperimentId, long Hour, long Version)
{
    public long StartMs => Hour * IRollups.HourMs;

    public long EndMs => StartMs + IRollups.HourMs;
}
