using MLflow.Server.Experiments;
using MLflow.Server.Storage;

namespace MLflow.Server.Ui;

/// <summary>An experiment as a page looks for it: what somebody may not see is not there for them.</summary>
internal static class VisibleExperiment
{
    public static async Task<Experiment?> FindAsync(IExperimentStore experiments, long experimentId, CancellationToken cancellationToken)
    {
        try
        {
            return await experiments.GetAsync(experimentId, cancellationToken);
        }
        catch (MlflowException e) when (e.ErrorCode == ErrorCode.PERMISSION_DENIED)
        {
            return null;
        }
    }
}
