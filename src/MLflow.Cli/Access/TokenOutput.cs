using System.Globalization;

namespace MLflow.Cli.Access;

/// <summary>Tokens and times as text.</summary>
internal static class TokenOutput
{
    public static string? Time(long? timeMs) =>
        timeMs is { } ms ? DateTimeOffset.FromUnixTimeMilliseconds(ms).UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) : null;
}
