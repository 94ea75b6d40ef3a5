using System.Text.Json.Serialization;

namespace MLflow.Server.Gateway;

/// <summary>How often an endpoint may be called, in the form of Databricks' gateway.</summary>
/// <param name="Calls">Calls in a period.</param>
/// <param name="Key">Of whom each: <c>endpoint</c> for all together, <c>user</c>, <c>token</c> for each key, or <c>model</c> for what goes to each model.</param>
/// <param name="RenewalPeriod"><c>second</c>, <c>minute</c>, <c>hour</c> or <c>day</c>.</param>
internal sealed record RateLimit(long Calls, string Key, string RenewalPeriod)
{
    public TimeSpan Period => RenewalPeriod switch
    {
        "second" => TimeSpan.FromSeconds(1),
        "hour" => TimeSpan.FromHours(1),
        "day" => TimeSpan.FromDays(1),
        _ => TimeSpan.FromMinutes(1),
    };

    /// <summary>Whether it is counted for all servers of the database together: what has been called is written down by the hour, endpoint and user.</summary>
    [JsonIgnore]
    public bool IsShared => Key is "endpoint" or "user" && RenewalPeriod is "hour" or "day";

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: it is none.</exception>
    public static RateLimit Of(long? calls, string? key, string? period) =>
        calls is >= 0 and <= int.MaxValue && key is "endpoint" or "user" or "token" or "model" && period is "second" or "minute" or "hour" or "day"
            ? new RateLimit(calls ?? 0, key, period)
            : throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE,
                $"Invalid rate limit (calls {calls}, key '{key}', renewal_period '{period}'): calls must be 0 to {int.MaxValue}, key endpoint, user, token or model, renewal_period second, minute, hour or day.");
}
