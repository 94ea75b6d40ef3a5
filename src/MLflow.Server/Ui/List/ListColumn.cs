using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.List;

/// <summary>A column of the list.</summary>
/// <param name="Key">Which: <c>latency</c>, or <c>tag.</c>, <c>metadata.</c>, <c>feedback.</c> and <c>expectation.</c> with a key of the reader's.</param>
/// <param name="Width">Pixels that the reader gave it; null for its usual width.</param>
public sealed record ListColumn(string Key, int? Width = null)
{
    public const int Narrowest = 40;
    public const int Widest = 1200;
    public const string Request = "request";
    public const string State = "state";

    /// <summary>In the order in which they are offered.</summary>
    public static readonly IReadOnlyList<string> Fixed = ["time", State, Request, "name", "latency", "tokens", "cost", "feedback", "first", "model", "user", "session", "trace"];

    /// <summary>What stands before a key of the reader's.</summary>
    public static readonly IReadOnlyList<string> Keyed = ["tag.", "metadata.", "feedback.", "expectation."];

    /// <summary>Of a column of a tag or the like, its key.</summary>
    public string? OwnKey => Keyed.FirstOrDefault(prefix => Key.StartsWith(prefix, StringComparison.Ordinal)) is { } prefix ? Key[prefix.Length..] : null;

    public string Title => Key switch
    {
        "time" => Words.T("Time, user"),
        State => Words.T("State"),
        Request => Words.T("Request and response"),
        "name" => Words.T("Name, model"),
        "latency" => Words.T("Latency"),
        "tokens" => Words.T("Tokens"),
        "cost" => Words.T("Cost"),
        "feedback" => Words.T("Feedback"),
        "first" => Words.T("First token"),
        "model" => Words.T("Model"),
        "user" => Words.T("User"),
        "session" => Words.T("Session"),
        "trace" => Words.T("Trace id"),
        _ when Key.StartsWith("tag.", StringComparison.Ordinal) => Words.T("tag {0}", OwnKey!),
        _ when Key.StartsWith("metadata.", StringComparison.Ordinal) => Words.T("metadata {0}", OwnKey!),
        _ when Key.StartsWith("expectation.", StringComparison.Ordinal) => Words.T("expectation {0}", OwnKey!),
        _ => Words.T("feedback {0}", OwnKey!),
    };

    /// <summary>The class of its cells; narrow windows lay out by it.</summary>
    public string Css => Key switch
    {
        "time" => "tmz c-tm",
        State => "stt",
        Request => "c-rr",
        "name" => "tmz c-md",
        "latency" => "c-la",
        "tokens" => "num2 c-tk",
        "cost" => "num2 c-ct",
        "first" => "num2 c-x",
        "feedback" => "tmz c-fb c-x",
        _ => "tmz c-x",
    };

    /// <summary>What the list is ordered by for it; null where it cannot be.</summary>
    public string? Order => Key switch
    {
        "time" => "timestamp_ms",
        State => "status",
        "name" => "name",
        "latency" => "execution_time_ms",
        "tokens" => "tokens",
        "cost" => "cost",
        "first" => "first_token_ms",
        "user" => "metadata.`mlflow.trace.user`",
        "session" => "metadata.`mlflow.trace.session`",
        "trace" => "request_id",
        _ when OwnKey is { } key && Key[0] is 't' or 'm' && !key.Contains('`', StringComparison.Ordinal) => $"{(Key[0] == 't' ? "tags" : "metadata")}.`{key}`",
        _ => null,
    };

    /// <summary>Pixels, the reader's or the usual ones; the widest column has what the others leave.</summary>
    public int Pixels => Width ?? Key switch
    {
        "time" => 82,
        State => 22,
        Request => 180,
        "name" => 150,
        "latency" => 214,
        "tokens" => 98,
        "cost" => 74,
        "first" => 74,
        "trace" => 150,
        _ => 110,
    };

    public bool IsFlexible => Key == Request && Width is null;
}
