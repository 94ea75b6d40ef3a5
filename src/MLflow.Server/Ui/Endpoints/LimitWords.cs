using MLflow.Server.Gateway;
using MLflow.Server.Ui.Formatting;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Endpoints;

/// <summary>A rate limit as people say it.</summary>
internal static class LimitWords
{
    public static string Of(RateLimit limit)
    {
        var calls = limit.RenewalPeriod switch
        {
            "second" => T("{0} a second", Figures.Count(limit.Calls)),
            "hour" => T("{0} an hour", Figures.Count(limit.Calls)),
            "day" => T("{0} a day", Figures.Count(limit.Calls)),
            _ => T("{0} a minute", Figures.Count(limit.Calls)),
        };
        return limit.Key switch
        {
            "user" => T("{0}, each user", calls),
            "token" => T("{0}, each token", calls),
            "model" => T("{0}, each model", calls),
            _ => calls,
        };
    }
}
