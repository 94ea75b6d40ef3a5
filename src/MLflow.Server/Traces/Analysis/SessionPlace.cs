using System.Globalization;

namespace MLflow.Server.Traces.Analysis;

/// <summary>Where a session stands in the order of sessions.</summary>
/// <param name="LastMs">Start of its newest trace, in milliseconds since the Unix epoch.</param>
/// <param name="SessionId">The session.</param>
internal sealed record SessionPlace(long LastMs, string SessionId)
{
    /// <summary>Reads what <see cref="ToString"/> writes; null where it is something else.</summary>
    public static SessionPlace? Parse(string? text)
    {
        var end = text?.IndexOf('.', StringComparison.Ordinal) ?? -1;
        return end > 0 && long.TryParse(text.AsSpan(0, end), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var last) ? new SessionPlace(last, text![(end + 1)..]) : null;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{LastMs}.{SessionId}");
}
