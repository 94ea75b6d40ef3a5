using MLflow.Server.Storage;

namespace MLflow.Server.Ui.Endpoints;

/// <summary>What some calls came to together.</summary>
/// <param name="Calls">All of them.</param>
/// <param name="Failed">Those that failed.</param>
/// <param name="InputTokens">Tokens of requests.</param>
/// <param name="OutputTokens">Tokens of answers.</param>
/// <param name="Usd">US dollars, of those whose price is known.</param>
public sealed record UsageSum(long Calls, long Failed, long InputTokens, long OutputTokens, decimal Usd)
{
    private const decimal NanoUsd = 1_000_000_000;

    internal static UsageSum Of(IEnumerable<GatewayUsage> usages)
    {
        var (calls, failed, input, output, nano) = (0L, 0L, 0L, 0L, 0L);
        foreach (var usage in usages)
        {
            (calls, failed, input, output, nano) = (calls + usage.Calls, failed + usage.FailedCalls, input + usage.InputTokens, output + usage.OutputTokens, nano + usage.NanoUsd);
        }

        return new UsageSum(calls, failed, input, output, nano / NanoUsd);
    }
}
