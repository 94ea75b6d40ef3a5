using System.Globalization;
using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.Spans;

/// <summary>One try of a model call.</summary>
public sealed record Attempt
{
    public required int Number { get; init; }

    /// <summary>Milliseconds from the start of the span.</summary>
    public required double StartMs { get; init; }

    /// <summary>Milliseconds; null when it was not recorded.</summary>
    public double? DurationMs { get; init; }

    /// <summary>HTTP status, or null when there was no answer.</summary>
    public long? Status { get; init; }

    public string? RequestId { get; init; }

    /// <summary>What the server asked to wait, in milliseconds.</summary>
    public double? RetryAfterMs { get; init; }

    /// <summary>The exception's type and message when there was no answer, or it broke off.</summary>
    public string? Error { get; init; }

    /// <summary>True when it went on with a stream that had broken.</summary>
    public bool IsReconnect { get; init; }

    /// <summary>Everything else that was recorded: rate limits, processing time. Values are plain text.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> More { get; init; } = [];

    /// <summary>True unless an answer below 400 came.</summary>
    public bool Failed => Error is not null || Status is null or >= 400;

    /// <summary>The status, or what stands in its place.</summary>
    public string Outcome => Status is not { } status ? Words.T("no answer")
        : status < 400 && Error is not null ? Words.T("{0}, broken off", status)
        : status.ToString(CultureInfo.InvariantCulture);
}
