namespace MLflow.Server.Experiments;

/// <summary>What an experiment can be filtered or ordered by.</summary>
internal enum ExperimentField
{
    ExperimentId,
    Name,
    CreationTime,
    LastUpdateTime,
    Tag,
}
