using System.Globalization;

namespace MLflow.Server.Traces.Retention;

/// <summary>How long traces are kept, counted from when the server last heard of them.</summary>
/// <param name="Days">How long; null for ever.</param>
/// <param name="Action">What happens then.</param>
internal sealed record RetentionPolicy(int? Days, RetentionAction Action)
{
    /// <summary>The tag of an experiment that says its days: a number, or <see cref="Forever"/>.</summary>
    public const string DaysTag = "mlflow.retention.days";

    /// <summary>The tag of an experiment that says what happens: <c>delete</c> or <c>archive</c>.</summary>
    public const string ActionTag = "mlflow.retention.action";

    /// <summary>The tag of a trace that never expires, unless its value is <c>false</c>.</summary>
    public const string KeepTag = "mlflow.keep";

    public const string Forever = "forever";

    /// <summary>A hundred years.</summary>
    public const int MaxDays = 36_525;

    /// <summary>The last moment, in milliseconds, whose traces have expired; null where none has.</summary>
    public long? ExpiredBefore(DateTimeOffset now) => Days is { } days ? (now - TimeSpan.FromDays(days)).ToUnixTimeMilliseconds() : null;

    /// <summary>The policy of an experiment with these tags.</summary>
    /// <param name="tags">The tags. One that says nothing that is understood keeps traces for ever: what was meant is not known, and deletion cannot be undone.</param>
    public RetentionPolicy For(IReadOnlyDictionary<string, string> tags)
    {
        var policy = this;
        if (tags.TryGetValue(DaysTag, out var days))
        {
            policy = policy with { Days = ParseDays(days, out var parsed) ? parsed : null };
        }

        return tags.TryGetValue(ActionTag, out var text)
            ? ParseAction(text) is { } action ? policy with { Action = action } : policy with { Days = null }
            : policy;
    }

    /// <summary>Sees that a tag of an experiment says something about retention that can be understood, where it speaks of it at all.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE</exception>
    public static void CheckTag(string key, string value)
    {
        if (key == DaysTag && !ParseDays(value, out _))
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid value '{value}' for tag '{DaysTag}': it must be 1 to {MaxDays} days, or '{Forever}'.");
        }

        if (key == ActionTag && ParseAction(value) is null)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid value '{value}' for tag '{ActionTag}': it must be 'delete' or 'archive'.");
        }
    }

    /// <param name="text">What somebody wrote.</param>
    /// <param name="days">Null for ever.</param>
    /// <returns>Whether it is understood.</returns>
    public static bool ParseDays(string text, out int? days)
    {
        days = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        return days is null ? text == Forever : days is >= 1 and <= MaxDays;
    }

    /// <returns>Null for what is none.</returns>
    public static RetentionAction? ParseAction(string text) => text switch
    {
        "delete" => RetentionAction.Delete,
        "archive" => RetentionAction.Archive,
        _ => null,
    };

    public static string TextOf(RetentionAction action) => action == RetentionAction.Archive ? "archive" : "delete";

    public static string TextOf(int? days) => days?.ToString(CultureInfo.InvariantCulture) ?? Forever;
}
