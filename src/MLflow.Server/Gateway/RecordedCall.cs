using MLflow.Server.Storage;

namespace MLflow.Server.Gateway;

/// <summary>What is known of a call beside what is recorded of it.</summary>
/// <param name="EndpointId">The endpoint.</param>
/// <param name="User">Who has signed in; empty where nobody has to.</param>
/// <param name="ExperimentId">Where its trace goes.</param>
/// <param name="IsTrace">Whether there is one.</param>
/// <param name="Replays">What it does again; null where nothing.</param>
internal sealed record RecordedCall(string EndpointId, string User, long ExperimentId, bool IsTrace, ReplayedCall? Replays = null)
{
    private const long HourMs = 60 * 60 * 1000;

    /// <summary>What it adds to the usage.</summary>
    public GatewayUsage Usage(long timeMs, bool hasFailed, long inputTokens, long outputTokens, long nanoUsd) =>
        new(timeMs - (timeMs % HourMs), EndpointId, User, 1, hasFailed ? 1 : 0, inputTokens, outputTokens, nanoUsd);
}
