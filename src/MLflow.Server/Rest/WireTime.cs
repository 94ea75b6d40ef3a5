using System.Globalization;

namespace MLflow.Server.Rest;

/// <summary>Times as protobuf's JSON has them: RFC 3339 in UTC, here with milliseconds.</summary>
internal static class WireTime
{
    private const string MsFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";
    private const string SecondsFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    private static readonly long MinMs = DateTimeOffset.MinValue.ToUnixTimeMilliseconds();
    private static readonly long MaxMs = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    public static string Format(long ms) =>
        DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString(ms % 1000 == 0 ? SecondsFormat : MsFormat, CultureInfo.InvariantCulture);

    /// <summary>A time that came as milliseconds since the Unix epoch.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: no calendar has it.</exception>
    public static long RequireMs(long ms, string parameter) => ms >= MinMs && ms <= MaxMs
        ? ms
        : throw new MlflowException(
            ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid value {ms} for parameter '{parameter}' supplied: it must be milliseconds since 1970, up to {MaxMs} (the year 9999).");

    /// <summary>Milliseconds since the Unix epoch; null where there is no text.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: it is not a time.</exception>
    public static long? Parse(string? text, string parameter)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.ToUnixTimeMilliseconds()
            : throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid value {text} for parameter '{parameter}' supplied: it must be like 2026-01-31T10:00:00.000Z (RFC 3339).");
    }
}
