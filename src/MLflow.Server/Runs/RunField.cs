namespace MLflow.Server.Runs;

/// <summary>What a run can be filtered or ordered by.</summary>
internal enum RunField
{
    RunId,
    Name,
    UserId,
    Status,
    ArtifactUri,
    StartTime,
    EndTime,
    Tag,
    Param,
    Metric,
}
