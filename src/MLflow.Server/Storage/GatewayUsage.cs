namespace MLflow.Server.Storage;

/// <summary>What calls of one hour, endpoint and user came to.</summary>
/// <param name="HourMs">The hour's beginning.</param>
/// <param name="EndpointId">The endpoint.</param>
/// <param name="User">The user's name; empty where nobody signs in.</param>
/// <param name="Calls">All calls.</param>
/// <param name="FailedCalls">Those of them that failed.</param>
/// <param name="InputTokens">Tokens of requests.</param>
/// <param name="OutputTokens">Tokens of answers.</param>
/// <param name="NanoUsd">10⁻⁹ US dollars, of those whose price is known.</param>
internal sealed record GatewayUsage(long HourMs, string EndpointId, string User, long Calls, long FailedCalls, long InputTokens, long OutputTokens, long NanoUsd);
