namespace MLflow.Server.Runs;

/// <summary>Where a run stands, in the numbers of MLflow's <c>RunStatus</c> enum.</summary>
public enum RunStatus
{
    Running = 1,
    Scheduled = 2,
    Finished = 3,
    Failed = 4,
    Killed = 5,
}
