using System.Globalization;
using System.Text.Json.Serialization;

namespace MLflow.Server.Gateway;

/// <summary>What calls may cost in a time, in MLflow's form.</summary>
internal sealed record GatewayBudget
{
    /// <summary>The kind of its documents.</summary>
    public const string Kind = "budget";

    private const int DaysOfAWeek = 7;

    [JsonIgnore]
    public string Id { get; init; } = "";

    /// <summary>US dollars.</summary>
    public required decimal Amount { get; init; }

    /// <summary><c>HOURS</c>, <c>DAYS</c>, <c>WEEKS</c> or <c>MONTHS</c>.</summary>
    public required string DurationUnit { get; init; }

    public required int DurationValue { get; init; }

    /// <summary><c>GLOBAL</c> for all calls, <c>ENDPOINT</c> for those of one, <c>USER</c> for those of one user, or of each where none is named.</summary>
    public required string Scope { get; init; }

    /// <summary>The endpoint's id, or the user's name; null for each user.</summary>
    public string? Target { get; init; }

    /// <summary>Whether calls are refused when it is used up; else it is only told.</summary>
    public required bool Rejects { get; init; }

    public long CreatedMs { get; init; }

    public long UpdatedMs { get; init; }

    public string? CreatedBy { get; init; }

    public string? UpdatedBy { get; init; }

    /// <summary>Whether calls of that endpoint and user count.</summary>
    public bool Covers(string endpointId, string user) => Scope switch
    {
        "ENDPOINT" => Target == endpointId,
        "USER" => string.IsNullOrEmpty(Target) || Target == user,
        _ => true,
    };

    /// <summary>The time in which a moment lies, in UTC: hours and days from midnight of 1970 on, weeks from a Sunday, months from the first.</summary>
    public (DateTimeOffset Start, DateTimeOffset End) Window(DateTimeOffset now)
    {
        if (DurationUnit == "MONTHS")
        {
            var months = (now.UtcDateTime.Year * 12) + now.UtcDateTime.Month - 1;
            months -= months % DurationValue;
            var start = new DateTimeOffset(months / 12, (months % 12) + 1, 1, 0, 0, 0, TimeSpan.Zero);
            return (start, start.AddMonths(DurationValue));
        }

        // The first Sunday of 1970 was the fourth day.
        var (length, zero) = DurationUnit switch
        {
            "HOURS" => (TimeSpan.FromHours(DurationValue), DateTimeOffset.UnixEpoch),
            "WEEKS" => (TimeSpan.FromDays(DurationValue * DaysOfAWeek), DateTimeOffset.UnixEpoch.AddDays(3)),
            _ => (TimeSpan.FromDays(DurationValue), DateTimeOffset.UnixEpoch),
        };
        var begin = zero + (length * Math.Floor((now - zero) / length));
        return (begin, begin + length);
    }

    /// <summary>What is said to whom it stops.</summary>
    public string Exceeded(DateTimeOffset end) => string.Create(
        CultureInfo.InvariantCulture,
        $"Budget limit exceeded. Limit: ${Amount:0.00####} USD per {DurationValue} {DurationUnit}. Budget resets at {end.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss}Z. Request rejected.");
}
