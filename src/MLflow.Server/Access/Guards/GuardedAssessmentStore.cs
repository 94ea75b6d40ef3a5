using MLflow.Server.Assessments;
using MLflow.Server.Storage;

namespace MLflow.Server.Access.Guards;

/// <summary>Lets each caller do with assessments what they may with the experiments of their traces.</summary>
internal sealed class GuardedAssessmentStore : IAssessmentStore
{
    private readonly IAssessmentStore _assessments;
    private readonly ITraceStore _traces;
    private readonly CurrentCaller _caller;

    public GuardedAssessmentStore(UnguardedStores stores, CurrentCaller caller)
    {
        (_assessments, _traces) = (stores.Assessments, stores.Traces);
        _caller = caller;
    }

    public async Task CreateAsync(AssessmentRecord assessment, CancellationToken cancellationToken)
    {
        await RequireAsync(ExperimentRights.Edit, assessment.TraceId, cancellationToken).ConfigureAwait(false);
        await _assessments.CreateAsync(assessment, cancellationToken).ConfigureAwait(false);
    }

    public async Task<AssessmentRecord> GetAsync(string traceId, string assessmentId, CancellationToken cancellationToken)
    {
        await RequireAsync(ExperimentRights.Read, traceId, cancellationToken).ConfigureAwait(false);
        return await _assessments.GetAsync(traceId, assessmentId, cancellationToken).ConfigureAwait(false);
    }

    public async Task<AssessmentRecord> UpdateAsync(string traceId, string assessmentId, AssessmentChange change, CancellationToken cancellationToken)
    {
        await RequireAsync(ExperimentRights.Edit, traceId, cancellationToken).ConfigureAwait(false);
        return await _assessments.UpdateAsync(traceId, assessmentId, change, cancellationToken).ConfigureAwait(false);
    }

    public async Task DeleteAsync(string traceId, string assessmentId, CancellationToken cancellationToken)
    {
        await RequireAsync(ExperimentRights.Edit, traceId, cancellationToken).ConfigureAwait(false);
        await _assessments.DeleteAsync(traceId, assessmentId, cancellationToken).ConfigureAwait(false);
    }

    private async Task RequireAsync(ExperimentRights anyOf, string traceId, CancellationToken cancellationToken)
    {
        if ((await _traces.GetExperimentsAsync([traceId], cancellationToken).ConfigureAwait(false)).TryGetValue(traceId, out var experimentId))
        {
            await _caller.RequireAsync(anyOf, experimentId).ConfigureAwait(false);
        }
    }
}
